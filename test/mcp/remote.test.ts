import { describe, expect, test } from "vitest";
import { startModern, startRefusing, startSse, startStreamable } from "../fixtures/mcp/http-servers.ts";
import { until } from "../helpers/until.ts";
import { call, openHub, remote, stateOf, toolNames } from "./hubs.ts";

describe("a server over streamable HTTP", () => {
  test("answers calls, gets the configured headers, and its changes are seen", async () => {
    await using server = await startStreamable();
    await using hub = openHub([remote(server.url, { headers: { Authorization: "Bearer t0ken-abc" } })]);
    await hub.settled;

    expect(await call(hub, "remote", "add", { a: 20, b: 22 })).toEqual({ ok: true, value: "42" });
    expect(server.lastHeaders().authorization).toBe("Bearer t0ken-abc");
    expect(toolNames(hub, "remote")).toEqual(["add", "cut", "forget", "grow"]);

    await call(hub, "remote", "grow");
    await until("the new tool is listed", () => toolNames(hub, "remote").includes("extra"));
  });

  test("of revision 2026-07-28 is spoken to in it", async () => {
    await using server = await startModern();
    await using hub = openHub([remote(server.url)]);
    await hub.settled;

    expect(await call(hub, "remote", "add", { a: 1, b: 2 })).toEqual({ ok: true, value: "3" });
    expect(stateOf(hub, "remote")).toMatchObject({ state: "ready", protocolVersion: "2026-07-28" });
    // Once more when the list that follows the subscription came after it.
    await until("the argument was in a header", async () => {
      const found = await call(hub, "remote", "look_up", { region: "north" });
      expect(found).toEqual({ ok: true, value: "found in north" });
      return server.lastHeaders()["mcp-param-region"] === "north";
    });
  });

  test("has its session ended by dispose", async () => {
    await using server = await startStreamable();
    const hub = openHub([remote(server.url)]);
    await hub.settled;
    await hub[Symbol.asyncDispose]();
    expect(server.requests).toContain("DELETE /mcp");
  });

  test("that cuts the connection in the middle of a call fails that call at once", async () => {
    await using server = await startStreamable();
    await using hub = openHub([remote(server.url)]);
    await hub.settled;
    expect(await call(hub, "remote", "cut")).toMatchObject({ ok: false, failure: { kind: "unavailable" } });
  });

  test("that forgot the session without a word is connected to anew after the first call it refuses", async () => {
    await using server = await startStreamable();
    await using hub = openHub([remote(server.url)]);
    await hub.settled;
    await call(hub, "remote", "forget");

    expect(await call(hub, "remote", "add", { a: 1, b: 1 })).toEqual({
      ok: false,
      failure: {
        kind: "unavailable",
        message: 'The server "remote" is not available: it answered HTTP 404.',
      },
    });

    await until("the loss is seen", () => stateOf(hub, "remote").state === "failed");
    expect(stateOf(hub, "remote").lastError).toBe("it no longer knows this session");
    await until("the server is ready", () => stateOf(hub, "remote").state === "ready");
    expect(await call(hub, "remote", "add", { a: 1, b: 1 })).toEqual({ ok: true, value: "2" });
  });

  test("that was restarted and forgot the session is connected to anew", async () => {
    const first = await startStreamable();
    await using hub = openHub([remote(first.url)]);
    await hub.settled;
    await first.stop();
    await using second = await startStreamable(first.port);

    await call(hub, "remote", "add", { a: 1, b: 1 });

    await until("the server is ready", () => stateOf(hub, "remote").state === "ready");
    expect(await call(hub, "remote", "add", { a: 1, b: 1 })).toEqual({ ok: true, value: "2" });
    expect(second.requests.length).toBeGreaterThan(2);
  });

  test("that goes away is failed with the reason, keeps its tools known, and is used again when it is back", async () => {
    const first = await startStreamable();
    await using hub = openHub([remote(first.url)]);
    await hub.settled;
    await first.stop();

    const outcome = await call(hub, "remote", "add", { a: 1, b: 1 }, { timeoutMs: 500 });

    expect(outcome).toMatchObject({ ok: false, failure: { kind: "unavailable" } });
    await until("the server is failed", () => stateOf(hub, "remote").state === "failed");
    const refused = "it cannot be reached (ECONNREFUSED)";
    await until("its port was found closed", () => stateOf(hub, "remote").lastError === refused);
    expect(toolNames(hub, "remote")).toContain("add");
    await using _second = await startStreamable(first.port);
    await until("the server is ready", () => stateOf(hub, "remote").state === "ready");
    expect(stateOf(hub, "remote").lastError).toBe(null);
    expect(await call(hub, "remote", "add", { a: 1, b: 1 })).toEqual({ ok: true, value: "2" });
  });

  test.for(["http", "sse"] as const)("that is not there is failed with the cause, by %s", async (type) => {
    const gone = await startStreamable();
    await gone.stop();
    await using hub = openHub([remote(gone.url, { type })]);
    await hub.settled;
    expect(stateOf(hub, "remote").lastError).toBe("it cannot be reached (ECONNREFUSED)");
  });

  test("whose port no client may use is failed with the cause", async () => {
    await using hub = openHub([remote("http://127.0.0.1:1/mcp")]);
    await hub.settled;
    expect(stateOf(hub, "remote").lastError).toBe("it cannot be reached (bad port)");
  });

  test("that refuses the credentials is failed with that reason, is not tried by SSE, and no secret is told", async () => {
    await using server = await startRefusing(401);
    const lines: string[] = [];
    const url = `${server.url}?key=query-secret`;
    await using hub = openHub([remote(url, { headers: { "x-key": "header-secret" } })], lines);
    await hub.settled;

    expect(stateOf(hub, "remote").lastError).toBe("it refused the credentials (HTTP 401)");
    expect(server.requests).not.toContain("GET /mcp");
    const said = JSON.stringify([hub.servers(), await call(hub, "remote", "x"), lines]);
    expect(said).not.toMatch(/header-secret|query-secret/);
  });

  test("that answers 500 is failed with that status", async () => {
    await using server = await startRefusing(500);
    await using hub = openHub([remote(server.url)]);
    await hub.settled;
    expect(stateOf(hub, "remote").lastError).toBe("it answered HTTP 500");
  });
});

describe("a server over SSE", () => {
  test("answers calls and gets the configured headers", async () => {
    await using server = await startSse();
    await using hub = openHub([remote(server.url, { type: "sse", headers: { "x-team": "blue" } })]);
    await hub.settled;

    expect(await call(hub, "remote", "shout", { word: "hey" })).toEqual({ ok: true, value: "HEY" });
    expect(server.lastHeaders()["x-team"]).toBe("blue");
    expect(stateOf(hub, "remote").serverInfo).toEqual({ name: "old-sse", version: "0.9.0" });
  });

  test("that was configured as HTTP is found by one fallback, which is remembered", async () => {
    await using server = await startSse();
    await using hub = openHub([remote(server.url)]);
    await hub.settled;
    expect(await call(hub, "remote", "shout", { word: "hey" })).toEqual({ ok: true, value: "HEY" });
    const posts = (): number => server.requests.filter((request) => request === "POST /sse").length;
    const refusedAtFirst = posts();
    expect(refusedAtFirst).toBeGreaterThan(0);

    server.cut();
    await until("the server is failed", () => stateOf(hub, "remote").state === "failed");
    await until("the server is ready", () => stateOf(hub, "remote").state === "ready");

    expect(await call(hub, "remote", "shout", { word: "again" })).toEqual({ ok: true, value: "AGAIN" });
    expect(posts()).toBe(refusedAtFirst);
  });

  test("is not fallen back to when the configuration says http", async () => {
    await using server = await startSse();
    await using hub = openHub([remote(server.url, { fallbackToSse: false })]);
    await hub.settled;
    expect(stateOf(hub, "remote")).toMatchObject({ state: "failed", lastError: "it answered HTTP 404" });
    expect(server.requests).not.toContain("GET /sse");
  });
});
