/** Reads the payloads of an event stream. Of event names only `error` matters; ids and retry hints are ignored. */
import { isWholeJson } from "../provider/json-scan.ts";

export interface ServerSentPayload {
  readonly data: string;
  /** Whether its event is named `error`. */
  readonly isError: boolean;
}

/** Reads text of an event stream that comes in pieces, cut anywhere. */
export interface EventReader {
  /** The payloads that the next piece completes. @throws RangeError when one is longer than 16 Mi characters */
  read(text: string): Generator<ServerSentPayload>;
  /** The payload left unfinished at the end of the stream. */
  end(): Generator<ServerSentPayload>;
}

/** Most characters of one event; beyond it the stream counts as broken. */
const MAX_EVENT_CHARS = 16 * 1024 * 1024;

const LONG_CHARS = 64 * 1024;

/** The payloads of a whole stream. @throws RangeError when one is longer than 16 Mi characters */
export async function* readServerSentData(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<ServerSentPayload> {
  // Removes a byte order mark, too.
  const decoder = new TextDecoder();
  const reader = createEventReader();
  for await (const chunk of chunks)
    for (const payload of reader.read(decoder.decode(chunk, { stream: true }))) yield payload;
  for (const payload of reader.read(decoder.decode())) yield payload;
  for (const payload of reader.end()) yield payload;
}

/**
 * Tolerates every line ending, a missing blank after the colon, a missing last blank line, events without a blank line
 * between them, `data:` written twice, and bare JSON lines that some servers send for errors.
 */
export function createEventReader(): EventReader {
  const lines = createLineReader();
  let parts: string[] = [];
  let chars = 0;
  let name = "";

  const complete = (data: string): ServerSentPayload => {
    const payload = { data, isError: name === "error" };
    parts = [];
    chars = 0;
    name = "";
    return payload;
  };
  function* take(line: string): Generator<ServerSentPayload> {
    if (line === "") {
      if (parts.length > 0) yield complete(parts.join("\n"));
      name = "";
      return;
    }
    const payload = payloadOf(line, parts.length > 0);
    if (payload === undefined) {
      if (line.startsWith("event:")) name = line.slice(6).trim();
      return;
    }
    if (isDone(payload)) {
      if (parts.length > 0) yield complete(parts.join("\n"));
      yield complete(payload);
      return;
    }
    // A complete value is a payload of its own, so that nothing is lost when no blank line follows. A long one is
    // examined only if none does.
    if (parts.length === 0 && payload.length <= LONG_CHARS && isObject(payload)) {
      yield complete(payload);
      return;
    }
    const [only = ""] = parts;
    if (parts.length === 1 && only.length > LONG_CHARS && isObject(only)) yield complete(only);
    chars += payload.length;
    if (chars > MAX_EVENT_CHARS) throw tooLong();
    parts.push(payload);
  }

  return {
    *read(text) {
      for (const line of lines.read(text)) yield* take(line);
    },
    *end() {
      yield* take(lines.rest());
      yield* take("");
    },
  };
}

/** Whether a payload announces the end. */
export function isDone(payload: string): boolean {
  return payload.length < 32 && /^\s*"?\[done\]"?\s*$/i.test(payload);
}

/** Lines that end in CR, LF or both. */
export function createLineReader(): { read(text: string): Generator<string>; rest(): string } {
  const lineEnd = /\r\n|[\r\n]/g;
  let open: string[] = [];
  let chars = 0;
  let isAfterReturn = false;
  const close = (last: string): string => {
    const line = open.length === 0 ? last : open.join("") + last;
    open = [];
    chars = 0;
    return line;
  };
  return {
    *read(text) {
      if (text === "") return;
      let start = isAfterReturn && text.startsWith("\n") ? 1 : 0;
      isAfterReturn = text.endsWith("\r");
      lineEnd.lastIndex = start;
      for (let end = lineEnd.exec(text); end !== null; end = lineEnd.exec(text)) {
        const line = close(text.slice(start, end.index));
        start = lineEnd.lastIndex;
        yield line;
      }
      if (start === text.length) return;
      open.push(text.slice(start));
      chars += text.length - start;
      if (chars > MAX_EVENT_CHARS) throw tooLong();
    },
    rest: () => close(""),
  };
}

/** The text of a data line. A line of bare JSON counts as one, except inside an event. */
function payloadOf(line: string, isInside: boolean): string | undefined {
  if (!isInside && (line.startsWith("{") || line.startsWith("[{"))) return line;
  return /^\s*data:/.test(line) ? line.replace(/^(?:\s*data:)+ ?/, "") : undefined;
}

function isObject(payload: string): boolean {
  return /^\s*[{[]/.test(payload) && /[}\]]\s*$/.test(payload.slice(-16)) && isWholeJson(payload);
}

function tooLong(): RangeError {
  return new RangeError(`an event of the stream is longer than ${MAX_EVENT_CHARS} characters`);
}
