/** A key stands in a header, never in an address: those are kept in histories and in the logs of every proxy on the way. */
import type { FastifyInstance } from "fastify";
import { ToolariumError } from "../../errors.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Its clients are given an address and little else: one that holds a key is refused, with the reason. */
    keylessAddress?: boolean;
  }
}

const KEY_NAME = /^(?:x-)?(?:api[-_]?key|key|access[-_]?token|token|auth|authorization|bearer|secret)$/i;

/** Comes before the key is looked for, so that who put it into the address is told that and not that it is missing. */
export function refuseKeysInAddresses(app: FastifyInstance): void {
  app.addHook("onRequest", async ({ routeOptions, query }) => {
    if (!routeOptions.config.keylessAddress) return;
    const name = Object.keys(query as object).find((each) => KEY_NAME.test(each));
    if (name === undefined) return;
    throw new ToolariumError(
      "invalid_request",
      `A key never stands in an address (${name}=…): addresses are kept in logs and histories. Send it as a header, Authorization: Bearer <key>, and replace this key, as it may have been logged.`,
      { param: name },
    );
  });
}
