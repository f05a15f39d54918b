/**
 * Answers over HTTP with all their digits. The SDK reads the text of an answer itself, by `JSON.parse`. So an answer with
 * long numbers is read once more on its way to the SDK, and stands in for the SDK's own reading of it.
 */
import {
  isJSONRPCErrorResponse,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
} from "@modelcontextprotocol/client";
import { createParser } from "eventsource-parser";
import { mayLoseDigits, parseJson } from "../json.ts";

export interface ExactAnswers {
  /** As the global one. */
  readonly fetch: (url: string | URL, init?: RequestInit) => Promise<Response>;
  /** The message as the server sent it, for what the SDK read of it. */
  readonly reread: (message: JSONRPCMessage) => JSONRPCMessage;
}

export function createExactAnswers(): ExactAnswers {
  /** By their ids, until the SDK hands on its reading. It does so for every answer that is well-formed. */
  const answers = new Map<unknown, JSONRPCMessage>();
  const readEvent = (data: string): void => {
    const answer = mayLoseDigits(data) ? readAnswer(data) : undefined;
    if (answer !== undefined) answers.set(answer.id, answer);
  };
  return {
    async fetch(url, init) {
      const response = await fetch(url, init);
      const type = response.headers.get("content-type") ?? "";
      if (/^\s*application\/json\b/i.test(type))
        replace(response, "json", async () => parseJson(await response.text()));
      else if (/^\s*text\/event-stream\b/i.test(type) && response.body !== null)
        replace(response, "body", response.body.pipeThrough(watchEvents(readEvent)));
      return response;
    },
    reread(message) {
      const id = "id" in message && !("method" in message) ? message.id : undefined;
      const answer = answers.get(id);
      answers.delete(id);
      return answer ?? message;
    },
  };
}

/** A new response would have lost its address. */
function replace<K extends "json" | "body">(response: Response, name: K, value: Response[K]): void {
  Object.defineProperty(response, name, { value });
}

/** Tells the data of every event before the bytes go on, unchanged. */
function watchEvents(onData: (data: string) => void): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  const parser = createParser({ onEvent: ({ data }) => onData(data) });
  return new TransformStream({
    transform(chunk, controller) {
      parser.feed(decoder.decode(chunk, { stream: true }));
      controller.enqueue(chunk);
    },
  });
}

function readAnswer(text: string): (JSONRPCMessage & { readonly id?: unknown }) | undefined {
  try {
    const message = parseJson(text);
    return isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message) ? message : undefined;
  } catch {
    return undefined;
  }
}
