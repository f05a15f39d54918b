/** Reads and discards the rest of a refused body: a client that is still sending does not read the answer. */
import type { IncomingMessage } from "node:http";

/** Most that is read after a refusal: bytes, and milliseconds. */
const DISCARDED_BYTES = 64 * 1_048_576;
const DISCARDED_MS = 10_000;

/**
 * Reads the rest of a request and discards it. Resolves with true when the request was read to its end; with false when
 * the client left, sent more than `bytes`, or sent for longer than `ms`. After false the request is paused.
 */
export function discardBody(
  request: IncomingMessage,
  { bytes = DISCARDED_BYTES, ms = DISCARDED_MS }: { readonly bytes?: number; readonly ms?: number } = {},
): Promise<boolean> {
  if (request.readableEnded) return Promise.resolve(true);
  if (request.destroyed) return Promise.resolve(false);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let received = 0;
  const onData = (chunk: Buffer): void => {
    received += chunk.length;
    if (received > bytes) finish(false);
  };
  const onEnd = (): void => finish(true);
  const onLost = (): void => finish(false);
  const timer = setTimeout(onLost, ms);
  const finish = (isComplete: boolean): void => {
    clearTimeout(timer);
    request.off("data", onData).off("end", onEnd).off("close", onLost).off("error", onLost);
    if (!isComplete) request.pause();
    resolve(isComplete);
  };
  request.on("data", onData).once("end", onEnd).once("close", onLost).once("error", onLost);
  request.resume();
  return promise;
}
