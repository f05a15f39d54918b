import { setTimeout as delay } from "node:timers/promises";
import { type Client, ProtocolError } from "@modelcontextprotocol/client";
import { createPauses } from "./wire/pauses.ts";
import { isNoAnswer } from "./wire/read-message.ts";

/**
 * Keeps a subscription to tool changes open: since 2026-07-28 a server notifies only subscribers. (Older ones notify
 * anyway.) Calls `onSubscribed` each time a subscription is in place: earlier changes were not announced. Returns when
 * the signal aborts or the server refuses; never rejects.
 */
export async function watchTools(
  client: Client,
  onSubscribed: () => void,
  signal: AbortSignal,
): Promise<void> {
  const pauses = createPauses(PAUSE_MS);
  while (!signal.aborted) {
    const askedAt = performance.now();
    try {
      const subscription = await client.listen({ toolsListChanged: true }, { signal, timeout: 30_000 });
      onSubscribed();
      await subscription.closed;
    } catch (error) {
      if (error instanceof ProtocolError && !isNoAnswer(error)) return;
    }
    if (performance.now() - askedAt > PAUSE_MS.max) pauses.reset();
    await delay(pauses.next(), undefined, { signal, ref: false }).catch(() => {});
  }
}

const PAUSE_MS = { first: 1_000, max: 60_000 };
