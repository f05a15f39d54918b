/** Which calls of a model may be handed to the client, and what is said about the others. */
import { explainRefusal } from "../tools/explain-refusal.ts";
import { decide } from "../tools/policy.ts";
import type { Conversation } from "./conversation.ts";

type Offer = Pick<Conversation, "context" | "callerTools">;

/** Whether the model was offered a function of this name, ours or the caller's. */
export function isOffered(name: string, { context, callerTools }: Offer): boolean {
  return callerTools.owns(name) || context.tools.some(({ functionName }) => functionName === name);
}

/** Why a call of a name that was not offered is refused: the rule, and the nearest names that are allowed. */
export function explainNotOffered(name: string, { context }: Offer): string {
  const { catalog, policy } = context;
  const tool = catalog.byFunctionName(name) ?? catalog.byId(name);
  if (tool === undefined || decide(tool, policy).verdict === "deny")
    return explainRefusal(tool?.id ?? name, { catalog, policy }, "function").message;
  return tool.unavailable === undefined
    ? `There is no function "${tool.id}": the tool is offered as ${tool.functionName}.`
    : `${tool.functionName} cannot be called. ${tool.unavailable}`;
}
