/**
 * `POST /v1/mcp/tool/execute`: takes an OpenAI tool call and returns its tool message. With the id of a call that needs
 * approval it approves that call; with any other id it makes a new call.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { requireRight } from "../../access/caller.ts";
import { callTool, toolRefusal } from "../../access/explicit-call.ts";
import { ToolariumError } from "../../errors.ts";
import type { Gateway } from "../../gateway.ts";
import type { ToolFailure } from "../../journal.ts";
import { toolContent } from "../../offer/tool-message.ts";
import type { SettledCall } from "../../runs/record/call-result.ts";
import { argumentsText, editOf } from "../../runs/record/edited-arguments.ts";
import { parseCallId } from "../../runs/record/ids.ts";
import { requestLayers } from "../../tools/request-filters.ts";
import { callerOf, policyFor, userOf } from "../request/access.ts";
import { disconnectSignal } from "../request/sse.ts";
import { jsonValue, parseBody, toolPatterns } from "../request/validate.ts";

const toolCall = {
  id: z.string(),
  type: z.literal("function").default("function"),
  function: z.strictObject({ name: z.string(), arguments: z.union([z.string(), jsonValue]).default("") }),
  // Providers add fields to OpenAI's own, and clients pass them on.
  index: z.number().optional(),
  extra_content: z.unknown().optional(),
};
const toolsFilter = { tools_filter: toolPatterns.optional() };
const bareCallBody = z.strictObject({ ...toolCall, ...toolsFilter });
const wrappedCallBody = z.strictObject({ tool_call: z.strictObject(toolCall), ...toolsFilter });

type ToolCallBody = z.infer<typeof wrappedCallBody>["tool_call"];

export function registerExecuteRoute(app: FastifyInstance, gateway: Gateway): void {
  app.post("/v1/mcp/tool/execute", { config: { needsTools: true } }, async (request, reply) => {
    const { call, filter } = parseToolCall(request.body);
    const { name } = call.function;
    const outcome =
      parseCallId(call.id) === undefined
        ? await makeCall(gateway, request, reply, call, filter)
        : await approveCall(gateway, request, call, filter);
    return { role: "tool", tool_call_id: call.id, name, content: toolContent(outcome) };
  });
}

async function makeCall(
  gateway: Gateway,
  request: FastifyRequest,
  reply: FastifyReply,
  { function: { name, arguments: args } }: ToolCallBody,
  filter: unknown,
): Promise<SettledCall> {
  const outcome = await callTool(gateway, {
    caller: callerOf(request),
    user: userOf(request),
    id: toolOf(gateway, name),
    args: argumentsText(args),
    policy: policyFor(request, filter),
    signal: disconnectSignal(reply),
  });
  if (outcome.type === "failure" && isRefusal(outcome.failure))
    throw toolRefusal(outcome.failure, "function.name");
  return outcome;
}

/** A retry gets the same response. The call continues when the client leaves. */
async function approveCall(
  gateway: Gateway,
  request: FastifyRequest,
  { id: call, function: called }: ToolCallBody,
  filter: unknown,
): Promise<SettledCall> {
  const caller = callerOf(request);
  requireRight(caller, "decide");
  const { runner } = gateway;
  const viewer = { principal: caller.principal, admin: false };
  const run = parseCallId(call)?.runId ?? "";
  const shown = await runner.reader.askedCall(run, viewer, call);
  if (shown === undefined) throw new ToolariumError("unknown_call", undefined, { param: "id" });
  if (toolOf(gateway, called.name) !== shown.tool)
    throw new ToolariumError("invalid_request", `The call ${call} is one of ${shown.tool}.`, {
      param: "function.name",
    });
  // Empty arguments approve the call as it is.
  const edit = called.arguments === "" ? {} : editOf(called.arguments, shown.args);
  const decided = await runner.decide({
    run,
    call,
    viewer,
    decision: { type: "approve", by: caller.principal, ...edit },
    layers: requestLayers(request.headers, filter),
  });
  const settled = await decided?.settled;
  if (settled !== undefined) return settled;
  return { type: "failure", call, failure: { kind: "cancelled", message: "The run has ended." } };
}

function toolOf(gateway: Gateway, name: string): string {
  const catalog = gateway.catalog();
  return (catalog.byFunctionName(name) ?? catalog.byId(name))?.id ?? name;
}

/** Whether the request was wrong, as opposed to a failure of the tool. */
function isRefusal({ kind }: ToolFailure): boolean {
  return kind === "unknown_tool" || kind === "denied";
}

function parseToolCall(body: unknown): {
  call: ToolCallBody;
  filter: unknown;
} {
  if (typeof body === "object" && body !== null && "tool_call" in body) {
    const { tool_call: call, tools_filter: filter } = parseBody(wrappedCallBody, body);
    return { call, filter };
  }
  const { tools_filter: filter, ...call } = parseBody(bareCallBody, body);
  return { call, filter };
}
