/** Reads and rewrites server-sent events: ids and retry hints stay, the data can be changed. */
import { createParser } from "eventsource-parser";
import { gatherBytes } from "./gathered-bytes.ts";
import { createMeter, type MessageBounds, type Refusal } from "./message-bounds.ts";

export interface ServerEvent {
  /** Empty for a plain message. */
  readonly name: string;
  readonly data: string;
  readonly id?: string | undefined;
}

export interface EventRewriting {
  /** Returns the events that replace this one: none, one or several. */
  readonly rewrite: (event: ServerEvent) => readonly ServerEvent[];
  /** The same for an event that is too large, of which this is the beginning. The stream ends after it. */
  readonly refuse: (beginning: string, reason: Refusal) => readonly ServerEvent[];
  readonly bounds: MessageBounds;
}

export function rewriteEvents(
  body: ReadableStream<Uint8Array>,
  { rewrite, refuse, bounds }: EventRewriting,
): ReadableStream<Uint8Array> {
  const meter = createMeter(bounds);
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  /** The bytes of the current line so far: the parser would read them again with every new piece. */
  const line = gatherBytes();
  let beginning = "";
  let out = "";
  const parser = createParser({
    onEvent: ({ id, event: name = "", data }) => {
      const given = rewrite({ name, data, id });
      // An id counts even when it stands alone: a broken stream resumes from it.
      const events = given.length === 0 && id !== undefined ? [{ name: "", data: "" }] : given;
      for (const event of events) out += toText(event, id);
      meter.reset();
      beginning = "";
    },
    onRetry: (ms) => {
      out += `retry: ${ms}\n\n`;
    },
  });
  const feed = (end: string): void => {
    // With the stream option the decoder drops a byte order mark only at the very start.
    parser.feed(`${decoder.decode(line.take(), { stream: true })}${end}`);
  };
  const send = (controller: TransformStreamDefaultController<Uint8Array>): void => {
    if (out !== "") controller.enqueue(encoder.encode(out));
    out = "";
  };
  const rewriting = new TransformStream<Uint8Array, Uint8Array>({
    transform: (chunk, controller) => {
      const reason = meter.add(chunk.length);
      if (beginning.length < BEGINNING_CHARS)
        beginning += Buffer.from(chunk.subarray(0, BEGINNING_CHARS)).toString("latin1");
      if (reason !== undefined) {
        for (const event of refuse(beginning, reason)) out += toText(event, undefined);
        send(controller);
        controller.terminate();
        return meter.reset();
      }
      const end = Math.max(chunk.lastIndexOf(LINE_FEED), chunk.lastIndexOf(RETURN)) + 1;
      if (end > 0) {
        line.add(chunk.subarray(0, end));
        feed("");
      }
      line.add(chunk.subarray(end));
      send(controller);
    },
    // Some servers omit the last line break.
    flush: (controller) => {
      feed("\n\n");
      send(controller);
      meter.reset();
    },
  });
  void body.pipeTo(rewriting.writable).catch(() => meter.reset());
  return rewriting.readable;
}

/** Characters in which the id of a message can be found, when the id comes early. */
const BEGINNING_CHARS = 256;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;

function toText({ name, data }: ServerEvent, id: string | undefined): string {
  const fields = [
    id === undefined ? "" : `id: ${id}\n`,
    name === "" ? "" : `event: ${name}\n`,
    `data: ${data.replaceAll("\n", "\ndata: ")}\n`,
  ];
  return `${fields.join("")}\n`;
}
