/** Nothing that a server repeats is repeated by the gateway at the server's pace. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { createRareLog } from "../../src/mcp/rare-log.ts";
import { createRelisting } from "../../src/mcp/relisting.ts";
import { createPauses } from "../../src/mcp/wire/pauses.ts";
import { type Answer, startRaw } from "../fixtures/mcp/raw-http.ts";
import { until } from "../helpers/until.ts";
import { call, openHub, remote, stateOf, stdio, toolNames } from "./hubs.ts";

test("a pause doubles up to its maximum, and begins anew after a quiet time", () => {
  const pauses = createPauses({ first: 1_000, max: 60_000 });
  expect(Array.from({ length: 8 }, pauses.next)).toEqual([
    1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000,
  ]);
  pauses.reset();
  expect(pauses.next()).toBe(1_000);
});

describe("a server that announces changes", () => {
  test("after each list is listed less and less often", async () => {
    const name = "announces-each-list";
    await using hub = openHub([stdio(name)]);
    await hub.settled;
    const startedAt = performance.now();
    const lists = async (): Promise<number> => Number(Object(await call(hub, name, "lists")).value);
    await until("it was listed for the fifth time", async () => (await lists()) >= 5);
    // 50 + 100 + 200 + 400 ms, less what had passed before the first look.
    expect(performance.now() - startedAt).toBeGreaterThan(600);
  });

  test("without a pause is listed all the same, once a minute in the long run", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    try {
      const list = vi.fn(async () => ({ tools: [], quarantined: [] }));
      const adopt = vi.fn();
      const relisting = createRelisting({ list, adopt, onFailure: () => {} });
      for (let ms = 0; ms < 3_600_000; ms += 100) {
        relisting.soon({ announced: true });
        await vi.advanceTimersByTimeAsync(100);
      }
      expect(adopt.mock.calls.length).toBeGreaterThan(50);
      expect(adopt.mock.calls.length).toBeLessThan(80);

      // Quiet for long enough, it is listened to as closely as at first.
      await vi.advanceTimersByTimeAsync(300_000);
      const before = adopt.mock.calls.length;
      relisting.soon({ announced: true });
      await vi.advanceTimersByTimeAsync(100);
      expect(adopt.mock.calls.length).toBe(before + 1);
      relisting.stop();
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("the event stream of a server", () => {
  test("that ends at once is opened after pauses that double, whatever the server asks for", async () => {
    const opened: number[] = [];
    const endAtOnce: Answer = (res) => {
      opened.push(performance.now());
      res.writeHead(200, { "content-type": "text/event-stream" }).end("retry: 1\n\n");
    };
    await using server = await startRaw({ GET: endAtOnce });
    await using hub = openHub([remote(server.url)]);
    await hub.settled;
    await until("it was opened for the third time", () => opened.length === 3);
    const [first = 0, second = 0, third = 0] = opened;
    expect(second - first).toBeGreaterThan(450);
    expect(third - second).toBeGreaterThan(950);
    expect(stateOf(hub, "remote").state).toBe("ready");
    expect(server.received.filter((method) => method === "initialize").length).toBe(1);
  });

  test("that breaks is resumed where it was, and tells of changes again", async () => {
    const streams: { end(text: string): void }[] = [];
    const asked: unknown[] = [];
    const keep: Answer = (res, { headers }) => {
      asked.push(headers["last-event-id"]);
      res.writeHead(200, { "content-type": "text/event-stream" }).write("id: 41\ndata:\n\n");
      streams.push(res);
    };
    const { answer, ...server } = await startRaw({ GET: keep });
    await using _ = server;
    await using hub = openHub([remote(server.url)]);
    await until("it is open", () => streams.length === 1);
    streams[0]?.end("");
    await until("it is open again", () => streams.length === 2);
    expect(asked).toEqual([undefined, "41"]);

    answer({
      "tools/list": (res, { id }) =>
        void res.end(JSON.stringify({ jsonrpc: "2.0", id, result: { tools: [{ name: "new" }] } })),
    });
    streams[1]?.end('data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n');
    await until("the new tool is listed", () => toolNames(hub, "remote").includes("new"));
  });

  test.each([400, 404, 405, 500, 501])(
    "that is refused with HTTP %i costs the server nothing",
    async (status) => {
      await using server = await startRaw({ GET: (res) => void res.writeHead(status).end() });
      await using hub = openHub([remote(server.url)]);
      await hub.settled;
      await until("it was asked for", () => server.received.includes("GET"));
      expect(await call(hub, "remote", "go")).toMatchObject({ ok: true });
      expect(stateOf(hub, "remote")).toMatchObject({ state: "ready", lastError: null });
    },
  );
});

test("a server that dies at each start is started after pauses that double, and its log says so once", async () => {
  const folder = await mkdtemp(join(tmpdir(), "toolarium-mcp-"));
  const starts = join(folder, "starts");
  const lines: string[] = [];
  const startedAt = performance.now();
  const script = ["-c", 'echo x >> "$0"; exit 3', starts];
  await using hub = openHub(
    [stdio("dies", [], { command: "/bin/sh", args: script, protocol: "2025-06-18" })],
    lines,
  );
  await until(
    "it was started five times",
    async () => (await readFile(starts, "utf8").catch(() => "")).length >= 10,
  );
  // 20 + 40 + 80 + 160 ms.
  expect(performance.now() - startedAt).toBeGreaterThan(300);
  expect(stateOf(hub, "dies").lastError).toBe("its process exited with code 3");
  expect(lines.filter((line) => line.includes("mcp server not available")).length).toBe(1);
  await rm(folder, { recursive: true });
});

test("what repeats itself is said at once, and then once a minute with how often", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  try {
    const said: unknown[] = [];
    const say = createRareLog((reason, unsaid) => said.push([reason, unsaid]));
    for (let second = 0; second < 121; second++) {
      say("it is away");
      if (second === 10) say("something else");
      vi.advanceTimersByTime(1_000);
    }
    expect(said).toEqual([
      ["it is away", {}],
      ["something else", {}],
      ["it is away", { times: 60 }],
      ["it is away", { times: 60 }],
    ]);
  } finally {
    vi.useRealTimers();
  }
});
