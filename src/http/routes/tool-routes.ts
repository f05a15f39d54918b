/**
 * Lists the tools that a request may use, and makes one explicit call. The person asks for that call themselves, so it
 * needs no approval; only the rights of the key and the allowed tools count.
 */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import { seesAll } from "../../access/caller.ts";
import { callTool, toolRefusal } from "../../access/explicit-call.ts";
import { toolFunction } from "../../chat/offer/prompt.ts";
import type { Gateway } from "../../gateway.ts";
import { promisedSchema } from "../../tools/catalog.ts";
import { whyNotValidated } from "../../tools/checking/arguments.ts";
import { whenThereIsTime } from "../../tools/checking/deadline.ts";
import { decide, visible } from "../../tools/policy.ts";
import { requestLayers } from "../../tools/request-filters.ts";
import { changesOfTool, type SchemaChanges } from "../../upstream/schemas/adapt-tool.ts";
import { callerOf, policyFor, userOf } from "../request/access.ts";
import { pageOf, shortened } from "../request/pages.ts";
import { disconnectSignal } from "../request/sse.ts";
import { jsonValue, parseBody, parseQuery, wholeNumber } from "../request/validate.ts";

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
  /** False while its server is not connected, and for a tool that cannot be called. */
  readonly available: boolean;
  /** Why it is not allowed, is not available or needs approval; null when a program can call it directly. */
  readonly reason: string | null;
  /** Why its arguments are not checked: its input schema is not valid. Absent when they are checked. */
  readonly notValidated?: string;
  /**
   * Changes to the input schema that models get, by the family of providers that refuses the original. Calls are
   * checked against the schema above. Absent when all providers accept it.
   */
  readonly schemaChanges?: SchemaChanges;
}

/** Most characters of a description in the list: some descriptions have 34,000. */
const DESCRIPTION_CHARS = 1_000;
/** Most tools in one response: real deployments have some 500. */
const MAX_TOOLS = 1_000;

const listQuery = z.object({
  limit: wholeNumber
    .pipe(z.number().min(1, "expected at least 1").max(MAX_TOOLS, `expected at most ${MAX_TOOLS}`))
    .default(MAX_TOOLS),
  cursor: z.string().optional(),
  /** Lists this tool only, with its whole description. */
  id: z.string().optional(),
});

const callBody = z.strictObject({ arguments: jsonValue.optional() }).optional();

export function registerToolRoutes(app: FastifyInstance, gateway: Gateway): void {
  app.get("/v1/tools", { config: { needsTools: true } }, async (request) => {
    const { id, ...query } = parseQuery(listQuery, request.query);
    const tools = await listTools(gateway, request);
    if (id !== undefined) return { data: tools.filter((tool) => tool.id === id), next_cursor: null };
    const page = pageOf(tools, query, (tool) => tool.id);
    return { ...page, data: page.data.map(inOutline) };
  });

  app.post<{ Params: { server: string; tool: string } }>(
    "/v1/tools/:server/:tool",
    async (request, reply) => {
      const body = parseBody(callBody, request.body);
      const id = `${request.params.server}/${request.params.tool}`;
      const outcome = await callTool(gateway, {
        caller: callerOf(request),
        user: userOf(request),
        id,
        args: JSON.stringify(body?.arguments ?? {}),
        policy: policyFor(request),
        signal: disconnectSignal(reply),
      });
      if (outcome.type === "failure") throw toolRefusal(outcome.failure);
      return { result: outcome.value };
    },
  );
}

/** A tool with a shortened description. `GET /v1/tools?id=server/tool` has all of it. */
function inOutline(tool: ListedTool): ListedTool {
  return { ...tool, description: shortened(tool.description, DESCRIPTION_CHARS) };
}

async function listTools(gateway: Gateway, request: FastifyRequest): Promise<ListedTool[]> {
  const policy = policyFor(request);
  // A caller who sees all tools also gets those that the rules exclude, with the rule.
  const asked = seesAll(callerOf(request)) ? { layers: requestLayers(request.headers, undefined) } : policy;
  const states = new Map(gateway.hub.servers().map(({ name, state }) => [name, state]));
  const listed: ListedTool[] = [];
  for (const tool of visible(gateway.catalog(), asked)) {
    // Yields, because it may read schemas that no call has needed yet.
    await whenThereIsTime();
    const decision = decide(tool, policy);
    const state = states.get(tool.server) ?? "ready";
    const notValidated = whyNotValidated(tool);
    const schemaChanges = changesOfTool(toolFunction(tool));
    const missing = tool.unavailable ?? (state === "ready" ? null : `the server ${tool.server} is ${state}`);
    listed.push({
      id: tool.id,
      server: tool.server,
      name: tool.name,
      callable: tool.callable,
      functionName: tool.functionName,
      description: tool.description,
      inputSchema: tool.inputSchema,
      outputSchema: promisedSchema(tool) ?? null,
      annotations: tool.annotations,
      allowed: decision.verdict !== "deny",
      autoExecute: decision.verdict === "auto",
      available: missing === null,
      reason:
        decision.verdict === "deny"
          ? decision.reason
          : (missing ?? ("reason" in decision ? decision.reason : null)),
      ...(notValidated === undefined ? {} : { notValidated }),
      ...(Object.keys(schemaChanges).length === 0 ? {} : { schemaChanges }),
    });
  }
  return listed;
}
