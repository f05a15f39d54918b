/** An answer that is larger than `mcp.maxMessageBytes` fails its call as too large; nothing else is lost. */
import type { ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Hub } from "../../src/mcp/server.ts";
import { createMemoryBudget, type MemoryBudget } from "../../src/memory-budget.ts";
import { type Answer, body, type RawServer, reply, startRaw } from "../fixtures/mcp/raw-http.ts";
import { until } from "../helpers/until.ts";
import { call, openHub, remote, stateOf, stdio } from "./hubs.ts";

const maxBytes = 1_048_576;
const tooLarge = {
  ok: false,
  failure: {
    kind: "too_large",
    message: expect.stringContaining(`${maxBytes} bytes that mcp.maxMessageBytes allows`),
  },
};
const words = (count: number): object => ({ content: [{ type: "text", text: "x".repeat(count) }] });

function watched(): MemoryBudget & { readonly held: () => number } {
  const budget = createMemoryBudget(512);
  let held = 0;
  const hold = (bytes: number): void => {
    held += bytes;
    budget.hold(bytes);
  };
  return {
    fits: budget.fits,
    hold,
    take: (bytes, claim) => {
      const fits = budget.fits(bytes, claim);
      if (fits) hold(bytes);
      return fits;
    },
    release: (bytes) => hold(-bytes),
    held: () => held,
  };
}

/** Writes until the connection is cut, as fast as it is read. */
function endless(head: string, type: string, piece: string | Buffer, status = 200): Answer {
  return (res, { id }) => {
    res.writeHead(status, { "content-type": type });
    res.write(head.replace("ID", String(id)));
    const more = (): void => {
      if (!res.destroyed) res.write(piece, () => setImmediate(more));
    };
    more();
  };
}

const zipped: Answer = (res: ServerResponse, { id }) => {
  res.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" });
  res.end(gzipSync(JSON.stringify({ jsonrpc: "2.0", id, result: words(50 * maxBytes) })));
};

describe("over HTTP, an answer of", () => {
  let server: RawServer;
  let hub: Hub;
  const budget = watched();

  beforeAll(async () => {
    server = await startRaw();
    hub = openHub([remote(server.url)], [], { maxBytes, budget });
    await hub.settled;
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
    await server.stop();
  });

  const piece = "x".repeat(65_536);
  test.each<[string, Answer]>([
    ["more bytes than allowed", reply({ result: words(2 * maxBytes) })],
    [
      "JSON without end",
      endless('{"jsonrpc":"2.0","id":ID,"result":{"content":"', "application/json", piece),
    ],
    ["text without end and type", endless("", "text/plain", piece)],
    ["little that unpacks to much", zipped],
    [
      "one event without end",
      endless('event: message\ndata: {"jsonrpc":"2.0","result":"', "text/event-stream", piece),
    ],
    [
      "one event of lines without end",
      endless("data: {\n", "text/event-stream", 'data: "a",\n'.repeat(5_000)),
    ],
    ["an event without line ends", endless("", "text/event-stream", piece)],
  ])("%s is too large, and the session lives on", async (_, answer) => {
    server.answer({ "tools/call": answer });
    const starts = server.received.filter((method) => method === "initialize").length;
    expect(await call(hub, "remote", "go")).toEqual(tooLarge);
    server.answer({ "tools/call": reply({ result: words(maxBytes / 2) }) });
    expect(await call(hub, "remote", "go")).toMatchObject({ ok: true });
    expect(stateOf(hub, "remote").state).toBe("ready");
    expect(server.received.filter((method) => method === "initialize")).toHaveLength(starts);
    await until("nothing is held", () => budget.held() === 0);
  });

  test("many small events is no large one, however many there are", async () => {
    const note = {
      jsonrpc: "2.0",
      method: "notifications/message",
      params: { level: "info", data: "x".repeat(60_000) },
    };
    const notes = `data: ${JSON.stringify(note)}\n\n`.repeat(40);
    server.answer({
      "tools/call": body(
        (id) => `${notes}data: ${JSON.stringify({ jsonrpc: "2.0", id, result: words(5) })}\n\n`,
        "text/event-stream",
      ),
    });
    expect(await call(hub, "remote", "go")).toEqual({ ok: true, value: "xxxxx" });
  });

  test("a refusal without end is read for its first words only", async () => {
    server.answer({ "tools/call": endless("", "text/plain", piece, 500) });
    expect(await call(hub, "remote", "go")).toMatchObject({
      failure: { message: expect.stringContaining("it answered HTTP 500") },
    });
  });

  test("what does not fit beside what is held fails too, and fits once that is released", async () => {
    server.answer({ "tools/call": reply({ result: words(maxBytes / 2) }) });
    const other = 511 * maxBytes;
    budget.take(other);
    expect(await call(hub, "remote", "go")).toMatchObject({
      failure: { kind: "too_large", message: expect.stringContaining("server.memoryBudgetMb") },
    });
    server.answer({ "tools/call": reply({ result: words(1_000) }) });
    expect(await call(hub, "remote", "go")).toMatchObject({ ok: true });
    budget.release(other);
    server.answer({ "tools/call": reply({ result: words(maxBytes / 2) }) });
    expect(await call(hub, "remote", "go")).toMatchObject({ ok: true });
    expect(budget.held()).toBe(0);
  });
});

describe("a line on stdout that is too long", () => {
  const budget = watched();

  test("fails its call, wherever the id stands, and the process lives on", async () => {
    await using hub = openHub([stdio("writes-long-lines")], [], { maxBytes, budget });
    await hub.settled;
    const go = (args: object) => call(hub, "writes-long-lines", "go", args);
    const first = await go({});
    const large = { bytes: 3 * maxBytes };
    expect(
      await Promise.all([go({ way: "id first", ...large }), go({}), go({ way: "id last", ...large })]),
    ).toEqual([tooLarge, first, tooLarge]);
    expect(await go({})).toEqual(first);
    expect(budget.held()).toBe(0);
  });

  test("fails its call also when it never ends; the server is then started anew", async () => {
    await using hub = openHub([stdio("writes-long-lines")], [], { maxBytes, budget });
    await hub.settled;
    const go = (args: object) => call(hub, "writes-long-lines", "go", args);
    const first = await go({});
    expect(await go({ way: "endless" })).toEqual(tooLarge);
    await until("another process answers", async () => {
      const again = await go({});
      return again.ok && JSON.stringify(again) !== JSON.stringify(first);
    });
    expect(budget.held()).toBe(0);
  });
});
