/**
 * The modes as data: what the model sees, and how its calls are answered. The loop in `answer.ts` is the same for all.
 */

import type { ShownDeclarations } from "../code/declare/shown-declarations.ts";
import type { Mode } from "../config/modes.ts";
import { programDeclarations } from "../runs/program/program-globals.ts";
import type { Fields } from "../upstream/model.ts";
import { directFunctions, directOrProgram, explainChoice } from "./calls/auto.ts";
import type { ModeContext } from "./calls/call-answering.ts";
import type { ChatMode } from "./calls/chat-mode.ts";
import { programs } from "./calls/programs.ts";
import { toolCalls } from "./calls/tool-calls.ts";
import { describeToolsFunction, runCodeFunction, searchToolsFunction } from "./offer/meta-tools.ts";
import { codePrompt, toolFunction } from "./offer/prompt.ts";

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
