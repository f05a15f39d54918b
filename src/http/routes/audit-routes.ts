/** The audit: what was called, by whom, who decided it, and how it ended. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Gateway } from "../../gateway.ts";
import { auditFilterFields, timesInOrder } from "../../runs/read/audit-query.ts";
import { viewerFor } from "../request/access.ts";
import { pageFields, parseQuery } from "../request/validate.ts";

const auditQuery = z.strictObject({ ...auditFilterFields, ...pageFields }).check(timesInOrder);

export function registerAuditRoutes(app: FastifyInstance, { audit }: Gateway): void {
  app.get("/v1/audit", (request) => audit(viewerFor(request), parseQuery(auditQuery, request.query)));
}
