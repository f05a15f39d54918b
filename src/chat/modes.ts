/**
 * The three modes as data: what the model sees, and who answers its calls. The loop in `engine.ts` is the same for all.
 */
import type { Config, Mode } from "../config.ts";
import type { RunError, ToolFailure } from "../journal.ts";
import type { CallRun } from "../runs/call-run.ts";
import type { PendingCall, RunStatus } from "../runs/report.ts";
import type { Runner } from "../runs/runner.ts";
import type { Catalog, CatalogTool } from "../tools/catalog.ts";
import type { Policy } from "../tools/policy.ts";
import type { Fields, ToolCall } from "../upstream/model.ts";
import { RUN_CODE, readRunCodeArguments, runCodeFunction } from "./meta-tools.ts";
import { codePrompt, toolFunction } from "./prompt.ts";
import { describeFailure, describeProblem, describeReport, describeValue } from "./tool-message.ts";

/** What one chat request works with. */
export interface ModeContext {
  readonly runner: Pick<Runner, "start">;
  readonly config: Pick<Config, "agent" | "limits" | "declarations">;
  readonly renderDeclarations: (tools: readonly CatalogTool[]) => string;
  readonly catalog: Catalog;
  /** The tools that this request may use and that can be called. */
  readonly tools: readonly CatalogTool[];
  readonly principal: string;
  readonly policy: Policy;
  readonly signal: AbortSignal;
}

/** What became of one call of the model, for people who follow the request. */
export type ChatStep =
  | {
      readonly type: "program";
      readonly run_id: string;
      readonly status: RunStatus;
      readonly error: RunError | null;
    }
  | {
      readonly type: "call";
      readonly call: string;
      readonly tool: string;
      readonly status: "ok" | "error" | "waiting";
      readonly error: ToolFailure | null;
    };

export type Answer =
  /** `content` goes back to the model. */
  | { readonly type: "message"; readonly content: string; readonly step: ChatStep | null }
  /** A person must decide: these calls end the response. */
  | { readonly type: "pending"; readonly calls: readonly ToolCall[]; readonly step: ChatStep };

export interface ChatMode {
  /** Function definitions of ours. */
  functions(context: ModeContext): readonly Fields[];
  /** What is added to the system message; null for nothing. */
  instructions(context: ModeContext): string | null;
  /** Fields of the request that the mode sets unless the caller did. */
  readonly params: Fields;
  /** Null: calls of what was offered go back to the client. Rejects only when the call could not be taken on. */
  readonly answer: ((call: ToolCall, run: CallRun, context: ModeContext) => Promise<Answer>) | null;
}

export const modes: { readonly [M in Mode]: ChatMode } = {
  plain: {
    functions: ({ tools }) => tools.map(toolFunction),
    instructions: () => null,
    params: {},
    answer: null,
  },
  agent: {
    functions: ({ tools }) => tools.map(toolFunction),
    instructions: () => null,
    params: { parallel_tool_calls: false },
    answer: callTool,
  },
  code: {
    functions: () => [runCodeFunction],
    instructions: ({ tools, renderDeclarations }) => codePrompt(tools, renderDeclarations(tools)),
    params: {},
    answer: runProgram,
  },
};

/** Agent mode: one call of the model is one call through the gate, which refuses what is not allowed or not known. */
async function callTool(call: ToolCall, run: CallRun, { catalog }: ModeContext): Promise<Answer> {
  const tool = (catalog.byFunctionName(call.name) ?? catalog.byId(call.name))?.id ?? call.name;
  const result = await run.call(tool, call.arguments.trim() === "" ? "{}" : call.arguments);
  switch (result.type) {
    case "value":
      return {
        type: "message",
        content: describeValue(result.value),
        step: { type: "call", call: result.call, tool, status: "ok", error: null },
      };
    case "failure":
      return {
        type: "message",
        content: describeFailure(result.failure),
        step: { type: "call", call: result.call, tool, status: "error", error: result.failure },
      };
    case "pending":
      return {
        type: "pending",
        calls: [toToolCall(result.pending, call.name, call.fields)],
        step: { type: "call", call: result.pending.call, tool, status: "waiting", error: null },
      };
  }
}

/** Code mode: a `run_code` call is one program; its report is what the model reads. */
async function runProgram(call: ToolCall, run: CallRun, context: ModeContext): Promise<Answer> {
  if (call.name !== RUN_CODE) return message(describeProblem(notAFunction(call.name, context)));
  const program = readRunCodeArguments(call.arguments);
  if (!program.ok) return message(describeProblem(program.problem));

  const { runner, principal, policy, config, signal, catalog } = context;
  const active = await runner.start({
    principal,
    policy,
    signal,
    code: program.code,
    limits: config.limits,
    typecheck: "error",
    approval: "park",
    parent: run.id,
  });
  const report = await active.done;
  const step: ChatStep = { type: "program", run_id: report.id, status: report.status, error: report.error };
  if (report.status !== "waiting")
    return { type: "message", content: describeReport(report, program.code), step };
  const calls = report.pending.map((pending) =>
    toToolCall(pending, catalog.byId(pending.tool)?.functionName ?? pending.tool, {}),
  );
  return { type: "pending", calls, step };
}

function message(content: string): Answer {
  return { type: "message", content, step: null };
}

function notAFunction(name: string, { tools, catalog }: ModeContext): string {
  const id = catalog.byFunctionName(name)?.id ?? name;
  const tool = tools.find((candidate) => candidate.id === id);
  const advice =
    tool === undefined
      ? `Only ${RUN_CODE} and the functions offered with it can be called.`
      : `Call ${RUN_CODE} with a program that uses ${tool.callable}(…).`;
  return `There is no function ${JSON.stringify(name.slice(0, 100))}. ${advice}`;
}

/** The id is what the client echoes when the call was decided. Arguments are shown as they would be sent. */
function toToolCall({ call, arguments: args }: PendingCall, name: string, fields: Fields): ToolCall {
  return { id: call, name, arguments: JSON.stringify(args ?? {}), fields };
}
