/** Routes for calls that need approval: list them, and decide one. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { requireRight } from "../../access/caller.ts";
import { ToolariumError } from "../../errors.ts";
import type { Gateway } from "../../gateway.ts";
import type { Approval } from "../../runs/live/deciders.ts";
import type { HumanDecision } from "../../tools/gate/gate-call.ts";
import { requestLayers } from "../../tools/request-filters.ts";
import { callerOf, viewerFor } from "../request/access.ts";
import { firstPage, readCursor, shortened } from "../request/pages.ts";
import { jsonValue, pageFields, parseBody, parseQuery } from "../request/validate.ts";
import { unknownRun } from "./run-routes.ts";

interface CallParams {
  Params: { id: string; call: string };
}

const decisionBody = z.discriminatedUnion("decision", [
  z.strictObject({ decision: z.literal("approve"), arguments: jsonValue.optional() }),
  z.strictObject({ decision: z.literal("deny"), reason: z.string().optional() }),
  z.strictObject({ decision: z.literal("result"), result: jsonValue }),
]);

/** Most characters of a program in the list. Most programs have fewer; the run itself has all of it. */
const SOURCE_CHARS = 8_000;

const listQuery = z.object(pageFields);

const decisionQuery = z.object({ wait: z.enum(["true", "false"]).default("true") });

export function registerApprovalRoutes(app: FastifyInstance, gateway: Gateway): void {
  const { runner, config } = gateway;

  app.get("/v1/approvals", async (request) => {
    const { limit, cursor } = parseQuery(listQuery, request.query);
    const after = cursor === undefined ? undefined : readPlace(cursor);
    // One more than asked for shows whether there is a next page.
    const approvals = await runner.reader.approvals(viewerFor(request), { limit: limit + 1, after });
    const { data: shown, next_cursor } = firstPage(approvals, limit, writePlace);
    const data = shown.map(({ askedAt, program, ...approval }) => ({
      ...approval,
      program: program && { ...program, source: shortened(program.source, SOURCE_CHARS) },
      createdAt: new Date(askedAt).toISOString(),
      expiresAt: new Date(askedAt + config.approvals.expiresMs).toISOString(),
    }));
    return { data, next_cursor };
  });

  const decide = async (request: FastifyRequest<CallParams>, reply: FastifyReply): Promise<unknown> => {
    const caller = callerOf(request);
    const body = parseBody(decisionBody, request.body);
    const { wait } = parseQuery(decisionQuery, request.query);
    // The right `run` is enough to give a result for a call of one's own run. Approving a call needs `decide`.
    requireRight(caller, body.decision === "result" && !caller.rights.has("decide") ? "run" : "decide");
    const { id, call } = request.params;
    const viewer = viewerFor(request);
    const decided = await runner.decide({
      run: id,
      call,
      viewer,
      decision: toDecision(body, caller.principal),
      layers: requestLayers(request.headers, undefined),
    });
    if (decided === undefined) throw unknownRun(id);
    if (wait === "true") return await decided.done;
    return reply.code(202).send(await decided.report());
  };
  app.post<CallParams>("/v1/sandbox/runs/:id/calls/:call", decide);
  app.post<CallParams>("/v1/runs/:id/calls/:call", decide);
}

/** A place between two approvals in the list, so that a decision between two pages moves nothing. */
function writePlace({ askedAt, call }: Pick<Approval, "askedAt" | "call">): string {
  return `${askedAt}/${call}`;
}

function readPlace(cursor: string): Pick<Approval, "askedAt" | "call"> {
  const [, askedAt, call = ""] = /^(\d{1,16})\/([\w-]{1,60})$/.exec(readCursor(cursor)) ?? [];
  if (askedAt !== undefined) return { askedAt: Number(askedAt), call };
  throw new ToolariumError(
    "invalid_request",
    "cursor is not one that this list gave. Send next_cursor of the previous page, or none.",
    { param: "cursor" },
  );
}

function toDecision(body: z.infer<typeof decisionBody>, by: string): HumanDecision {
  switch (body.decision) {
    case "approve": {
      const args = body.arguments === undefined ? {} : { args: JSON.stringify(body.arguments) };
      return { type: "approve", by, ...args };
    }
    case "deny":
      return { type: "deny", by, ...(body.reason === undefined ? {} : { reason: body.reason }) };
    case "result":
      return { type: "result", by, value: JSON.stringify(body.result) };
  }
}
