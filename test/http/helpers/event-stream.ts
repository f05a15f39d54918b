/** Reads an event stream as a browser would. */

export interface ReadEvent {
  readonly id: string;
  readonly event: string;
  readonly data: { readonly [field: string]: unknown };
}

export interface ReadOptions {
  readonly body?: unknown;
  readonly lastEventId?: string;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: ReadEvent) => void;
}

/** Resolves with all events when the stream ends. Rejects when the response is not an event stream, or is cut. */
export async function readEvents(url: string, options: ReadOptions = {}): Promise<readonly ReadEvent[]> {
  const { body, lastEventId, headers = {}, signal, onEvent } = options;
  const response = await fetch(url, {
    method: body === undefined ? "GET" : "POST",
    headers: {
      ...headers,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
  const type = response.headers.get("content-type");
  if (type !== "text/event-stream; charset=utf-8" || response.body === null)
    throw new Error(`no event stream: ${response.status} ${type} ${await response.text()}`);
  const events: ReadEvent[] = [];
  let text = "";
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const event of blocks.flatMap(parseBlock)) {
      events.push(event);
      onEvent?.(event);
    }
  }
  return events;
}

function parseBlock(block: string): ReadEvent[] {
  const field = (name: string): string =>
    block
      .split("\n")
      .filter((line) => line.startsWith(`${name}: `))
      .map((line) => line.slice(name.length + 2))
      .join("\n");
  return field("data") === ""
    ? []
    : [{ id: field("id"), event: field("event"), data: JSON.parse(field("data")) }];
}
