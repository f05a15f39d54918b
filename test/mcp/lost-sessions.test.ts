/** A server that lost its sessions, went away for a moment or fails every call: what calls and the state tell of it. */
import { describe, expect, test } from "vitest";
import { initialize, tool } from "../fixtures/mcp/json-rpc.ts";
import {
  type Answer,
  body,
  cut,
  keepSilent,
  type RawServer,
  reply,
  startRaw,
} from "../fixtures/mcp/raw-http.ts";
import { until } from "../helpers/until.ts";
import { call, openHub, remote, stateOf, stdio, toolNames } from "./hubs.ts";

const went = { ok: true, value: { arguments: {} } };
const count = (server: RawServer, method: string): number =>
  server.received.filter((each) => each === method).length;

describe("a session that the server has lost", () => {
  test.each<[string, Answer]>([
    ["404", body("", "text/plain", 404)],
    ["410", body("", "text/plain", 410)],
    ["400", body("", "text/plain", 400)],
    [
      "400 and an error for nobody",
      reply({ id: null, error: { code: -32_000, message: "No valid session" } }, 400),
    ],
    ["401", body("", "text/plain", 401)],
    ["403", body("", "text/plain", 403)],
    ["500", body("", "text/plain", 500)],
    ["502 and a page", body("<html></html>", "text/html", 502)],
    ["200 and an error", reply({ error: { code: -32_001, message: "Session not found" } })],
    ["200 and another error", reply({ error: { code: -32_600, message: "Server not initialized" } })],
    ["200 and a page", body("<html></html>", "text/html")],
    ["a cut connection", cut],
  ])("is healed when it is told by HTTP %s", async (_what, lost) => {
    await using server = await startForgetful(lost);
    await using hub = openHub([remote(server.url)]);
    await hub.settled;
    expect(await call(hub, "remote", "go")).toEqual(went);

    server.forget();
    expect(await call(hub, "remote", "go", {}, { isRepeatable: true })).toEqual(went);
    expect(count(server, "initialize")).toBe(2);
    expect(toolNames(hub, "remote")).toEqual(["go", "listed-2"]);
    expect(stateOf(hub, "remote")).toMatchObject({ state: "ready", lastError: null });

    server.forget();
    // What may change something is not made twice: its caller is told, and the next call finds a new session.
    expect(await call(hub, "remote", "go")).toMatchObject({ ok: false });
    expect(await call(hub, "remote", "go")).toEqual(went);
    expect(count(server, "initialize")).toBe(3);
  });

  test("costs each of many calls no more than one repetition, and one start for all", async () => {
    await using server = await startForgetful(body("", "text/plain", 404));
    await using hub = openHub([remote(server.url)]);
    await hub.settled;
    server.forget();
    const calls = Array.from({ length: 20 }, () => call(hub, "remote", "go", {}, { isRepeatable: true }));
    expect(await Promise.all(calls)).toEqual(calls.map(() => went));
    expect(count(server, "initialize")).toBe(2);
  });

  test("is repeated once and no more when the new session is lost, too", async () => {
    await using server = await startForgetful(body("", "text/plain", 404));
    await using hub = openHub([remote(server.url)]);
    await hub.settled;
    server.answer({ "tools/call": body("", "text/plain", 404) });
    expect(await call(hub, "remote", "go", {}, { isRepeatable: true })).toMatchObject({
      ok: false,
      failure: { message: 'The server "remote" is not available: it answered HTTP 404.' },
    });
    expect(count(server, "tools/call")).toBe(2);
  });
});

describe("a call that", () => {
  test("meets a dead connection is made once more on the same session, when that does no harm", async () => {
    await using server = await startRaw();
    await using hub = openHub([remote(server.url)]);
    await hub.settled;
    let cuts = 1;
    const once: Answer = (res, message) =>
      cuts-- > 0 ? cut(res, message) : reply({ result: {} })(res, message);
    server.answer({ "tools/call": once });
    expect(await call(hub, "remote", "go", {}, { isRepeatable: true })).toEqual({ ok: true, value: null });
    cuts = 1;
    expect(await call(hub, "remote", "go")).toMatchObject({ ok: false, failure: { kind: "unavailable" } });
    expect(await call(hub, "remote", "go")).toEqual({ ok: true, value: null });
    expect(count(server, "initialize")).toBe(1);
  });

  test("fails again and again does not take the session with it, and is asked about less and less", async () => {
    await using server = await startRaw({ "tools/call": reply({ error: { code: -32_000, message: "no" } }) });
    await using hub = openHub([remote(server.url)]);
    await hub.settled;
    const lists = count(server, "tools/list");
    for (let n = 0; n < 20; n++)
      expect(await call(hub, "remote", "go")).toEqual({
        ok: false,
        failure: { kind: "tool", message: "no" },
      });
    await until("the last probe is over", () => count(server, "tools/list") - lists === 4);
    expect(count(server, "initialize")).toBe(1);
  });
});

describe("a server that fails every call", () => {
  test("is not ready, says why, and is ready again with the first answer", async () => {
    await using server = await startRaw({ "tools/call": body("", "text/plain", 500) });
    await using hub = openHub([remote(server.url)]);
    await hub.settled;
    expect(stateOf(hub, "remote").state).toBe("ready");
    for (let n = 0; n < 3; n++) await call(hub, "remote", "go");
    expect(stateOf(hub, "remote")).toMatchObject({
      state: "failed",
      lastError: "its last 3 calls failed: it answered HTTP 500",
      tools: 2,
    });
    server.answer({ "tools/call": reply({ result: {} }) });
    expect(await call(hub, "remote", "go")).toEqual({ ok: true, value: null });
    expect(stateOf(hub, "remote")).toMatchObject({ state: "ready", lastError: null });
  });

  test("although it starts well each time is not ready either, and not started at each call", async () => {
    await using server = await startForgetful(body("", "text/plain", 404));
    await using hub = openHub([remote(server.url)]);
    await hub.settled;
    server.answer({ "tools/call": body("", "text/plain", 404) });
    for (let n = 0; n < 3; n++) await call(hub, "remote", "go");
    await until("it was started again", () => stateOf(hub, "remote").protocolVersion !== null);
    expect(stateOf(hub, "remote").state).toBe("failed");
  });
});

describe("between two lives of a server", () => {
  test("a call waits, whatever it does, when the port is closed for a moment", async () => {
    const first = await startRaw();
    await using hub = openHub([remote(first.url)]);
    await hub.settled;
    await first.stop();

    const waiting = call(hub, "remote", "go");
    await until("the closed port was found", () => stateOf(hub, "remote").state === "failed");
    await using second = await startRaw({}, first.port);

    expect(await waiting).toEqual(went);
    expect(count(second, "tools/call")).toBe(1);
  });

  test("a call waits also before the first one", async () => {
    const gone = await startRaw();
    await gone.stop();
    await using hub = openHub([remote(gone.url)]);
    await hub.settled;
    const listed = hub.whenListed("remote", { signal: new AbortController().signal, timeoutMs: 10_000 });
    const waiting = call(hub, "remote", "go");
    await using _server = await startRaw({}, gone.port);
    expect(await waiting).toEqual(went);
    expect(await listed).toBeUndefined();
  });

  test("a call waits no longer than its time, and says what it waited for", async () => {
    const gone = await startRaw();
    await using hub = openHub([remote(gone.url)]);
    await hub.settled;
    await gone.stop();
    expect(await call(hub, "remote", "go", {}, { timeoutMs: 300 })).toEqual({
      ok: false,
      failure: {
        kind: "unavailable",
        message: 'The server "remote" is not available: it cannot be reached (ECONNREFUSED).',
      },
    });
  });

  test("a call waits for no server that cannot come", async () => {
    const command = "/nowhere/no-such-command";
    await using hub = openHub([stdio("absent", [], { command })]);
    await hub.settled;
    expect(await call(hub, "absent", "go", {}, { timeoutMs: 60_000 })).toMatchObject({
      ok: false,
      failure: { kind: "unavailable" },
    });
  });

  test("calls one after the other are answered by a process that serves one each", async () => {
    const name = "exits-after-each-call";
    await using hub = openHub([stdio(name)]);
    const pids = [];
    for (let n = 0; n < 4; n++) pids.push(await call(hub, name, "pid"));
    expect(pids.map(({ ok }) => ok)).toEqual([true, true, true, true]);
    expect(new Set(pids.map((outcome) => outcome.ok && outcome.value)).size).toBe(4);
  });

  test("a call that its process took with it is made once more, when that does no harm", async () => {
    await using hub = openHub([stdio("dies-on-call")]);
    await hub.settled;
    expect(await call(hub, "dies-on-call", "die", {}, { isRepeatable: true })).toMatchObject({
      ok: false,
      failure: { message: 'The server "dies-on-call" is not available: its process exited with code 9.' },
    });
    expect(await call(hub, "dies-on-call", "pid")).toMatchObject({ ok: true });
  });
});

test("calls that get no answer from an HTTP server make it be asked whether it is there", async () => {
  await using server = await startForgetful(keepSilent);
  await using hub = openHub([remote(server.url)]);
  await hub.settled;
  server.answer({ "tools/call": keepSilent });
  const lists = count(server, "tools/list");
  expect(await call(hub, "remote", "go", {}, { timeoutMs: 50 })).toMatchObject({
    failure: { kind: "timeout" },
  });
  await until("it was asked", () => count(server, "tools/list") > lists);
  expect(stateOf(hub, "remote").state).toBe("ready");
});

/** A server with sessions. `forget` loses them: requests that name one get the answer `lost`, also lists. */
async function startForgetful(lost: Answer): Promise<RawServer & { forget(): void }> {
  let session = 0;
  let isKnown = true;
  const guarded =
    (answer: Answer): Answer =>
    (res, message) =>
      isKnown && message.headers["mcp-session-id"] === `s${session}`
        ? answer(res, message)
        : lost(res, message);
  const server = await startRaw({
    initialize: (res, message) => {
      session += 1;
      isKnown = true;
      res.setHeader("mcp-session-id", `s${session}`);
      return reply({ result: initialize })(res, message);
    },
    "tools/list": guarded((res, message) =>
      reply({ result: { tools: [tool("go"), tool(`listed-${session}`)] } })(res, message),
    ),
    "tools/call": guarded((res, message) =>
      reply({ result: { structuredContent: { arguments: message.params["arguments"] } } })(res, message),
    ),
  });
  const forget = (): void => {
    isKnown = false;
  };
  return { ...server, forget };
}
