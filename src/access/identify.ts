/**
 * Port: identifies a caller by its credentials. It is asynchronous, so that a token can be checked with its issuer. The
 * embedded one knows the keys of the configuration.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Config } from "../config/config.ts";
import { ToolariumError } from "../errors.ts";
import { type Caller, keyCaller, localCaller } from "./caller.ts";

/** What a caller presents, independent of the protocol. */
export interface Credentials {
  /** The key or bearer token. Undefined when the request has none. */
  readonly token: string | undefined;
}

/** @throws `unauthorized` when no known caller has these credentials */
export type Identify = (credentials: Credentials) => Promise<Caller>;

/** Identifies by the keys of the configuration. Without keys everybody is the local caller, with any credentials. */
export function identifyByKey(config: Pick<Config, "keys" | "tools" | "server">): Identify {
  if (config.keys.length === 0) {
    const local = localCaller(config);
    return async () => local;
  }
  const known = config.keys.map((key) => ({ digest: digestOf(key.key), caller: keyCaller(config, key) }));
  return async ({ token }) => {
    if (token === undefined) throw new ToolariumError("unauthorized");
    const digest = digestOf(token);
    // Compares every digest, so that the duration does not depend on which key matches.
    const match = known.filter((entry) => timingSafeEqual(entry.digest, digest)).at(0);
    if (match === undefined) throw new ToolariumError("unauthorized", "This API key is not known here.");
    return match.caller;
  };
}

function digestOf(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
