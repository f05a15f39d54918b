import type { AddressInfo } from "node:net";
import { fastify } from "fastify";
import { describe, expect, it } from "vitest";
import {
  disconnectSignal,
  type EventStreamOptions,
  formatEvent,
  type ServerSentEvent,
  sendEventStream,
} from "../../../src/http/request/sse.ts";
import { until } from "../../helpers/until.ts";
import { readEvents } from "../helpers/event-stream.ts";

/** Serves one stream at one address. */
async function serve(
  events: AsyncIterable<ServerSentEvent>,
  options?: EventStreamOptions,
): Promise<AsyncDisposable & { readonly url: string }> {
  const app = fastify({ forceCloseConnections: true });
  app.get("/", async (_request, reply) => sendEventStream(reply, events, options));
  await app.listen({ port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return { url: `http://localhost:${port}`, [Symbol.asyncDispose]: () => app.close() };
}

/** An endless source of large events. It records how many were taken, and whether the reader has released it. */
function endless(): AsyncIterable<ServerSentEvent> & { taken: number; returned: boolean } {
  const data = "x".repeat(100_000);
  const source = {
    taken: 0,
    returned: false,
    [Symbol.asyncIterator]: () => ({
      async next() {
        source.taken += 1;
        return { done: false as const, value: { data: JSON.stringify({ data }) } };
      },
      async return() {
        source.returned = true;
        return { done: true as const, value: undefined };
      },
    }),
  };
  return source;
}

describe("an event stream", () => {
  it("writes ids, names and data as lines; a line break in the data is a line of its own", () => {
    expect(formatEvent({ id: "7", event: "log", data: "a\nb\r\nc" })).toBe(
      "id: 7\nevent: log\ndata: a\ndata: b\ndata: c\n\n",
    );
    expect(formatEvent({ data: "{}" })).toBe("data: {}\n\n");
  });

  it("sends its headers before the first event, and comments while nothing happens", async () => {
    const silence = Promise.withResolvers<void>();
    await using server = await serve(
      (async function* () {
        await silence.promise;
        yield { data: '{"last":true}' };
      })(),
      { heartbeatMs: 5 },
    );
    const response = await fetch(server.url);
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-store");
    let text = "";
    for await (const chunk of (response.body as ReadableStream).pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text.split(":\n\n").length > 3) silence.resolve();
    }
    expect(text).toMatch(/^: open\n\n(:\n\n){3,}data: \{"last":true\}\n\n$/);
  });

  it("takes no more events than a slow reader reads, and releases the source when the reader leaves", async () => {
    const source = endless();
    await using server = await serve(source);
    const leave = new AbortController();
    const response = await fetch(server.url, { signal: leave.signal });
    expect(response.ok).toBe(true);
    let before = -1;
    await until("the source rests", async () => {
      const resting = source.taken === before;
      before = source.taken;
      await new Promise((resolve) => setImmediate(resolve));
      return resting && source.taken > 0;
    });
    expect(source.taken).toBeLessThan(500);
    leave.abort();
    await until("the source is let go", () => source.returned);
  });

  it("ends when its signal fires, even in the middle of a wait", async () => {
    const shutdown = new AbortController();
    await using server = await serve(
      (async function* () {
        yield { data: "{}" };
        await new Promise(() => {});
      })(),
      { signal: shutdown.signal },
    );
    const events = await readEvents(server.url, { onEvent: () => shutdown.abort() });
    expect(events.length).toBe(1);
  });

  it("is cut, not ended, when its source fails, so that the client does not take that for the end", async () => {
    await using server = await serve(
      (async function* () {
        yield { data: "{}" };
        throw new Error("the journal is gone");
      })(),
    );
    await expect(readEvents(server.url)).rejects.toThrow();
  });
});

describe("the signal of a client that leaves", () => {
  it("fires when the client left before the signal was created, and not after a complete response", async () => {
    const app = fastify({ forceCloseConnections: true });
    const late = Promise.withResolvers<AbortSignal>();
    const answered = Promise.withResolvers<AbortSignal>();
    app.get("/late", async (_request, reply) => {
      await until("the client is gone", () => reply.raw.destroyed);
      late.resolve(disconnectSignal(reply));
    });
    app.get("/answered", async (_request, reply) => {
      answered.resolve(disconnectSignal(reply));
      return "all of it";
    });
    await app.listen({ port: 0 });
    const { port } = app.server.address() as AddressInfo;
    try {
      const leaving = fetch(`http://localhost:${port}/late`, { signal: AbortSignal.timeout(50) });
      await expect(leaving).rejects.toThrow();
      expect((await late.promise).aborted).toBe(true);
      await (await fetch(`http://localhost:${port}/answered`)).text();
    } finally {
      await app.close();
    }
    expect((await answered.promise).aborted).toBe(false);
  });
});
