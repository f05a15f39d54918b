/** Routes for authors of programs: the declarations of the tools, and a check of a program against them. */
import { createHash } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { requireRight } from "../../access/caller.ts";
import { renderDeclarations } from "../../code/declare/declarations.ts";
import type { Gateway } from "../../gateway.ts";
import { type CheckRequest, checkProgram } from "../../runs/prepare/check.ts";
import { visible } from "../../tools/policy.ts";
import type { PolicyLayer } from "../../tools/policy-layer.ts";
import { callerOf, policyFor } from "../request/access.ts";
import { parseBody, parseQuery, programText, toolPatterns } from "../request/validate.ts";

const checkBody = z.strictObject({ code: programText, tools_filter: toolPatterns.optional() });

const declarationsQuery = z.object({
  tools: z.string("expected one comma-separated list of patterns").optional(),
  observed: z.enum(["true", "false"]).default("false"),
});

export function registerDeclarationRoutes(app: FastifyInstance, gateway: Gateway): void {
  app.post("/v1/sandbox/check", { config: { needsTools: true } }, async (request) => {
    const caller = callerOf(request);
    requireRight(caller, "run");
    const { code, tools_filter: filter } = parseBody(checkBody, request.body);
    const check: CheckRequest = {
      principal: caller.principal,
      code,
      catalog: gateway.catalog(caller.principal),
      policy: policyFor(request, filter),
      sourceBytes: gateway.config.limits.sourceBytes,
    };
    return await checkProgram(check, gateway.compiler);
  });

  app.get("/v1/declarations", { config: { needsTools: true } }, async (request, reply) => {
    const { tools, observed } = parseQuery(declarationsQuery, request.query);
    const { layers } = policyFor(request);
    const policy = { layers: tools === undefined ? layers : [...layers, queryLayer(tools)] };
    const catalog = observed === "true" ? gateway.catalog(callerOf(request).principal) : gateway.catalog();
    const text = renderDeclarations(visible(catalog, policy));
    const etag = `"${createHash("sha256").update(text).digest("base64url")}"`;
    reply.header("etag", etag).header("cache-control", "no-cache");
    if (request.headers["if-none-match"] === etag) return reply.code(304).send();
    return reply.type("text/plain; charset=utf-8").send(text);
  });
}

function queryLayer(list: string): PolicyLayer {
  const patterns = list.split(",").map((pattern) => pattern.trim());
  return { rule: "tools", allow: patterns.filter((pattern) => pattern !== "") };
}
