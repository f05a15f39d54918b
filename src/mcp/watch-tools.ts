import { setTimeout as delay } from "node:timers/promises";
import { type Client, ProtocolError } from "@modelcontextprotocol/client";

/**
 * Keeps a subscription to tool changes open: since 2026-07-28 a server tells only who asked. (Older ones tell anyway.)
 * `onSubscribed` fires each time one stands: what changed before that was not told. Returns when the signal aborts or
 * the server refuses; never rejects.
 */
export async function watchTools(
  client: Client,
  onSubscribed: () => void,
  signal: AbortSignal,
): Promise<void> {
  for (let delayMs = 1_000; !signal.aborted; delayMs = Math.min(2 * delayMs, 30_000)) {
    try {
      const subscription = await client.listen({ toolsListChanged: true }, { signal, timeout: 30_000 });
      onSubscribed();
      await subscription.closed;
    } catch (error) {
      if (error instanceof ProtocolError) return;
    }
    await delay(delayMs, undefined, { signal, ref: false }).catch(() => {});
  }
}
