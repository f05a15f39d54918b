/**
 * Who is asking? Port: asynchronous, so that a token can be checked with whoever issued it; the embedded one knows the
 * keys of the configuration.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Config } from "../config/config.ts";
import { ToolariumError } from "../errors.ts";
import { type Caller, keyCaller, localCaller } from "./caller.ts";

/** What somebody shows of who they are, whichever way it came. */
export interface Credentials {
  /** The key or bearer token. Undefined when none was shown. */
  readonly token: string | undefined;
}

/** @throws `unauthorized` when the credentials are of nobody it knows */
export type Identify = (credentials: Credentials) => Promise<Caller>;

/** By the keys of the configuration. Without keys everybody is the local caller, whatever they show. */
export function identifyByKey(config: Pick<Config, "keys" | "tools" | "server">): Identify {
  if (config.keys.length === 0) {
    const local = localCaller(config);
    return async () => local;
  }
  const known = config.keys.map((key) => ({ digest: digestOf(key.key), caller: keyCaller(config, key) }));
  return async ({ token }) => {
    if (token === undefined) throw new ToolariumError("unauthorized");
    const digest = digestOf(token);
    // Every digest is compared, so that the time taken says nothing about which key was nearly right.
    const match = known.filter((entry) => timingSafeEqual(entry.digest, digest)).at(0);
    if (match === undefined) throw new ToolariumError("unauthorized", "This API key is not known here.");
    return match.caller;
  };
}

function digestOf(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
