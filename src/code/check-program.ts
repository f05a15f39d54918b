/**
 * Checks a compiled body against the tools' declarations. TypeScript's faults become remarks about the author's text.
 */
import type { CheckResult, CheckService, Unchecked } from "./check/check-service.ts";
import type { CheckedProgram, TypeFault } from "./check/checked.ts";
import type { DeclarationStore } from "./check/declaration-store.ts";
import type { ToolSignatures } from "./check/tool-signatures.ts";
import type { Verdict } from "./faults/fault-context.ts";
import { readSites } from "./faults/fault-site.ts";
import { judgeFault } from "./faults/judge-fault.ts";
import type { HiddenTool } from "./lint/hidden-tools.ts";
import type { Remark } from "./syntax/remark.ts";
import { isInserted, originOf, type SourceText } from "./syntax/source-text.ts";

export interface Checking {
  readonly service: CheckService;
  readonly declarations: DeclarationStore;
}

/** A remark with TypeScript's number for its fault. */
export interface TypeRemark extends Remark {
  readonly code: number;
  /** The signature of the tool that the remark is about. */
  readonly signature?: string;
}

/** Faults that are judged one by one: more cannot be shown. */
const MAX_JUDGED = 50;

/** Declarations by their hashes. */
export interface TypesByHash {
  readonly all: string;
  /** Without the observed types; null when there are none. */
  readonly promised: string | null;
}

/** Remarks with the author's offsets, or the reason why the check did not take place. Never rejects. */
export async function checkBody(
  body: SourceText,
  toolGlobals: ReadonlySet<string>,
  { all, promised }: TypesByHash,
  checking: Checking,
): Promise<CheckResult<readonly TypeRemark[]>> {
  const found = await checkAgainst(all, body, toolGlobals, checking);
  if (promised === null || !found.checked || !found.value.some(isError)) return found;
  // Observed types alone refuse nothing: a fault is certain only if it is one without them, too.
  const certain = await checkAgainst(promised, body, toolGlobals, checking);
  return certain.checked ? { checked: true, value: withDoubts(certain.value, found.value) } : certain;
}

async function checkAgainst(
  hash: string,
  body: SourceText,
  toolGlobals: ReadonlySet<string>,
  { service, declarations }: Checking,
): Promise<CheckResult<readonly TypeRemark[]>> {
  const types = (): Promise<{ hash: string; text: string }> => declarations.get(hash);
  return await service.check(types, body.text, async (checked) => {
    if (checked.faults.length === 0) return [];
    const { signatures } = await declarations.get(hash);
    return await judge(checked, body, toolGlobals, signatures());
  });
}

/** Reports a variable that hides a server or tool of its name and is used like it, if the tool exists. */
export async function checkHiddenTools(
  hidden: readonly HiddenTool[],
  { all }: TypesByHash,
  { declarations }: Checking,
): Promise<readonly Remark[]> {
  if (hidden.length === 0) return [];
  const { servers, functions } = (await declarations.get(all)).signatures();
  return hidden
    .filter(({ root, method }) =>
      method === null ? functions.includes(root) : servers.get(root)?.includes(method),
    )
    .map(({ root, method, offset }) => ({
      severity: "error",
      message: `${root} is a variable here and hides the tool${method === null ? "" : " server"} ${root}: rename the variable.`,
      offset,
    }));
}

const OBSERVED_ONLY = "(So it was in the results seen so far; the tool promises nothing.)";

/** The certain remarks, and every other remark as a doubt. */
function withDoubts(certain: readonly TypeRemark[], found: readonly TypeRemark[]): readonly TypeRemark[] {
  const places = new Set(certain.map(({ code, offset }) => `${code}@${offset}`));
  const doubts = found.filter(({ code, offset }) => !places.has(`${code}@${offset}`));
  return [
    ...certain,
    ...doubts.map(({ signature: _, message, ...remark }): TypeRemark => {
      return { ...remark, severity: "warning", message: `${message} ${OBSERVED_ONLY}` };
    }),
  ];
}

function isError({ severity }: TypeRemark): boolean {
  return severity === "error";
}

async function judge(
  checked: CheckedProgram,
  body: SourceText,
  toolGlobals: ReadonlySet<string>,
  signatures: ToolSignatures,
): Promise<readonly TypeRemark[]> {
  const sites = readSites(body.text, toolGlobals);
  if (sites === undefined) return [];
  const context = {
    program: body.text,
    sites,
    signatures,
    typeAt: (offset: number, unwrap: number) => checked.typeAt(offset, unwrap),
  };
  const authored = checked.faults.filter(({ start }) => start >= 0 && !isInserted(body.pieces, start));
  const found: Found[] = [];
  for (const fault of authored.slice(0, MAX_JUDGED)) {
    const verdict = await judgeFault(fault, context);
    if (verdict !== undefined) found.push({ fault, verdict });
  }
  return mergeCalls(found).map(({ fault, verdict }) => toRemark(fault, verdict, body));
}

interface Found {
  readonly fault: TypeFault;
  readonly verdict: Verdict;
}

/** Faults reported for one call. */
const MAX_MERGED = 5;

/** Merges all faults in the arguments of one call into one remark, at the first of them. */
function mergeCalls(found: readonly Found[]): readonly Found[] {
  const byCall = Map.groupBy(found, ({ verdict }) => verdict.call?.at);
  return found.flatMap(({ fault, verdict }) => {
    const same = verdict.call === undefined ? [] : (byCall.get(verdict.call.at) ?? []);
    if (verdict.call === undefined) return [{ fault, verdict }];
    if (same[0]?.verdict !== verdict) return [];
    const messages = [
      ...same.map((each) => each.verdict.message),
      ...same.flatMap((each) => each.verdict.call?.also ?? []),
    ];
    return [{ fault, verdict: { ...verdict, message: join(messages, verdict.call.callable) } }];
  });
}

function join(messages: readonly string[], callable: string): string {
  const [first = "", ...others] = new Set(messages);
  if (others.length === 0) return first;
  const shown = others
    .slice(0, MAX_MERGED - 1)
    .map((message) => withoutStop(message.slice(callable.length).replace(/^:? /, "")));
  const more = others.length - shown.length;
  return `${[withoutStop(first), ...shown, ...(more > 0 ? [`and ${more} more`] : [])].join("; ")}.`.replace(
    /\?\.$/,
    "?",
  );
}

function withoutStop(sentence: string): string {
  return sentence.replace(/\.$/, "");
}

function toRemark({ code, start }: TypeFault, verdict: Verdict, { pieces }: SourceText): TypeRemark {
  const { call: _, ...remark } = verdict;
  return { ...remark, code, offset: originOf(pieces, start) };
}

/** The remark for the author when the check did not take place. */
export function sayUnchecked(unchecked: Unchecked): Pick<Remark, "severity" | "message"> {
  switch (unchecked.why) {
    case "late":
      return note(`the check took more than ${unchecked.deadlineMs} ms. Plainer types are checked faster.`);
    case "memory":
      return note("its types took too much memory. Plainer ones take less.");
    case "interrupted":
      return note("the type checker was stopped twice while it was at work on it.");
    case "busy":
      return note("too many programs are being compiled right now.");
    case "down":
      return { severity: "warning", message: `Not type-checked: ${NO_CHECKER}` };
  }
}

const NO_CHECKER = "the type checker does not run here. The operator's log has the reason.";

function note(reason: string): Pick<Remark, "severity" | "message"> {
  return { severity: "note", message: `Not type-checked: ${reason}` };
}
