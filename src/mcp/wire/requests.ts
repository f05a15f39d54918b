/** Ensures that every request that leaves a transport gets an answer, or an error in its place. */
import { isJSONRPCRequest, type RequestId, type Transport } from "@modelcontextprotocol/client";
import type { AnswerReader } from "./answer-reader.ts";
import { isRefusedForGood } from "./connection-errors.ts";
import { noAnswer } from "./read-message.ts";

/**
 * Call once, before the transport is connected. `asksForLife`: the server may answer `server/discover` late because it
 * is still starting, so that only a ping that it answers first shows an older server.
 */
export function answerEveryRequest(
  transport: Transport,
  reader: AnswerReader,
  options: { readonly asksForLife: boolean },
): void {
  const send = transport.send.bind(transport);
  const giveUp = (id: RequestId, reason: string): void => {
    if (!reader.isOpen(id)) return;
    reader.forget(id);
    transport.onmessage?.(noAnswer(id, reason));
  };
  transport.send = async (message, given) => {
    reader.sent(message);
    if (!isJSONRPCRequest(message)) return send(message, given);
    const { id, method } = message;
    const isProbe = method === "server/discover";
    given?.requestSignal?.addEventListener("abort", () => reader.forget(id), { once: true });
    const abandoned = new AbortController();
    const timer = isProbe ? setTimeout(() => void onSilence(id), SILENCE_MS).unref() : undefined;
    const onSilence = async (probe: RequestId): Promise<void> => {
      if (!reader.isOpen(probe)) return;
      if (options.asksForLife) await ping(probe);
      else {
        giveUp(probe, "it did not answer");
        abandoned.abort();
      }
    };
    const ping = async (probe: RequestId): Promise<void> => {
      const alive = { jsonrpc: "2.0", id: "ping-before-initialize", method: "ping" } as const;
      reader.sent(alive, () => {
        setTimeout(() => giveUp(probe, "it did not answer"), AFTER_PING_MS).unref();
      });
      await send(alive).catch(() => {});
    };
    try {
      await send(message, {
        ...given,
        ...(isProbe ? { requestSignal: abandoned.signal } : {}),
        onRequestStreamEnd: () => {
          if (given?.onRequestStreamEnd === undefined)
            return giveUp(id, "it ended the stream without an answer");
          reader.forget(id);
          given.onRequestStreamEnd();
        },
      });
    } catch (error) {
      // To an older server `server/discover` is a mistake, which it may answer in any way; `initialize` decides.
      if (isProbe && (abandoned.signal.aborted || !isRefusedForGood(error)))
        return giveUp(id, "it did not answer");
      clearTimeout(timer);
      reader.forget(id);
      throw error;
    }
  };
}

/** Milliseconds. Servers that know the question answer at once; others may stay silent. */
const SILENCE_MS = 1_000;
/** Milliseconds. A server that answers in order has answered the question before the ping. */
const AFTER_PING_MS = 200;
