/** Which calls of a model may be handed to the client, and why the others are refused. */

import { RUN_CODE } from "../../offer/meta-tools.ts";
import { explainRefusal, nearestTo } from "../../tools/explain-refusal.ts";
import { nearestNames } from "../../tools/nearest.ts";
import { decide } from "../../tools/policy.ts";
import type { ModeContext } from "./call-answering.ts";
import type { Conversation } from "./conversation.ts";

type Offer = Pick<Conversation, "context" | "callerTools">;

/** Whether the model was offered a function of this name, ours or the caller's. */
export function isOffered(name: string, { context, callerTools }: Offer): boolean {
  return callerTools.owns(name) || context.tools.some(({ functionName }) => functionName === name);
}

/** Most names in one suggestion. */
const SUGGESTIONS = 3;

/**
 * Tells a model that a function is missing or not allowed. It suggests names that the model can write: functions that
 * it was offered, or calls in a program. Undefined when there is none to suggest.
 */
export function explainMissing(name: string, context: ModeContext): string | undefined {
  const { tools, catalog, policy, offered } = context;
  const tool = catalog.byFunctionName(name) ?? catalog.byId(name);
  const ours = new Set(tools.map(({ functionName }) => functionName));
  if (tool !== undefined && decide(tool, policy).verdict === "deny") {
    const isDirect = !offered.has(RUN_CODE) || tools.some(({ functionName }) => offered.has(functionName));
    return explainRefusal(tool.id, { catalog, policy }, isDirect ? "function" : "program").message;
  }
  const near = nearestTo(tool?.id ?? name, tools);
  const others = [...offered].filter((each) => !ours.has(each));
  const direct = near.flatMap(({ functionName }) => (offered.has(functionName) ? [functionName] : []));
  const names = [...nearestNames(name, others), ...direct].slice(0, SUGGESTIONS);
  const missing = `There is no function ${JSON.stringify(name.slice(0, 100))}.`;
  if (names.length > 0) return `${missing} Nearest allowed: ${names.join(", ")}.`;
  const [nearest] = near;
  if (nearest === undefined || !offered.has(RUN_CODE)) return undefined;
  return `${missing} Call ${RUN_CODE} with a program that uses ${nearest.callable}(…).`;
}

/** Why a call of a name that was not offered is refused: the rule, and the nearest names that are allowed. */
export function explainNotOffered(name: string, { context }: Offer): string {
  const { catalog, policy } = context;
  const tool = catalog.byFunctionName(name) ?? catalog.byId(name);
  if (tool === undefined) {
    const near = explainMissing(name, context);
    if (near !== undefined) return near;
  }
  if (tool === undefined || decide(tool, policy).verdict === "deny")
    return explainRefusal(tool?.id ?? name, { catalog, policy }, "function").message;
  return tool.unavailable === undefined
    ? `There is no function "${tool.id}": the tool is offered as ${tool.functionName}.`
    : `${tool.functionName} cannot be called. ${tool.unavailable}`;
}
