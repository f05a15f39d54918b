/**
 * The tools a request may use, and one explicit call of one of them: as a native route, and in OpenAI's shapes. Such
 * a call is a person's own act, so it needs no further consent; only the rights of the key and the allowed set count.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { ToolariumError, toolFailureCode } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import type { ToolFailure } from "../journal.ts";
import type { CallResult } from "../runs/call-run.ts";
import type { CatalogTool } from "../tools/catalog.ts";
import { decide, type Policy, requestLayers, visible } from "../tools/policy.ts";
import { callerOf, requestPolicy, requireRight, takeSlot } from "./access.ts";
import { disconnectSignal } from "./sse.ts";
import { jsonValue, parseBody } from "./validate.ts";

/** A tool as `GET /v1/tools` lists it. */
interface ListedTool {
  readonly id: string;
  readonly server: string;
  readonly name: string;
  readonly callable: string;
  readonly functionName: string;
  readonly description: string;
  readonly inputSchema: unknown;
  readonly outputSchema: unknown;
  readonly annotations: unknown;
  readonly allowed: boolean;
  readonly autoExecute: boolean;
  /** False while its server is not connected, or when nobody can call it. */
  readonly available: boolean;
  /** Why it is not allowed, not available or not automatic; null when a program can just call it. */
  readonly reason: string | null;
}

const callBody = z.strictObject({ arguments: jsonValue.optional() }).optional();

const toolCall = {
  id: z.string(),
  type: z.literal("function").default("function"),
  function: z.strictObject({ name: z.string(), arguments: z.union([z.string(), jsonValue]).default("") }),
  // What providers add to a call beside OpenAI's own fields, and clients hand on.
  index: z.number().optional(),
  extra_content: z.unknown().optional(),
};
const toolsFilter = { tools_filter: z.array(z.string()).optional() };
const bareCallBody = z.strictObject({ ...toolCall, ...toolsFilter });
const wrappedCallBody = z.strictObject({ tool_call: z.strictObject(toolCall), ...toolsFilter });

/** Ids that chat gives to calls that wait for a person. */
const PENDING_ID = /^call_[A-Za-z0-9_-]{22}_[0-9a-z]+$/;

export function registerToolRoutes(app: FastifyInstance, gateway: Gateway): void {
  app.get("/v1/tools", async (request) => ({ data: listTools(gateway, request) }));

  app.post<{ Params: { server: string; tool: string } }>(
    "/v1/tools/:server/:tool",
    async (request, reply) => {
      const body = parseBody(callBody, request.body);
      const id = `${request.params.server}/${request.params.tool}`;
      const outcome = await callTool(gateway, request, reply, {
        id,
        args: JSON.stringify(body?.arguments ?? {}),
        policy: requestPolicy(request, undefined),
      });
      if (outcome.type === "failure") throw toolRefusal(outcome.failure);
      return { result: outcome.value };
    },
  );

  app.post("/v1/mcp/tool/execute", async (request, reply) => {
    const { call, filter } = parseToolCall(request.body);
    if (PENDING_ID.test(call.id))
      throw new ToolariumError(
        "not_implemented",
        "Approving a waiting call through this route is not served yet.",
        { param: "id" },
      );
    const { name } = call.function;
    const catalog = gateway.catalog();
    const outcome = await callTool(gateway, request, reply, {
      id: (catalog.byFunctionName(name) ?? catalog.byId(name))?.id ?? name,
      args: argumentsText(call.function.arguments),
      policy: requestPolicy(request, filter),
    });
    if (outcome.type === "failure" && isRefusal(outcome.failure))
      throw toolRefusal(outcome.failure, "function.name");
    return { role: "tool", tool_call_id: call.id, name, content: toContent(outcome) };
  });
}

function listTools(gateway: Gateway, request: FastifyRequest): ListedTool[] {
  const asked: Policy = { layers: requestLayers(request.headers, undefined) };
  const policy = requestPolicy(request, undefined);
  const states = new Map(gateway.hub.servers().map(({ name, state }) => [name, state]));
  return visible(gateway.catalog(), asked).map((tool) => {
    const decision = decide(tool, policy);
    const state = states.get(tool.server) ?? "ready";
    const missing = tool.unavailable ?? (state === "ready" ? null : `the server ${tool.server} is ${state}`);
    return {
      id: tool.id,
      server: tool.server,
      name: tool.name,
      callable: tool.callable,
      functionName: tool.functionName,
      description: tool.description,
      inputSchema: tool.inputSchema,
      outputSchema: tool.outputSchema ?? null,
      annotations: tool.annotations,
      allowed: decision.verdict !== "deny",
      autoExecute: decision.verdict === "auto",
      available: missing === null,
      reason:
        decision.verdict === "deny"
          ? decision.reason
          : (missing ?? ("reason" in decision ? decision.reason : null)),
    };
  });
}

interface ExplicitCall {
  /** `server/tool`; an id nobody knows is refused by the gate, with the nearest names. */
  readonly id: string;
  /** JSON text. */
  readonly args: string;
  readonly policy: Policy;
}

type Outcome = Exclude<CallResult, { type: "pending" }>;

/** Runs the call as a run of its own, so that it is in the journal. The client's leaving aborts it. */
async function callTool(
  gateway: Gateway,
  request: FastifyRequest,
  reply: FastifyReply,
  { id, args, policy }: ExplicitCall,
): Promise<Outcome> {
  const caller = callerOf(request);
  requireRight(caller, "run");
  const tool: CatalogTool | undefined = gateway.catalog().byId(id);
  // Whoever asks for a call that policy wants a person to see is that person, and must be one who may decide.
  if (tool !== undefined && decide(tool, policy).verdict === "ask") requireRight(caller, "decide");

  await using _slot = await takeSlot(request);
  const run = await gateway.runner.openCalls({
    principal: caller.principal,
    kind: "call",
    policy,
    limits: gateway.config.limits,
    consent: "granted",
    signal: disconnectSignal(reply),
  });
  const outcome = await run.call(id, args);
  await run.end(outcome.type === "value" ? "completed" : "failed");
  if (outcome.type === "pending") throw new Error("a call with consent granted was held");
  return outcome;
}

function toolRefusal({ kind, message }: ToolFailure, param?: string): ToolariumError {
  // A cancelled call is one that the gateway gave up: its client is still here to be told.
  const code = kind === "cancelled" ? "unavailable" : toolFailureCode[kind];
  return new ToolariumError(code, message, param === undefined ? {} : { param });
}

/** Failures that say the request was wrong, not that the tool had trouble. */
function isRefusal({ kind }: ToolFailure): boolean {
  return kind === "unknown_tool" || kind === "denied";
}

function parseToolCall(body: unknown): {
  call: z.infer<typeof wrappedCallBody>["tool_call"];
  filter: unknown;
} {
  if (typeof body === "object" && body !== null && "tool_call" in body) {
    const { tool_call: call, tools_filter: filter } = parseBody(wrappedCallBody, body);
    return { call, filter };
  }
  const { tools_filter: filter, ...call } = parseBody(bareCallBody, body);
  return { call, filter };
}

/** OpenAI sends JSON text; some frameworks send the object, and some models nothing for a tool without parameters. */
function argumentsText(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value ?? {});
  return value.trim() === "" ? "{}" : value;
}

/** What a model reads. */
function toContent(outcome: Outcome): string {
  if (outcome.type === "failure")
    return JSON.stringify({ error: { kind: outcome.failure.kind, message: outcome.failure.message } });
  return typeof outcome.value === "string" ? outcome.value : JSON.stringify(outcome.value ?? null);
}
