/**
 * Auto mode, experimental: the model is offered the tools as functions beside `run_code`, and chooses at each step.
 * The answer says what it chose, so that people can judge the choice.
 */

import { countTokens } from "../../tokens.ts";
import type { Fields, ToolCall } from "../../upstream/model.ts";
import { reservedFunctionNames } from "../offer/meta-tools.ts";
import { toolFunction } from "../offer/prompt.ts";
import type { KeptTurn } from "../turns/kept-turn.ts";
import type { AutoChoice, CallAnswering, ModeContext } from "./call-answering.ts";
import { programs } from "./programs.ts";
import { toolCalls } from "./tool-calls.ts";

/**
 * The tools as functions: all of them, or none when their definitions take more than `declarations.tokenBudget`. With
 * none the model can only write programs.
 */
export function directFunctions(context: ModeContext): readonly Fields[] {
  const functions = context.tools.map(toolFunction);
  return tokensOf(functions) <= context.config.declarations.tokenBudget ? functions : [];
}

/** Code mode answers calls of the gateway's own functions, agent mode all others. */
export const directOrProgram: CallAnswering = {
  assign: (call, run) => answeringOf(call).assign(call, run),
  look: (call, ...rest) => answeringOf(call).look(call, ...rest),
  settle: (call, ...rest) => answeringOf(call).settle(call, ...rest),
};

function answeringOf({ name }: ToolCall): CallAnswering {
  return reservedFunctionNames.has(name) ? programs : toolCalls;
}

/** What the model chose over all turns of the chat so far. */
export function explainChoice(turns: readonly KeptTurn[], context: ModeContext): AutoChoice {
  const places = turns.flatMap((turn) => turn.places.filter(({ caller }) => !caller));
  const written = places.filter(({ run }) => run !== undefined).length;
  const called = places.filter(({ call }) => call !== undefined).length;
  const direct = directFunctions(context).length > 0;
  const chosen = written > 0 ? (called > 0 ? "both" : "code") : called > 0 ? "direct" : "none";
  const acts = [
    ...(called > 0 ? [`called ${count(called, "tool")} itself`] : []),
    ...(written > 0 ? [`wrote ${count(written, "program")}`] : []),
  ];
  const told = `The model ${acts.join(" and ") || "used no tool"}.`;
  return {
    offered: direct ? "both" : "code",
    chosen,
    reason: direct ? told : `${whyOnlyCode(context)} ${told}`,
  };
}

function whyOnlyCode({ tools, config }: ModeContext): string {
  if (tools.length === 0) return "There is no tool that could be called directly.";
  const tokens = tokensOf(tools.map(toolFunction));
  return `Only programs were offered: ${count(tools.length, "tool")} as functions would take ${tokens} tokens, and declarations.tokenBudget is ${config.declarations.tokenBudget}.`;
}

function tokensOf(functions: readonly Fields[]): number {
  return countTokens(JSON.stringify(functions));
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
