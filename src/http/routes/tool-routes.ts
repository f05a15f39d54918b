/**
 * The tools a request may use, and one explicit call of one of them. Such a call is a person's own act, so it needs no
 * further consent; only the rights of the key and the allowed set count.
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
  /** False while its server is not connected, or when nobody can call it. */
  readonly available: boolean;
  /** Why it is not allowed, not available or not automatic; null when a program can just call it. */
  readonly reason: string | null;
  /** Why its arguments are passed on unchecked: its input schema is none. Absent when they are checked. */
  readonly notValidated?: string;
  /**
   * What a model is not told of its input schema as it stands, by the families of providers that refuse it so. Calls are
   * checked against the schema above. Absent when all take it.
   */
  readonly schemaChanges?: SchemaChanges;
}

/** Characters of a description in the list: some have 34,000. */
const DESCRIPTION_CHARS = 1_000;
/** Real fleets have some 500 tools. */
const MAX_TOOLS = 1_000;

const listQuery = z.object({
  limit: wholeNumber
    .pipe(z.number().min(1, "expected at least 1").max(MAX_TOOLS, `expected at most ${MAX_TOOLS}`))
    .default(MAX_TOOLS),
  cursor: z.string().optional(),
  /** One tool, whole. */
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

/** As the list has it: `GET /v1/tools?id=server/tool` has the description whole. */
function inOutline(tool: ListedTool): ListedTool {
  return { ...tool, description: shortened(tool.description, DESCRIPTION_CHARS) };
}

async function listTools(gateway: Gateway, request: FastifyRequest): Promise<ListedTool[]> {
  const policy = policyFor(request);
  // Whoever wrote the rules sees what they leave out, with the rule; a key sees what it may use.
  const asked = seesAll(callerOf(request)) ? { layers: requestLayers(request.headers, undefined) } : policy;
  const states = new Map(gateway.hub.servers().map(({ name, state }) => [name, state]));
  const listed: ListedTool[] = [];
  for (const tool of visible(gateway.catalog(), asked)) {
    // Schemas are read here that no call has needed yet.
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
