/**
 * Warns in a header of every response when a filter of the request matches no tool, because nothing else says why the
 * model has no tools. It is never an error, because tools can appear and disappear.
 */
import type { FastifyInstance } from "fastify";
import type { Gateway } from "../../gateway.ts";
import type { PolicyLayer } from "../../tools/policy-layer.ts";
import { describeUnmatchedFilters } from "../../tools/unmatched.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Called with the filters of the request and the layers of its caller. */
    onFilters: ((filters: readonly PolicyLayer[], base: readonly PolicyLayer[]) => void) | null;
  }
}

const HEADER = "x-toolarium-warning";
const MAX_CHARS = 1_000;

export function warnAboutFilters(app: FastifyInstance, gateway: Pick<Gateway, "catalog">): void {
  app.decorateRequest("onFilters", null);
  app.addHook("onRequest", async (request, reply) => {
    request.onFilters = (filters, base) => {
      if (filters.length === 0) return;
      const sentences = describeUnmatchedFilters(filters, gateway.catalog(), base);
      if (sentences.length > 0) reply.header(HEADER, toHeaderText(sentences.join(" ")));
    };
  });
}

/** Headers hold only visible ASCII; names of tools can hold any character. */
function toHeaderText(text: string): string {
  return text.slice(0, MAX_CHARS).replace(/[^\x20-\x7e]/g, "?");
}
