/**
 * The way in, the same for every face of the gateway: who is it, and how much may they ask for. A face reads credentials
 * out of its own protocol and hands them over as plain data; what the caller may do is in `caller.ts`, what a request
 * may use in `request-policy.ts`.
 */
import { ToolariumError } from "../errors.ts";
import type { Caller } from "./caller.ts";
import type { Credentials, Identify } from "./identify.ts";
import type { Limiter } from "./limiter.ts";

export interface Access {
  /**
   * Lets one request in.
   *
   * @throws `unauthorized` when the credentials are of nobody; `rate_limited`, with the seconds to wait, when their key
   *   has sent its requests of this minute
   */
  admit(credentials: Credentials): Promise<Caller>;
  /**
   * Takes one of the caller's slots for a program or chat; it is given back on dispose.
   *
   * @throws `rate_limited` when all of the key's slots are taken
   */
  takeSlot(caller: Pick<Caller, "keyName" | "maxConcurrent">): Promise<AsyncDisposable>;
}

export function createAccess(identify: Identify, limiter: Limiter): Access {
  return {
    async admit(credentials) {
      const caller = await identify(credentials);
      await takeRequest(caller, limiter);
      return caller;
    },
    async takeSlot({ keyName, maxConcurrent }) {
      if (keyName === null || maxConcurrent === undefined) return { async [Symbol.asyncDispose]() {} };
      const slot = await limiter.takeSlot(keyName, maxConcurrent);
      if (slot !== undefined) return slot;
      throw new ToolariumError(
        "rate_limited",
        `This key runs at most ${maxConcurrent} programs and chats at once. Wait for one to end.`,
        { retryAfterSeconds: 1 },
      );
    },
  };
}

async function takeRequest({ keyName, ratePerMinute }: Caller, limiter: Limiter): Promise<void> {
  if (keyName === null || ratePerMinute === undefined) return;
  const verdict = await limiter.takeRequest(keyName, ratePerMinute);
  if (verdict.allowed) return;
  throw new ToolariumError("rate_limited", `This key may send ${ratePerMinute} requests a minute.`, {
    retryAfterSeconds: verdict.retryAfterSeconds,
  });
}
