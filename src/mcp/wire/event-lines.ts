/** Server-sent events, read and written again: ids and retry hints stay, the data is ours to change. */
import { createParser } from "eventsource-parser";

export interface ServerEvent {
  /** Empty for a plain message. */
  readonly name: string;
  readonly data: string;
  readonly id?: string | undefined;
}

/** Whoever sends a longer answer means no good. */
export const MAX_ANSWER_CHARS: number = 64 * 1024 * 1024;

/** `rewrite` gives the events that take the place of one: none, one or several. */
export function rewriteEvents(
  body: ReadableStream<Uint8Array>,
  rewrite: (event: ServerEvent) => readonly ServerEvent[],
): ReadableStream<Uint8Array> {
  let out = "";
  let fault: Error | undefined;
  const parser = createParser({
    maxBufferSize: MAX_ANSWER_CHARS,
    onEvent: ({ id, event: name = "", data }) => {
      const given = rewrite({ name, data, id });
      // An id counts also where it stands alone: a broken stream is resumed from it.
      const events = given.length === 0 && id !== undefined ? [{ name: "", data: "" }] : given;
      for (const event of events) out += toText(event, id);
    },
    onRetry: (ms) => {
      out += `retry: ${ms}\n\n`;
    },
    onError: (error) => {
      if (error.type === "max-buffer-size-exceeded") fault = error;
    },
  });
  const feed = (text: string, controller: TransformStreamDefaultController<string>): void => {
    parser.feed(text);
    if (fault !== undefined) throw fault;
    if (out !== "") controller.enqueue(out);
    out = "";
  };
  return body
    .pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
    .pipeThrough(
      new TransformStream<string, string>({
        transform: feed,
        // Some servers leave the last line break out.
        flush: (controller) => feed("\n\n", controller),
      }),
    )
    .pipeThrough(new TextEncoderStream());
}

function toText({ name, data }: ServerEvent, id: string | undefined): string {
  const fields = [
    id === undefined ? "" : `id: ${id}\n`,
    name === "" ? "" : `event: ${name}\n`,
    `data: ${data.replaceAll("\n", "\ndata: ")}\n`,
  ];
  return `${fields.join("")}\n`;
}
