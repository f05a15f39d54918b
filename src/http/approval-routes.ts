/** Calls that wait for a person: the list of them, and what the person says. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Gateway } from "../gateway.ts";
import type { HumanDecision } from "../tools/gate-call.ts";
import { requestLayers } from "../tools/policy.ts";
import { callerOf, requireRight, viewerOf } from "./access.ts";
import { unknownRun } from "./run-routes.ts";
import { jsonValue, parseBody, parseQuery } from "./validate.ts";

interface CallParams {
  Params: { id: string; call: string };
}

const decisionBody = z.discriminatedUnion("decision", [
  z.strictObject({ decision: z.literal("approve"), arguments: jsonValue.optional() }),
  z.strictObject({ decision: z.literal("deny"), reason: z.string().optional() }),
  z.strictObject({ decision: z.literal("result"), result: jsonValue }),
]);

const decisionQuery = z.object({ wait: z.enum(["true", "false"]).default("true") });

export function registerApprovalRoutes(app: FastifyInstance, gateway: Gateway): void {
  const { runner, config } = gateway;

  app.get("/v1/approvals", async (request) => {
    const approvals = await runner.reader.approvals(viewerOf(request));
    const data = approvals.map(({ askedAt, ...approval }) => ({
      ...approval,
      createdAt: new Date(askedAt).toISOString(),
      expiresAt: new Date(askedAt + config.approvals.expiresMs).toISOString(),
    }));
    return { data };
  });

  const decide = async (request: FastifyRequest<CallParams>, reply: FastifyReply): Promise<unknown> => {
    const caller = callerOf(request);
    const body = parseBody(decisionBody, request.body);
    const { wait } = parseQuery(decisionQuery, request.query);
    // A result for one's own run is what any client of a tool call may give; letting a call out is not.
    requireRight(caller, body.decision === "result" && !caller.rights.has("decide") ? "run" : "decide");
    const { id, call } = request.params;
    const viewer = viewerOf(request);
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
