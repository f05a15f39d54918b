/** Code mode: one `run_code` call of the model runs one program, and the model reads the program's report. */

import { type Discovery, discover } from "../../offer/discovery.ts";
import { RUN_CODE } from "../../offer/meta-tools.ts";
import { type RunCodeArguments, readRunCodeArguments } from "../../offer/run-code-arguments.ts";
import { describeProblem } from "../../offer/tool-message.ts";
import type { CallRun } from "../../runs/execution/call-run.ts";
import { createRunId } from "../../runs/record/ids.ts";
import { describeReport } from "../../runs/record/model-report.ts";
import type { Report } from "../../runs/record/report-shape.ts";
import type { ToolCall } from "../../upstream/model.ts";
import { turnsOf } from "../turns/kept-turns.ts";
import {
  type Answer,
  type CallAnswering,
  type ChatStep,
  type ModeContext,
  toToolCall,
} from "./call-answering.ts";
import { explainMissing } from "./offered-calls.ts";
import { followProgram, type TellProgress } from "./progress.ts";

export const programs: CallAnswering = {
  assign(call) {
    const isProgram = call.name === RUN_CODE && readRunCodeArguments(call.arguments).ok;
    return isProgram ? { id: call.id, run: createRunId() } : { id: call.id };
  },
  async look(call, place, records, context) {
    const program = readProgram(call, context);
    if (!program.ok) return inWords(program.answer);
    const id = place.run ?? "";
    const report = await records.program(id);
    if (report === undefined || report.status === "queued" || report.status === "running") return undefined;
    return reportAnswer(report, program.code, context);
  },
  async settle(call, place, run, context, { tell, budget }) {
    const program = readProgram(call, context);
    if (!program.ok) return inWords(program.answer);
    const id = place.run ?? "";
    const { runner, principal, keyName, policy, config } = context;
    if (tell !== null) await followAgain(id, run, context, tell);
    const known = await runner.programAtRest(id, run.brokenOffAt);
    if (known !== undefined) return reportAnswer(known, program.code, context);
    const repairOf = await findRepaired(id, run, context);
    const active = await runner.start({
      principal,
      keyName,
      user: run.spec.user,
      policy,
      signal: run.signal,
      code: program.code,
      limits: budget.narrow(config.limits),
      typecheck: "error",
      approval: "park",
      id,
      parent: run.id,
      ...(repairOf === undefined ? {} : { repairOf }),
      ...(program.repair === undefined ? {} : { notes: [program.repair] }),
    });
    if (tell !== null) {
      tell({ type: "code", run_id: id, code: program.code });
      await followProgram({ id, createdAt: Date.parse(active.report().createdAt) }, active.events(), tell);
    }
    const report = await active.done;
    budget.takeProgram(report.calls.length, report.error?.code);
    return reportAnswer(report, program.code, context);
  },
};

/** Reports the progress of a program that a decision has resumed. */
async function followAgain(
  id: string,
  run: CallRun,
  { runner, principal }: ModeContext,
  tell: TellProgress,
): Promise<void> {
  const pause = run.journal.state.lastPause;
  if (pause === undefined) return;
  const viewer = { principal, admin: false };
  const program = await runner.reader.find(id, viewer);
  const events = await runner.reader.events(id, viewer);
  if (program !== undefined && events !== undefined) await followProgram(program, events, tell, pause.at);
}

/**
 * The id of the failed program that this one corrects: the latest earlier one of the chat that made a call, if it and
 * every one since failed. Only the first program of a turn corrects, so that no result is given twice.
 */
async function findRepaired(
  id: string,
  { journal }: CallRun,
  { runner, principal }: ModeContext,
): Promise<string | undefined> {
  const turns = turnsOf(journal.state).map(({ places }) => places.flatMap((place) => place.run ?? []));
  const turn = turns.findLastIndex((ids) => ids.includes(id));
  if (turns[turn]?.[0] !== id) return undefined;
  for (const earlier of turns.slice(0, turn).flat().toReversed()) {
    const report = await runner.reader.report(earlier, { principal, admin: false });
    if (report?.status !== "failed") return undefined;
    if (report.calls.length > 0) return earlier;
  }
  return undefined;
}

/** The program in a call, or the answer to a call without one. */
function readProgram(
  call: ToolCall,
  context: ModeContext,
): Extract<RunCodeArguments, { ok: true }> | { readonly ok: false; readonly answer: string } {
  if (call.name !== RUN_CODE) {
    const answer =
      discover(call.name, call.arguments, toDiscovery(context)) ??
      describeProblem(notAFunction(call.name, context));
    return { ok: false, answer };
  }
  const read = readRunCodeArguments(call.arguments);
  return read.ok ? read : { ok: false, answer: describeProblem(read.problem) };
}

function toDiscovery({ catalog, policy, config }: ModeContext): Discovery {
  return { catalog, policy, resultTokens: config.agent.resultTokens };
}

function inWords(content: string): Answer {
  return { type: "message", content, step: null };
}

function reportAnswer(report: Report, code: string, { catalog, config }: ModeContext): Answer {
  const step: ChatStep = { type: "program", run_id: report.id, status: report.status, error: report.error };
  if (report.status !== "waiting")
    return { type: "message", content: describeReport(report, code, config.agent.resultTokens), step };
  const calls = report.pending.map((pending) =>
    toToolCall(pending, catalog.byId(pending.tool)?.functionName ?? pending.tool, {}),
  );
  return { type: "pending", calls, step };
}

function notAFunction(name: string, context: ModeContext): string {
  const near = explainMissing(name, context);
  if (near !== undefined) return near;
  return `There is no function ${JSON.stringify(name.slice(0, 100))}. Only ${RUN_CODE} and the functions offered with it can be called.`;
}
