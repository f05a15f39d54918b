/** Programs of an MCP client: started, followed, put to a person where they wait, and resumed by whoever owns them. */
import { type CallToolResult, type InputRequiredResult, inputRequired } from "@modelcontextprotocol/server";
import { requireRight } from "../access/caller.ts";
import { ToolariumError } from "../errors.ts";
import type { JournalEvent } from "../journal.ts";
import type { ProgramRequest } from "../runs/prepare/prepare.ts";
import { createStreamMapper, type StreamEvent } from "../runs/record/events.ts";
import type { PendingCall, Report } from "../runs/record/report-shape.ts";
import { parseSpec } from "../runs/record/run-spec.ts";
import { approvalForm, readApproval } from "./approval-form.ts";
import type { Exchange, Said } from "./exchange.ts";
import { waitingAnswer } from "./run-answer.ts";
import { type McpServerDeps, ownRuns } from "./visit.ts";

export type Answer = CallToolResult | InputRequiredResult;

/** What is answered of a run that has ended. */
export type Finish = (report: Report, code: string) => CallToolResult;

export type ProgramText = Pick<ProgramRequest, "code" | "input" | "typecheck" | "notes">;

/**
 * Runs a program and answers with what became of it; of one that waits, asks the person whom the client can ask. A
 * request that comes back with what the person said starts nothing anew.
 *
 * @throws what `Runner.start` rejects with; `forbidden`; `not_found` when it comes back with a run that is not the
 *   caller's
 */
export async function runProgram(
  program: ProgramText,
  exchange: Exchange,
  deps: McpServerDeps,
  finish: Finish,
): Promise<Answer> {
  const { visit, signal, tell, returned } = exchange;
  const { caller, user, policy } = visit;
  requireRight(caller, "run");
  if (returned !== null) return await resumeRun(returned.run, exchange, deps, finish);
  let report: Report;
  {
    await using _slot = await deps.access.takeSlot(caller);
    const run = await deps.runner.start({
      principal: caller.principal,
      keyName: caller.keyName,
      user,
      policy,
      limits: deps.config.limits,
      approval: "park",
      signal,
      ...program,
    });
    if (tell !== null) await follow(run.report(), run.events(), tell);
    report = await run.done;
  }
  return await settle(report, program.code, exchange, deps, finish);
}

/**
 * Answers with what becomes of a program of the caller's principal, whichever client or session started it.
 *
 * @throws `not_found` when there is none of this id
 */
export async function resumeRun(
  id: string,
  exchange: Exchange,
  deps: McpServerDeps,
  finish: Finish,
): Promise<Answer> {
  const { visit, returned } = exchange;
  const { runner } = deps;
  const stored = await runner.reader.find(id, ownRuns(visit));
  const code = stored && parseSpec(stored.spec).program?.code;
  if (code === undefined) {
    const shown = JSON.stringify(id.slice(0, 80));
    throw new ToolariumError("not_found", `There is no run ${shown} of a program among yours.`);
  }
  let report = await runner.programAtRest(id);
  if (report === undefined) throw new ToolariumError("not_found", "The run is not kept any more.");
  const faults = new Map<string, string>();
  if (returned !== null && report.status === "waiting") {
    const said = report.pending.flatMap((pending) => {
      const answer = returned.said(pending.call);
      return answer === undefined ? [] : [{ pending, answer }];
    });
    if (said.some(({ answer }) => answer.action === "cancel")) return waitingAnswer(report, visit);
    const since = Date.now();
    for (const { pending, answer } of said) {
      const fault = await decide(report.id, pending, answer, exchange, deps);
      if (fault?.isFinal) return waitingAnswer(report, visit, fault.message);
      if (fault !== undefined) faults.set(pending.call, fault.message);
    }
    report = await atRest(report, since, exchange, deps);
  }
  return await settle(report, code, exchange, deps, finish, faults);
}

/** How often one call is asked for again because what came was no answer. */
const MAX_FAULTS = 3;

async function settle(
  first: Report,
  code: string,
  exchange: Exchange,
  deps: McpServerDeps,
  finish: Finish,
  faults: ReadonlyMap<string, string> = new Map(),
): Promise<Answer> {
  const { visit, asks } = exchange;
  let report = first;
  for (let failed = 0; report.status === "waiting"; ) {
    const [pending] = report.pending;
    if (pending === undefined || asks === null || !visit.caller.rights.has("decide"))
      return waitingAnswer(report, visit);
    if (asks === "later") return questionsOf(report, faults);
    const said = await exchange.ask(approvalForm(pending, faults.get(pending.call))).catch(() => undefined);
    if (said === undefined || said.action === "cancel") return waitingAnswer(report, visit);
    const since = Date.now();
    const fault = await decide(report.id, pending, said, exchange, deps);
    failed = fault === undefined ? 0 : failed + 1;
    if (fault?.isFinal || failed >= MAX_FAULTS) return waitingAnswer(report, visit, fault?.message);
    faults = new Map(fault === undefined ? [] : [[pending.call, fault.message]]);
    report = await atRest(report, since, exchange, deps);
  }
  return finish(report, code);
}

/** The run's id comes back with the answers. It says which run is meant and no more: whose it is follows from the key. */
function questionsOf({ id, pending }: Report, faults: ReadonlyMap<string, string>): InputRequiredResult {
  const forms = pending.map(
    (each) => [each.call, inputRequired.elicit(approvalForm(each, faults.get(each.call)))] as const,
  );
  return inputRequired({ inputRequests: Object.fromEntries(forms), requestState: id });
}

interface Fault {
  readonly message: string;
  /** No other answer to the form would do. */
  readonly isFinal: boolean;
}

/** Resolves with what is wrong with the answer; undefined when the call is decided, by this or before. */
async function decide(
  run: string,
  pending: PendingCall,
  said: Said,
  { visit }: Exchange,
  { runner }: McpServerDeps,
): Promise<Fault | undefined> {
  requireRight(visit.caller, "decide");
  const read = readApproval(pending, said, visit.caller.principal);
  if (read.type === "fault") return { message: read.message, isFinal: false };
  if (read.type === "undecided") return undefined;
  try {
    const { call } = pending;
    const viewer = ownRuns(visit);
    await runner.decide({ run, call, viewer, decision: read.decision, layers: visit.filters });
    return undefined;
  } catch (error) {
    if (!(error instanceof ToolariumError)) throw error;
    // Somebody else was faster: what they decided counts.
    if (error.code === "decision_conflict") return undefined;
    const { code, message } = error;
    if (code === "invalid_arguments" || code === "tool_not_allowed")
      return { message, isFinal: code === "tool_not_allowed" };
    throw error;
  }
}

/**
 * The run once it has ended or waits again. A client that gives up meanwhile cancels it, as it would a fresh one.
 * `since`: from when on it is told of; milliseconds since 1970.
 */
async function atRest(
  before: Report,
  since: number,
  { visit, signal, tell }: Exchange,
  { runner, log }: McpServerDeps,
): Promise<Report> {
  const viewer = ownRuns(visit);
  const cancel = (): void => {
    runner
      .cancel(before.id, viewer)
      .catch((error: unknown) => log.warn({ err: error, run: before.id }, "a run could not be cancelled"));
  };
  if (signal.aborted) cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    const events = tell && (await runner.reader.events(before.id, viewer));
    if (tell !== null && events) await follow(before, events, tell, since);
    return (await runner.programAtRest(before.id)) ?? before;
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

/** Tells of calls and console lines until the run ends or waits; of those since this time: milliseconds since 1970. */
async function follow(
  { id, createdAt }: Pick<Report, "id" | "createdAt">,
  events: AsyncIterable<JournalEvent>,
  tell: (message: string) => void,
  since = 0,
): Promise<void> {
  const toStreamEvent = createStreamMapper({ id, createdAt: Date.parse(createdAt) });
  for await (const event of events) {
    const shown = toStreamEvent(event);
    const message = shown && describe(shown);
    if (message !== undefined && event.at >= since) tell(message);
  }
}

function describe({ event, data }: StreamEvent): string | undefined {
  switch (event) {
    case "log":
      return String(data["text"]);
    case "call.started":
      return `${String(data["tool"])} …`;
    case "call.finished":
      return `${String(data["tool"])}: ${String(data["status"])}`;
    case "approval.required":
      return `${String(data["tool"])} waits for a person (${data.run})`;
    default:
      return undefined;
  }
}
