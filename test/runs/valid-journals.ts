/** Arbitrary journals as a runner may write them: calls interleaved in any order, refusals, approvals, waits, ends. */
import * as fc from "fast-check";
import type { JournalEvent, JournalEventBody, RunUsage, ToolFailure } from "../../src/journal.ts";
import { toCallId } from "../../src/runs/record/ids.ts";

export const CREATED_AT = 1_700_000_000_000;

export const usage: RunUsage = {
  wallMs: 20,
  cpuMs: 4,
  queueMs: 1,
  compileMs: 6,
  toolCalls: 2,
  logBytes: 3,
  peakHeapBytes: 1_000,
};

/** Gives bodies their seqs and times: 10 ms apart, the first 5 ms after the run was created. */
export function journalOf(bodies: readonly JournalEventBody[]): readonly JournalEvent[] {
  return bodies.map((body, index) => ({ seq: index + 1, at: CREATED_AT + 5 + 10 * index, ...body }));
}

const kinds = [
  "tool",
  "denied",
  "invalid_arguments",
  "timeout",
  "cancelled",
  "unavailable",
  "unknown_tool",
] as const;

/** What happens to one call, in order; it may stop anywhere when the run ends. */
function callBodies(n: number): fc.Arbitrary<readonly JournalEventBody[]> {
  const call = `call_${n}`;
  const tool = `server/tool_${n % 3}`;
  const started: JournalEventBody = { type: "started", n, call, tool, argsHash: "h", readOnly: n % 2 === 0 };
  const decided = (
    decision: "auto" | "ask" | "approved" | "denied" | "result",
    by: string,
  ): Extract<JournalEventBody, { type: "decided" }> => ({
    type: "decided",
    n,
    call,
    decision,
    by,
    ...(decision === "ask" ? { reason: "not in autoExecute", args: '{"a":1}' } : {}),
  });
  // Only what may change something waits for its record, and is held back when that cannot be kept.
  const again = { ...decided("approved", "ann"), heldBack: true } as const;
  const heldBack: readonly (readonly JournalEventBody[])[] = [
    [decided("auto", "policy"), started, { ...decided("auto", "policy"), heldBack: true }, started],
    [
      decided("ask", "policy"),
      decided("approved", "ann"),
      started,
      decided("ask", "policy"),
      decided("approved", "ann"),
      started,
      again,
    ],
  ];
  const roads: readonly (readonly JournalEventBody[])[] = [
    [],
    [decided("auto", "policy"), started],
    [decided("ask", "policy"), decided("approved", "ann"), started],
    [decided("ask", "policy"), decided("denied", "ann")],
    [decided("ask", "policy"), decided("result", "ann")],
    [decided("auto", "policy"), started, decided("ask", "policy"), decided("approved", "ann"), started],
    [
      { ...decided("ask", "policy") },
      { ...decided("approved", "ann"), layers: [{ rule: `key ${n}` }] },
      started,
    ],
    ...(n % 2 === 0 ? [] : heldBack),
  ];
  const failure: fc.Arbitrary<ToolFailure> = fc.record({
    kind: fc.constantFrom(...kinds),
    message: fc.string(),
  });
  const settled: fc.Arbitrary<JournalEventBody> = fc
    .oneof(
      fc.json().map((value) => ({ ok: true, value }) as const),
      failure.map((value) => ({ ok: false, failure: value }) as const),
    )
    .map((outcome) => ({ type: "settled", n, call, outcome, resultBytes: 2, reused: false }));
  const args = fc.oneof(fc.json(), fc.string());
  return fc
    .record({ args, road: fc.constantFrom(...roads), end: settled })
    .map(({ args, road, end }) => [
      { type: "requested", n, call, tool, args, argsBytes: Buffer.byteLength(args) },
      ...road,
      end,
    ]);
}

const callIds = [1, 7, 36, 50].map((n) => toCallId(`run_${"a".repeat(22)}`, n));

const otherBodies: fc.Arbitrary<JournalEventBody> = fc.oneof(
  fc.record({
    type: fc.constant("log"),
    level: fc.constantFrom("log", "info", "warn", "error", "debug"),
    text: fc.string(),
  }),
  fc.record({ type: fc.constant("timer"), n: fc.nat(100), delayMs: fc.nat(1_000) }),
  fc.constant({ type: "waiting" } as const),
  fc.constant({ type: "waiting", usage, lastLogs: [{ level: "log", text: "the end" }] } as const),
  fc.constantFrom<JournalEventBody>(
    { type: "resumed", cause: "decision", engine: "v8" },
    { type: "resumed", cause: "client", engine: null, layers: [{ rule: "request", allow: ["a/*"] }] },
  ),
  fc.record({
    type: fc.constant("turn"),
    message: fc.constant('{"role":"assistant","content":"so"}'),
    calls: fc.array(fc.record({ id: fc.string(), call: fc.constantFrom(...callIds) }), { maxLength: 2 }),
    usage: fc.constantFrom(null, '{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}'),
    finish: fc.constant('{"reason":"stop"}'),
  }),
  fc.record({ type: fc.constant("answered"), id: fc.string(), content: fc.string() }),
);

const endBody: fc.Arbitrary<JournalEventBody> = fc.oneof(
  fc.json().map((result) => ({ type: "ended", status: "completed", result, error: null, usage }) as const),
  fc.constantFrom("failed", "cancelled").map((status) => ({
    type: "ended" as const,
    status,
    result: null,
    error: { code: "cancelled", message: "no", effects: "none" } as const,
    usage,
  })),
);

/** From `opened` to `ended`; any beginning of it is valid too. */
export const validJournal: fc.Arbitrary<readonly JournalEvent[]> = fc
  .tuple(
    fc.nat(6).chain((count) => fc.tuple(...Array.from({ length: count }, (_, n) => callBodies(n)))),
    fc.array(otherBodies, { maxLength: 6 }),
    fc.infiniteStream(fc.nat()),
    endBody,
  )
  .map(([calls, others, picks, end]) => {
    const opened: JournalEventBody = { type: "opened", programHash: "p", catalogVersion: "c" };
    return journalOf([opened, ...interleave([...calls, ...others.map((body) => [body])], picks), end]);
  });

/** Every lane keeps its order; the picks say which lane goes on. */
function interleave(
  lanes: readonly (readonly JournalEventBody[])[],
  picks: Iterator<number>,
): readonly JournalEventBody[] {
  let open = lanes.filter((lane) => lane.length > 0);
  const merged: JournalEventBody[] = [];
  while (open.length > 0) {
    const picked = Number(picks.next().value) % open.length;
    const [body] = open[picked] ?? [];
    if (body) merged.push(body);
    open = open
      .map((lane, index) => (index === picked ? lane.slice(1) : lane))
      .filter((lane) => lane.length > 0);
  }
  return merged;
}

/** Also journals that break off, and those that go on after their end. */
export const anyJournal: fc.Arbitrary<readonly JournalEvent[]> = fc
  .tuple(validJournal, fc.option(validJournal), fc.nat())
  .map(([first, second, length]) => {
    const [, ...rest] = second ?? [];
    const reopened: JournalEventBody = { type: "reopened" };
    const all = journalOf(second === null ? first : [...first, reopened, ...rest.map(withOtherCall)]);
    return all.slice(0, 1 + (length % (2 * all.length)));
  });

function withOtherCall(event: JournalEvent): JournalEventBody {
  const { seq: _, at: __, ...body } = event;
  return "call" in body ? { ...body, call: `${body.call}_later`, n: body.n + 100 } : body;
}
