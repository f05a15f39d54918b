/**
 * A filter of a request that means no tool leaves the model without tools, and nothing says why. So it is said: in a
 * header of the answer, whatever the answer is. It is never an error, as tools come and go.
 */
import type { FastifyInstance } from "fastify";
import type { Gateway } from "../../gateway.ts";
import type { PolicyLayer } from "../../tools/policy-layer.ts";
import { describeUnmatchedFilters } from "../../tools/unmatched.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Is told the filters of the request, and the layers of its caller. */
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

/** Headers hold visible ASCII; names of tools hold anything. */
function toHeaderText(text: string): string {
  return text.slice(0, MAX_CHARS).replace(/[^\x20-\x7e]/g, "?");
}
