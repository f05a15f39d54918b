/** Opens the conversation of one chat request, and builds the model's requests from it. */

import type { Config } from "../config/config.ts";
import type { Runner } from "../runs/runner.ts";
import { visible } from "../tools/policy.ts";
import type { Policy } from "../tools/policy-layer.ts";
import type { ChatMessage, ModelRequest } from "../upstream/model.ts";
import type { ModelRegistry } from "../upstream/registry.ts";
import type { ModeContext } from "./calls/call-answering.ts";
import type { Conversation } from "./calls/conversation.ts";
import { modes } from "./modes.ts";
import { nameOfTool, readCallerTools } from "./offer/caller-tools.ts";
import { withInstructions } from "./offer/prompt.ts";
import { checkToolChoice } from "./offer/tool-choice.ts";
import { type ChatRequest, checkRequest, wantsJson } from "./turns/request.ts";

export interface ConversationDeps {
  readonly runner: Pick<Runner, "start" | "catalog" | "programAtRest" | "reader">;
  readonly models: ModelRegistry;
  readonly config: Pick<Config, "agent" | "limits" | "declarations">;
}

/** `policy`: all layers that apply. Default: the request's own. @throws ToolariumError when it cannot be served */
export function openConversation(
  deps: ConversationDeps,
  request: ChatRequest,
  policy: Policy = request.policy,
): Conversation {
  const mode = modes[request.mode];
  if (mode.answering !== null) checkRequest(request);
  const { model } = deps.models.resolve(request.model);
  const { principal, keyName } = request;
  const catalog = deps.runner.catalog(principal);
  const tools = visible(catalog, policy).filter(({ unavailable }) => unavailable === undefined);
  const callerTools = readCallerTools(request.tools, tools);
  const view = { ...deps, catalog, tools, principal, keyName, policy, offered: new Set<string>() };
  const functions = [...mode.functions(view), ...callerTools.offered];
  const offered = new Set(functions.flatMap((each) => nameOfTool(each) ?? []));
  const context: ModeContext = { ...view, offered };
  checkToolChoice(request, functions);
  return {
    request,
    model,
    mode,
    context,
    callerTools,
    usage: null,
    hasAsked: false,
    auto: null,
    isJson: wantsJson(request),
    turn: 1,
    hasText: false,
    hasEffects: false,
  };
}

/**
 * The next request to the model. `before` and `after` are the client's messages; `hidden` are the recorded turns
 * between them, which the client never saw. The first turn is 1.
 */
export function modelRequest(
  { request, mode, context, callerTools, answeredBy }: Conversation,
  {
    before,
    hidden = [],
    after = [],
  }: {
    readonly before: readonly ChatMessage[];
    readonly hidden?: readonly ChatMessage[];
    readonly after?: readonly ChatMessage[];
  },
  turn: number,
): ModelRequest {
  const functions = mode.functions(context);
  const instructions = mode.instructions(context);
  const tools = [...functions, ...callerTools.offered];
  const { tool_choice: toolChoice, ...others } = request.params;
  // Providers refuse `parallel_tool_calls` in a request without tools.
  const { parallel_tool_calls: _, ...withoutTools } = others;
  const rest = tools.length > 0 ? others : withoutTools;
  // The first turn meets a demand for a call. If later turns kept it, the model could never end with a text.
  const keepsChoice = tools.length > 0 && (turn === 1 || toolChoice === "auto" || toolChoice === "none");
  return {
    messages: [
      ...(instructions === null ? before : withInstructions(before, instructions)),
      ...hidden,
      ...after,
    ],
    tools,
    ownTools: functions.length,
    stream: request.stream,
    params: {
      ...(tools.length > 0 ? mode.params : {}),
      ...(keepsChoice && toolChoice !== undefined ? { tool_choice: toolChoice } : {}),
      ...rest,
    },
    // Raw bytes pass where the gateway adds no functions, and where it could not put the answer together itself.
    raw:
      mode.answering === null && (functions.length === 0 || request.choices > 1 || callerTools.hasOtherTypes),
    ...(answeredBy === undefined ? {} : { answeredBy }),
  };
}
