/** Refuses keys in addresses: browsers keep addresses in their history, and proxies in their logs. */
import type { FastifyInstance } from "fastify";
import { ToolariumError } from "../../errors.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Its clients are mostly configured by an address alone. An address with a key is refused, with the reason. */
    keylessAddress?: boolean;
  }
}

const KEY_NAME = /^(?:x-)?(?:api[-_]?key|key|access[-_]?token|token|auth|authorization|bearer|secret)$/i;

/** Runs before the check of the key: a client with its key in the address learns that, not that the key is missing. */
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
