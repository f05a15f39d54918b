/**
 * The settlement of calls at the gate: values within their bounds, refusals, and the journal's last event for either.
 */
import type { JournalEventBody, ToolFailure } from "../journal.ts";
import type { CallOutcome } from "../mcp/server.ts";

export type Refusal = { readonly ok: false; readonly failure: ToolFailure };
export type Settled = { readonly ok: true; readonly value: string } | Refusal;
/** `value` is JSON text. */
export type FinalOutcome =
  | { readonly type: "value"; readonly value: string }
  | { readonly type: "failure"; readonly failure: ToolFailure };

export function refuseCall(failure: ToolFailure): Refusal {
  return { ok: false, failure };
}

/**
 * A tool's value as JSON text, if it can be written and is not larger than the run allows. A failure's further fields
 * are bounded in the same way.
 */
export function measure(outcome: CallOutcome, limitBytes: number): Settled {
  if (!outcome.ok) return refuseCall(withBoundedData(outcome.failure, limitBytes));
  // A value far above the limit is not written first: its text would hold everything a second time.
  const atLeast = charsIn(outcome.value);
  if (atLeast > limitBytes) return refuseCall(tooLarge(`at least ${atLeast}`, limitBytes));
  let value: string | undefined;
  try {
    value = JSON.stringify(outcome.value) ?? "null";
  } catch {
    return refuseCall({ kind: "tool", message: "The tool returned a value that cannot be written as JSON." });
  }
  const bytes = Buffer.byteLength(value);
  if (bytes <= limitBytes) return { ok: true, value };
  return refuseCall(tooLarge(`${bytes}`, limitBytes));
}

function tooLarge(bytes: string, limitBytes: number): ToolFailure {
  const message = `The result has ${bytes} bytes; at most ${limitBytes} are allowed. Ask for less.`;
  return { kind: "too_large", message };
}

/** Length of the texts in a JSON value; each character takes a byte or more. Of many parts the first count. */
function charsIn(value: unknown): number {
  const open: unknown[] = [value];
  let chars = 0;
  for (let part = 0; part < MOST_PARTS && open.length > 0; part += 1) {
    const item = open.pop();
    if (typeof item === "string") chars += item.length;
    else if (typeof item === "object" && item !== null)
      for (const inner of Object.values(item).slice(0, MOST_PARTS)) open.push(inner);
  }
  return chars;
}

const MOST_PARTS = 50_000;

function withBoundedData(failure: ToolFailure, limitBytes: number): ToolFailure {
  if (failure.data === undefined) return failure;
  const bytes = Buffer.byteLength(JSON.stringify(failure.data) ?? "");
  if (bytes <= limitBytes) return failure;
  const { data: _, ...rest } = failure;
  const left = `Its data of ${bytes} bytes was left out; at most ${limitBytes} are allowed.`;
  return { ...rest, message: `${rest.message} (${left})` };
}

interface CallToSettle {
  readonly journal: { append(body: JournalEventBody): unknown };
  readonly n: number;
  readonly id: string;
}

/** `reused`: the value is another run's, and no call was made. `note`: a remark about the value. */
export function settle(
  call: CallToSettle,
  outcome: Settled,
  { reused = false, note }: { readonly reused?: boolean; readonly note?: string } = {},
): FinalOutcome {
  const { journal, n, id } = call;
  const resultBytes = outcome.ok ? Buffer.byteLength(outcome.value) : 0;
  const settled = outcome.ok ? outcome : refuseCall(outcome.failure);
  journal.append({
    type: "settled",
    n,
    call: id,
    outcome: settled,
    resultBytes,
    reused,
    ...(note === undefined ? {} : { note }),
  });
  return outcome.ok ? { type: "value", value: outcome.value } : { type: "failure", failure: outcome.failure };
}
