/**
 * The modes as data: what the model sees, and who answers its calls. The loop in `answer.ts` is the same for all.
 */
import type { ShownDeclarations } from "../code/declare/shown-declarations.ts";
import type { Mode } from "../config/modes.ts";
import { programDeclarations } from "../runs/program/program-globals.ts";
import type { Fields } from "../upstream/model.ts";
import type { CallAnswering, ModeContext } from "./calls/answering.ts";
import { type AutoChoice, directFunctions, directOrProgram, explainChoice } from "./calls/auto.ts";
import { programs } from "./calls/programs.ts";
import { toolCalls } from "./calls/tool-calls.ts";
import { describeToolsFunction, runCodeFunction, searchToolsFunction } from "./offer/meta-tools.ts";
import { codePrompt, toolFunction } from "./offer/prompt.ts";
import type { KeptTurn } from "./turns/kept-turns.ts";

export interface ChatMode {
  /** Function definitions of ours. */
  functions(context: ModeContext): readonly Fields[];
  /** What is added to the system message; null for nothing. */
  instructions(context: ModeContext): string | null;
  /** Fields of the request that the mode sets unless the caller did. */
  readonly params: Fields;
  /** Null: calls of what was offered go back to the client. */
  readonly answering: CallAnswering | null;
  /** What is told of the way that the model went, where it had a choice. */
  explain?(turns: readonly KeptTurn[], context: ModeContext): AutoChoice;
}

export const modes: { readonly [M in Mode]: ChatMode } = {
  plain: {
    functions: ({ tools }) => tools.map(toolFunction),
    instructions: () => null,
    params: {},
    answering: null,
  },
  agent: {
    functions: ({ tools }) => tools.map(toolFunction),
    instructions: () => null,
    params: { parallel_tool_calls: false },
    answering: toolCalls,
  },
  code: {
    functions: codeFunctions,
    instructions: (context) => codePrompt(shownTo(context)),
    params: {},
    answering: programs,
  },
  auto: {
    functions: (context) => [...directFunctions(context), ...codeFunctions(context)],
    instructions: (context) => codePrompt(shownTo(context), directFunctions(context).length > 0),
    params: {},
    answering: directOrProgram,
    explain: explainChoice,
  },
};

function codeFunctions(context: ModeContext): readonly Fields[] {
  const { tools, total } = shownTo(context);
  return tools.length === total
    ? [runCodeFunction]
    : [runCodeFunction, searchToolsFunction, describeToolsFunction];
}

function shownTo({ catalog, policy, config }: ModeContext): ShownDeclarations {
  return programDeclarations(catalog, policy).shown(config.declarations.tokenBudget);
}
