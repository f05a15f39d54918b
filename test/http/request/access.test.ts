import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ToolariumError } from "../../../src/errors.ts";
import { until } from "../../helpers/until.ts";
import { startServer, type TestServer } from "../helpers/server.ts";

const as = (key: string): { headers: Record<string, string> } => ({
  headers: { authorization: `Bearer ${key}` },
});

let gateway: TestServer;
beforeAll(async () => {
  gateway = await startServer();
});
afterAll(() => gateway[Symbol.asyncDispose]());

describe("a gateway with keys", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await gateway.alongside({
      keys: [
        { name: "bot", key: "bot-key", principal: "team", may: ["run"] },
        { name: "boss", key: "boss-key", principal: "team", may: ["decide"] },
        { name: "other", key: "other-key", principal: "other", may: ["run", "decide"] },
        { name: "root", key: "root-key", principal: "root", may: ["admin"] },
        { name: "narrow", key: "narrow-key", may: ["run", "decide"], tools: { allow: ["files/list"] } },
      ],
    });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it.each([
    ["GET", "/v1/tools"],
    ["POST", "/v1/tools/files/list"],
    ["POST", "/v1/mcp/tool/execute"],
    ["GET", "/v1/declarations"],
    ["POST", "/v1/sandbox/check"],
    ["POST", "/v1/sandbox/runs"],
    ["GET", "/v1/sandbox/runs"],
    ["GET", "/v1/sandbox/runs/run_x"],
    ["DELETE", "/v1/sandbox/runs/run_x"],
    ["GET", "/v1/sandbox/runs/run_x/events"],
    ["POST", "/v1/sandbox/runs/run_x/calls/call_x"],
    ["POST", "/v1/runs/run_x/calls/call_x"],
    ["GET", "/v1/approvals"],
    ["GET", "/v1/mcp/servers"],
    ["GET", "/v1/mcp/servers/files"],
    ["POST", "/v1/chat/completions"],
    ["GET", "/v1/models"],
    ["GET", "/v1/models/builtin/script"],
    ["GET", "/v1/no-such-thing"],
    ["PUT", "/v1/tools"],
    ["OPTIONS", "/v1/tools"],
    ["GET", "/metrics"],
    ["GET", "/openapi.json"],
    ["POST", "/mcp"],
  ])("%s %s wants a key", async (method, path) => {
    const body = method === "POST" ? "{not json" : undefined;
    for (const headers of [
      {},
      { authorization: "Bearer wrong" },
      { authorization: "Basic Ym90LWtleTo=" },
      { "x-api-key": "" },
    ]) {
      const answer = await server.send(path, { method, body, headers: headers as Record<string, string> });
      expect(answer.status).toBe(401);
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
      expect(answer.body.code ?? answer.body.error.code).toBe("unauthorized");
    }
  });

  it.each(["/livez", "/readyz", "/"])("%s is served without a key", async (path) => {
    expect((await server.send(path)).status).toBe(200);
  });

  it("a key may come as bearer token or as x-api-key", async () => {
    expect((await server.send("/v1/tools", as("bot-key"))).status).toBe(200);
    expect((await server.send("/v1/tools", { headers: { authorization: "bearer bot-key" } })).status).toBe(
      200,
    );
    expect((await server.send("/v1/tools", { headers: { "x-api-key": "bot-key" } })).status).toBe(200);
  });

  it("a wrong bearer token is refused even with a right x-api-key", async () => {
    const headers = { authorization: "Bearer wrong", "x-api-key": "bot-key" };
    expect((await server.send("/v1/tools", { headers })).status).toBe(401);
  });

  it("a key without `run` starts nothing and calls nothing", async () => {
    const program = { body: { code: "return 1" }, ...as("boss-key") };
    const native = await server.send("/v1/sandbox/runs", program);
    expect([native.status, native.body.code]).toEqual([403, "forbidden"]);
    expect((await server.send("/v1/sandbox/check", program)).status).toBe(403);
    expect((await server.send("/v1/tools/files/list", { body: {}, ...as("boss-key") })).status).toBe(403);
    const call = { id: "c", type: "function", function: { name: "files__list", arguments: "{}" } };
    const executed = await server.send("/v1/mcp/tool/execute", { body: call, ...as("boss-key") });
    expect([executed.status, executed.body.error.code]).toEqual([403, "forbidden"]);
    expect(server.tools.calls).toEqual([]);
  });

  it("a key without `decide` cannot make a call that needs approval, and decides nothing", async () => {
    const call = { body: { arguments: { path: "/x" } }, ...as("bot-key") };
    const answer = await server.send("/v1/tools/files/write", call);
    expect([answer.status, answer.body.code]).toEqual([403, "forbidden"]);
    expect(server.tools.calls).toEqual([]);
    const decision = await server.send("/v1/sandbox/runs/run_x/calls/call_x", {
      body: { decision: "approve" },
      ...as("bot-key"),
    });
    expect(decision.status).toBe(403);
  });

  it("keys of one principal share runs; other principals find nothing, except with `admin`", async () => {
    const { body: run } = await server.send("/v1/sandbox/runs", {
      body: { code: "return 1" },
      ...as("bot-key"),
    });
    const path = `/v1/sandbox/runs/${run.id}`;
    expect((await server.send(path, as("boss-key"))).body.id).toBe(run.id);
    for (const suffix of ["", "/events"]) {
      const foreign = await server.send(path + suffix, as("other-key"));
      expect([foreign.status, foreign.body.code]).toEqual([404, "not_found"]);
    }
    expect((await server.send(path, { method: "DELETE", ...as("other-key") })).status).toBe(404);
    expect((await server.send("/v1/sandbox/runs", as("other-key"))).body.data).toEqual([]);
    expect((await server.send(path, as("root-key"))).body.id).toBe(run.id);
  });

  it("a key's own filter narrows what it can call, and no header widens it", async () => {
    const headers = { ...as("narrow-key").headers, "x-mcp-include-tools": "*" };
    const refused = await server.send("/v1/tools/files/read", {
      body: { arguments: { path: "a" } },
      headers,
    });
    expect([refused.status, refused.body.code]).toEqual([403, "tool_not_allowed"]);
    expect(refused.body.detail).toContain("narrow");
    expect((await server.send("/v1/tools/files/list", { body: {}, headers })).status).toBe(200);
  });
});

describe("a gateway without keys", () => {
  it("serves every request as `local`, with any key that an SDK sends", async () => {
    await using server = await gateway.alongside({});
    const answer = await server.send("/v1/sandbox/runs", { body: { code: "return 1" }, ...as("sk-dummy") });
    expect(answer.body.status).toBe("completed");
  });
});

describe("rates and slots", () => {
  it("a key over its rate is told when to retry; other keys are not affected", async () => {
    await using server = await gateway.alongside({
      keys: [
        { name: "slow", key: "slow", ratePerMinute: 2 },
        { name: "free", key: "free" },
      ],
    });
    const statuses = [];
    for (let i = 0; i < 3; i += 1) statuses.push((await server.send("/v1/tools", as("slow"))).status);
    expect(statuses).toEqual([200, 200, 429]);
    const refused = await server.send("/v1/models", as("slow"));
    expect(refused.body.error.code).toBe("rate_limited");
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(20);
    expect((await server.send("/v1/tools", as("free"))).status).toBe(200);
  });

  it("a key runs at most its number of programs at once, and gets the slot back when one ends", async () => {
    await using server = await gateway.alongside({ keys: [{ name: "one", key: "one", maxConcurrent: 1 }] });
    const holding = { body: { code: "return await slow.hold({})", wait: false }, ...as("one") };
    const { body: run } = await server.send("/v1/sandbox/runs", holding);
    const refused = await server.send("/v1/sandbox/runs", { body: { code: "return 1" }, ...as("one") });
    expect([refused.status, refused.body.code]).toEqual([429, "rate_limited"]);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect((await server.send("/v1/tools/files/list", { body: {}, ...as("one") })).status).toBe(429);

    await server.send(`/v1/sandbox/runs/${run.id}`, { method: "DELETE", ...as("one") });
    await until("the slot is free again", async () => {
      const next = await server.send("/v1/sandbox/runs", { body: { code: "return 1" }, ...as("one") });
      return next.status === 200;
    });
  });

  it("a program refused with queue_full is told to retry, and its slot is released", async () => {
    const runner = { start: async () => Promise.reject(new ToolariumError("queue_full")) };
    const keys = [{ name: "one", key: "one", maxConcurrent: 1 }];
    await using server = await gateway.alongside({ keys, replace: { runner } });
    for (let i = 0; i < 3; i += 1) {
      const answer = await server.send("/v1/sandbox/runs", { body: { code: "return 1" }, ...as("one") });
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
      expect(answer.body.code).toBe("queue_full");
    }
  });

  it("a refused program takes no slot", async () => {
    await using server = await gateway.alongside({ keys: [{ name: "one", key: "one", maxConcurrent: 1 }] });
    for (let i = 0; i < 3; i += 1)
      expect((await server.send("/v1/sandbox/runs", { body: { code: " " }, ...as("one") })).status).toBe(400);
    const served = await server.send("/v1/sandbox/runs", { body: { code: "return 1" }, ...as("one") });
    expect(served.status).toBe(200);
  });
});
