import type { AddressInfo } from "node:net";
import { fastify } from "fastify";
import { describe, expect, it } from "vitest";
import { type RawAnswerOptions, sendRawAnswer } from "../../../src/http/openai/raw-answer.ts";

/** Serves these bytes at one address. */
async function serve(
  chunks: AsyncIterable<Uint8Array>,
  options: Partial<RawAnswerOptions> = {},
): Promise<AsyncDisposable & { readonly url: string }> {
  const app = fastify({ forceCloseConnections: true });
  const { isStream = true } = options;
  const contentType = isStream ? "text/event-stream" : "application/json";
  app.get("/", async (_request, reply) => {
    reply.header("x-kept", "yes");
    await sendRawAnswer(
      reply,
      { type: "raw", contentType, chunks },
      { isStream, onFailure: () => {}, ...options },
    );
    return reply;
  });
  await app.listen({ port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return { url: `http://localhost:${port}`, [Symbol.asyncDispose]: () => app.close() };
}

async function* bytes(...parts: readonly (string | Error | Promise<void>)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Error) throw part;
    if (typeof part === "string") yield Buffer.from(part);
    else await part;
  }
}

describe("a stream", () => {
  it("is passed on byte for byte, with the headers that were set before", async () => {
    const text = 'data: {}\r\n\r\n: odd\n\nevent: x\ndata:  {"ü":1}\n\ndata: [DONE]\n\n';
    await using server = await serve(bytes(text.slice(0, 20), text.slice(20)));
    const response = await fetch(server.url);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect([response.headers.get("x-kept"), response.headers.get("x-accel-buffering")]).toEqual([
      "yes",
      "no",
    ]);
    expect(await response.text()).toBe(text);
  });

  it("gets comments while the provider is silent, between two events and never inside one", async () => {
    const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    await using server = await serve(bytes("data: 1\n\n", first.promise, "data: ", second.promise, "2\n\n"), {
      heartbeatMs: 5,
    });
    const response = await fetch(server.url);
    let text = "";
    for await (const part of (response.body as ReadableStream).pipeThrough(new TextDecoderStream())) {
      text += part;
      if (text.split(":\n\n").length > 3) first.resolve();
      // Long enough for a comment to arrive if one were sent.
      if (text.endsWith("data: ")) setTimeout(() => second.resolve(), 30);
    }
    expect(text).toMatch(/^data: 1\n\n(:\n\n){3,}data: 2\n\n$/);
  });

  it("that its client reads slowly is held back each time, and leaves no listener", async () => {
    const warnings: string[] = [];
    const onWarning = ({ name }: Error): void => void warnings.push(name);
    process.on("warning", onWarning);
    const part = "x".repeat(2_000_000);
    await using server = await serve(bytes(...Array.from({ length: 30 }, () => part)));
    expect((await (await fetch(server.url)).text()).length).toBe(30 * part.length);
    // Node emits the warning in a later turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", onWarning);
    expect(warnings).toEqual([]);
  });

  it("whose client leaves while it is held back is abandoned", async () => {
    const ended = Promise.withResolvers<void>();
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.alloc(1_000_000, "x");
      } finally {
        ended.resolve();
      }
    }
    await using server = await serve(endless());
    const abort = new AbortController();
    const response = await fetch(server.url, { signal: abort.signal });
    await response.body?.getReader().read();
    abort.abort();
    await ended.promise;
  });

  it("that fails midway ends in one error line, without [DONE]", async () => {
    const failures: unknown[] = [];
    await using server = await serve(bytes("data: 1\n\ndata: {", new Error("cut")), {
      onFailure: (error) => failures.push(error),
    });
    const text = await (await fetch(server.url)).text();
    expect(text).toMatch(
      /^data: 1\n\ndata: \{\n\ndata: \{"error":\{"message":.*"code":"internal_error"\}\}\n\n$/,
    );
    expect(failures).toHaveLength(1);
  });
});

describe("a whole answer", () => {
  it("is sent in one piece, with its length", async () => {
    await using server = await serve(bytes('{"a":', "1}"), { isStream: false });
    const response = await fetch(server.url);
    expect(response.headers.get("content-length")).toBe("7");
    expect(await response.text()).toBe('{"a":1}');
  });

  it("that is large is passed on as it comes, and is cut when the provider cuts it", async () => {
    const part = "x".repeat(700_000);
    await using whole = await serve(bytes(part, part, part), { isStream: false });
    const response = await fetch(whole.url);
    expect(response.headers.get("content-length")).toBeNull();
    expect(await response.text()).toBe(part + part + part);
    await using cut = await serve(bytes(part, part, new Error("cut")), { isStream: false });
    await expect(fetch(cut.url).then((answer) => answer.text())).rejects.toThrow();
  });

  it("that fails before its first byte fails the request", async () => {
    for (const isStream of [true, false]) {
      await using server = await serve(bytes(new Error("nothing")), { isStream });
      expect((await fetch(server.url)).status).toBe(500);
    }
  });
});
