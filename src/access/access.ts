/**
 * Admits requests for every face of the gateway: identifies the caller and applies its limits. A face reads credentials
 * from its own protocol and passes them as plain data. `caller.ts` says what the caller may do, `request-policy.ts`
 * which tools a request may use.
 */
import { ToolariumError } from "../errors.ts";
import type { Caller } from "./caller.ts";
import type { Credentials, Identify } from "./identify.ts";
import type { Limiter } from "./limiter.ts";

export interface Access {
  /**
   * Admits one request.
   *
   * @throws `unauthorized` when no caller has these credentials; `rate_limited`, with the seconds to wait, when the key
   *   has used up its rate
   */
  admit(credentials: Credentials): Promise<Caller>;
  /**
   * Takes one of the caller's slots for a program or chat. Disposing it releases the slot.
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
