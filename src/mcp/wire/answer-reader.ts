/**
 * Matches answers to the requests of one connection. A server may omit the id of an answer, invent one or send no
 * answer at all: as long as it is clear which request is meant, that request ends, and no other.
 */
import {
  isJSONRPCRequest,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type RequestId,
} from "@modelcontextprotocol/client";
import { parseJson } from "../../json.ts";
import { tidyHandshake } from "./handshake.ts";
import { type AnswerBody, readMessage, toResponse } from "./read-message.ts";

export interface AnswerReader {
  /** Call before a message is sent. `onAnswer` takes the answer in place of the SDK. */
  sent(message: JSONRPCMessage, onAnswer?: () => void): void;
  isOpen(id: RequestId): boolean;
  /** Call when no answer to this request is expected any more. */
  forget(id: RequestId): void;
  /**
   * The messages in a text, as the SDK takes them. `request`: the request that this text answers. Without it the text
   * comes from a channel that all requests share.
   */
  read(text: string, request?: RequestId): readonly JSONRPCMessage[];
  /** As `read`, for a message that is too large, of which only the ends are known. */
  refuse(
    ends: { readonly head: string; readonly tail?: string },
    reason: string,
    request?: RequestId,
  ): readonly JSONRPCMessage[];
  /** As `read`, for a message that is an object already. */
  readValue(raw: unknown, request?: RequestId): readonly JSONRPCMessage[];
}

interface OpenRequest {
  readonly message: JSONRPCRequest;
  readonly onAnswer: (() => void) | undefined;
}

export function createAnswerReader(): AnswerReader {
  /** By their ids as text: a server may answer `"7"` to 7. */
  const open = new Map<string, OpenRequest>();
  let highestId = -1;

  /** Whether this is an id of ours that is no longer open: its answer is late. */
  const isLate = (id: RequestId): boolean => {
    const number = Number(id);
    return Number.isNaN(number)
      ? /^(?:server-discover-probe|listen|ping-before)/.test(String(id))
      : number <= highestId;
  };

  const settle = (id: RequestId, body: AnswerBody): readonly JSONRPCMessage[] => {
    const request = open.get(String(id));
    if (request === undefined) return [];
    open.delete(String(id));
    request.onAnswer?.();
    return request.onAnswer === undefined
      ? [toResponse(request.message.id, tidyHandshake(request.message, body))]
      : [];
  };

  /**
   * The one request that waits for an answer, if there is exactly one. A subscription is not counted: it has no answer
   * before its end.
   */
  const only = (): RequestId | undefined => {
    const waiting = [...open.values()].filter(({ message }) => message.method !== "subscriptions/listen");
    return waiting.length === 1 ? waiting[0]?.message.id : undefined;
  };

  const readValue: AnswerReader["readValue"] = (raw, request) => {
    if (Array.isArray(raw)) {
      if (raw.length <= MOST_IN_BATCH) return raw.flatMap((each) => readValue(each, request));
      const asked = request ?? only();
      const unusable = `it answered with ${raw.length} messages at once`;
      return asked === undefined ? [] : settle(asked, { unusable });
    }
    const incoming = readMessage(raw);
    if (incoming.type === "junk") return [];
    if (incoming.type === "message") return [incoming.message];
    const { id, body } = incoming;
    if (id !== undefined && (open.has(String(id)) || isLate(id))) return settle(id, body);
    const meant = request ?? only();
    if (meant === undefined) return [];
    // An answer without an id belongs to the only open request; under a foreign id it may belong to somebody else's.
    return settle(meant, id === undefined ? body : { unusable: "it answered a request that nobody made" });
  };

  return {
    sent: (message, onAnswer) => {
      if (isJSONRPCRequest(message)) {
        open.set(String(message.id), { message, onAnswer });
        if (typeof message.id === "number") highestId = Math.max(highestId, message.id);
      } else if ("method" in message && message.method === "notifications/cancelled")
        open.delete(String(message.params?.["requestId"]));
    },
    isOpen: (id) => open.has(String(id)),
    forget: (id) => void open.delete(String(id)),
    readValue,
    refuse: ({ head, tail = "" }, reason, request) => {
      const meant =
        request ??
        namedAtTheStart(head) ??
        namedAtTheEnd(tail) ??
        (/^\s*\{(?!.*"method")/s.test(head) ? only() : undefined);
      return meant === undefined ? [] : settle(meant, { tooLarge: reason });
    },
    read: (text, request) => {
      let raw: unknown;
      try {
        raw = parseJson(text);
      } catch {
        // Servers print banners and warnings among their messages; anything that is not meant as a message is skipped.
        if (!/^\s*(?:\{|\[\s*\{)/.test(text)) return [];
        const meant = request ?? namedAtTheStart(text) ?? (text.includes('"jsonrpc"') ? only() : undefined);
        return meant === undefined ? [] : settle(meant, { unusable: "its answer is not valid JSON" });
      }
      return readValue(raw, request);
    },
  };
}

/** We never send several requests at once; some servers send an answer and a few notifications in one batch. */
const MOST_IN_BATCH = 1_000;

/** The id of a message that is cut short or otherwise broken, when it precedes anything that has ids of its own. */
function namedAtTheStart(text: string): RequestId | undefined {
  const found = /^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*(?:(\d+)|"([^"\\]*)")\s*[,}]/.exec(
    text,
  );
  return found?.[1] ?? found?.[2];
}

/** Some servers write the result first and the id after it. */
function namedAtTheEnd(text: string): RequestId | undefined {
  const found =
    /\}\s*,\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*(?:(\d+)|"([^"\\]*)")\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$/.exec(
      text,
    );
  return found?.[1] ?? found?.[2];
}
