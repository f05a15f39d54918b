/** Routes for programs: start, read, follow and cancel a run. Callers see the runs of their own principal only. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { limitNames } from "../../../sandbox/index.ts";
import { requireRight } from "../../access/caller.ts";
import { grantLimits } from "../../access/run-limits.ts";
import { ToolariumError } from "../../errors.ts";
import type { Gateway } from "../../gateway.ts";
import type { JournalEvent } from "../../journal.ts";
import type { ActiveRun } from "../../runs/live/active-run.ts";
import { createStreamMapper } from "../../runs/record/events.ts";
import type { Report } from "../../runs/record/report-shape.ts";
import { callerOf, policyFor, userOf, viewerFor } from "../request/access.ts";
import { disconnectSignal, type ServerSentEvent, sendEventStream } from "../request/sse.ts";
import {
  jsonValue,
  pageFields,
  parseBody,
  parseQuery,
  programText,
  toolPatterns,
  wholeNumber,
} from "../request/validate.ts";

const limitFields = Object.fromEntries(limitNames.map((name) => [name, z.number().optional()]));

const startBody = z.strictObject({
  code: programText,
  input: jsonValue.optional(),
  tools_filter: toolPatterns.optional(),
  limits: z.strictObject(limitFields).default({}),
  typecheck: z.enum(["error", "warn", "off"]).default("error"),
  approval: z.enum(["park", "deny"]).default("park"),
  wait: z.boolean().default(true),
  stream: z.boolean().default(false),
  repair_of: z.string().optional(),
});

const reportQuery = z.object({ at: wholeNumber.optional() });

const emptyBody = z.strictObject({}).optional();

const listQuery = z.object({
  status: z.enum(["queued", "running", "waiting", "completed", "failed", "cancelled"]).optional(),
  ...pageFields,
});

const runQuery = listQuery.extend({ kind: z.enum(["program", "chat", "call"]).optional() });

interface RunParams {
  Params: { id: string };
}

/** `closing` ends the event streams of runs that other requests started. Clients can resume them elsewhere. */
export function registerRunRoutes(app: FastifyInstance, gateway: Gateway, closing: AbortSignal): void {
  const { runner } = gateway;
  const { reader } = runner;

  app.post("/v1/sandbox/runs", { config: { needsTools: true } }, (request, reply) =>
    startRun(gateway, request, reply),
  );

  app.get("/v1/sandbox/runs", async (request) => {
    const { status, limit, cursor } = parseQuery(listQuery, request.query);
    return await reader.list(viewerFor(request), {
      limit,
      ...(status === undefined ? {} : { status }),
      ...(cursor === undefined ? {} : { cursor }),
    });
  });

  app.get("/v1/runs", async (request) => {
    const { status, kind, limit, cursor } = parseQuery(runQuery, request.query);
    return await reader.runs(viewerFor(request), {
      limit,
      ...(status === undefined ? {} : { status }),
      ...(kind === undefined ? {} : { kinds: [kind] }),
      ...(cursor === undefined ? {} : { cursor }),
    });
  });

  app.get<RunParams>("/v1/sandbox/runs/:id", (request) => {
    const { at } = parseQuery(reportQuery, request.query);
    return reportOf(gateway, request, at);
  });

  app.get<RunParams>("/v1/sandbox/runs/:id/events", { exposeHeadRoute: false }, async (request, reply) => {
    const report = await reportOf(gateway, request);
    const lastId = lastEventId(request);
    const events = await reader.events(report.id, viewerFor(request));
    if (events === undefined) throw unknownRun(report.id);
    return sendEventStream(reply, toServerSent(events, report, lastId), { signal: closing });
  });

  app.delete<RunParams>("/v1/sandbox/runs/:id", async (request) => {
    requireRight(callerOf(request), "run");
    parseBody(emptyBody, request.body);
    const report = await runner.cancel(request.params.id, viewerFor(request));
    if (report === undefined) throw unknownRun(request.params.id);
    return report;
  });
}

/** The report of the run in the address. @throws `not_found`, also for runs of other principals */
async function reportOf(
  { runner }: Gateway,
  request: FastifyRequest<RunParams>,
  at?: number,
): Promise<Report> {
  const { id } = request.params;
  const report = await runner.reader.report(id, viewerFor(request), at);
  if (report === undefined) throw unknownRun(id);
  return report;
}

async function startRun(gateway: Gateway, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const caller = callerOf(request);
  requireRight(caller, "run");
  const body = parseBody(startBody, request.body);
  const limits = grantLimits(body.limits, {
    defaults: gateway.config.limits,
    ceilings: gateway.config.limitCeilings,
  });
  const policy = policyFor(request, body.tools_filter);
  const slot = await gateway.access.takeSlot(caller);
  // With `wait: false` the run does not depend on the connection, so a disconnect does not cancel it.
  const signal = body.wait ? disconnectSignal(reply) : undefined;
  let run: ActiveRun;
  try {
    run = await gateway.runner.start({
      principal: caller.principal,
      keyName: caller.keyName,
      user: userOf(request),
      code: body.code,
      policy,
      limits,
      typecheck: body.typecheck,
      approval: body.approval,
      ...(body.input === undefined ? {} : { input: body.input }),
      ...(body.repair_of === undefined ? {} : { repairOf: body.repair_of }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    await slot[Symbol.asyncDispose]();
    throw error;
  }
  const done = run.done.finally(() => slot[Symbol.asyncDispose]());
  if (body.stream || !body.wait) await run.kept();
  if (body.stream) return sendEventStream(reply, toServerSent(run.events(), run.report()));
  return body.wait ? await done : reply.code(202).send(run.report());
}

/** Reads the journal from its start even for a resumed stream, because each event says only what changed. */
async function* toServerSent(
  events: AsyncIterable<JournalEvent>,
  run: Report,
  lastId = 0,
): AsyncGenerator<ServerSentEvent> {
  const toStreamEvent = createStreamMapper({ id: run.id, createdAt: Date.parse(run.createdAt) });
  for await (const journalled of events) {
    const streamed = toStreamEvent(journalled);
    if (streamed === undefined || streamed.id <= lastId) continue;
    yield { id: String(streamed.id), event: streamed.event, data: JSON.stringify(streamed.data) };
  }
}

function lastEventId(request: FastifyRequest): number {
  const id = request.headers["last-event-id"] ?? "0";
  if (typeof id === "string" && /^\d{1,15}$/.test(id)) return Number(id);
  throw new ToolariumError(
    "invalid_request",
    "Last-Event-ID is not the id of an event: expected a whole number.",
  );
}

export function unknownRun(id: string): ToolariumError {
  return new ToolariumError("not_found", `There is no run ${JSON.stringify(id.slice(0, 80))} among yours.`);
}
