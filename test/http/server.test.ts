import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { until } from "../helpers/until.ts";
import { readEvents } from "./helpers/event-stream.ts";
import { startServer, type TestServer } from "./helpers/server.ts";

let gateway: TestServer;
beforeAll(async () => {
  gateway = await startServer();
});
afterAll(() => gateway[Symbol.asyncDispose]());

describe("health", () => {
  it("/livez answers at once, /readyz after a real program has run", async () => {
    expect((await gateway.send("/livez")).body).toEqual({ status: "ok" });
    const ready = await gateway.send("/readyz");
    expect([ready.status, ready.body]).toEqual([200, { status: "ready" }]);
    expect((await gateway.send("/livez", { method: "HEAD" })).status).toBe(200);
  });

  it("many readiness checks at once run one program", async () => {
    let asked = 0;
    const ready = async () => {
      asked += 1;
      return { ready: true };
    };
    await using server = await gateway.alongside({ replace: { ready } });
    const answers = await Promise.all(Array.from({ length: 20 }, () => server.send("/readyz")));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(asked).toBe(1);
  });

  it("a gateway that is not ready says why, and when to retry", async () => {
    const ready = async () => ({ ready: false, reason: "no worker has started" });
    await using server = await gateway.alongside({ replace: { ready } });
    const { status, headers, body } = await server.send("/readyz");
    expect([status, headers.get("retry-after")]).toEqual([503, "1"]);
    expect(body).toMatchObject({ code: "not_ready", detail: "no worker has started" });
  });
});

describe("a bug", () => {
  it("is answered without details, and logged", async () => {
    const logged: unknown[] = [];
    const log = { error: (entry: unknown) => logged.push(entry) };
    const catalog = () => {
      throw new TypeError("secret internals at /srv/app/x.ts");
    };
    await using server = await gateway.alongside({ replace: { log, catalog } });
    const { status, body } = await server.send("/v1/tools");
    expect([status, body.code]).toEqual([500, "internal_error"]);
    expect(JSON.stringify(body)).not.toContain("secret");
    expect(logged).toMatchObject([{ err: expect.any(TypeError), route: "/v1/tools" }]);
  });
});

describe("listening", () => {
  it("has no timeout: a start that takes minutes succeeds", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      let hasStarted = false;
      const starting = gateway.alongside({}).finally(() => {
        hasStarted = true;
      });
      // On a loaded machine a minute can pass between two steps.
      while (!hasStarted) {
        vi.advanceTimersByTime(60_000);
        await new Promise(setImmediate);
      }
      await using server = await starting;
      vi.useRealTimers();
      expect((await server.send("/livez")).status).toBe(200);
    } finally {
      vi.useRealTimers();
    }
  });

  it("a port in use is refused with the reason", async () => {
    await expect(gateway.alongside({ server: { port: gateway.port } })).rejects.toMatchObject({
      code: "config_error",
      message: expect.stringContaining(String(gateway.port)),
    });
  });
});

describe("closing", () => {
  it("lets running requests finish and tells their connections to end", async () => {
    await using server = await gateway.alongside({});
    const before = server.tools.calls.length;
    const answer = server.send("/v1/tools/slow/hold", { body: {} });
    await until("the tool is called", () => server.tools.calls.length > before);
    const closed = server.http.close(5_000);
    server.tools.release();
    expect((await answer).body).toEqual({ result: "released" });
    expect((await answer).headers.get("connection")).toBe("close");
    await closed;
    await expect(fetch(`${server.url}/livez`)).rejects.toThrow();
  });

  it("refuses new requests while it waits for old ones", async () => {
    await using server = await gateway.alongside({});
    const before = server.tools.calls.length;
    const answer = server.send("/v1/tools/slow/hold", { body: {} });
    await until("the tool is called", () => server.tools.calls.length > before);
    const closed = server.http.close(5_000);
    const refused = await server.send("/v1/sandbox/runs", { body: { code: "return 1" } });
    expect([refused.status, refused.body.code]).toEqual([503, "not_ready"]);
    expect(refused.headers.get("connection")).toBe("close");
    expect((await server.send("/livez")).status).toBe(200);
    expect((await server.send("/readyz")).status).toBe(503);
    server.tools.release();
    await Promise.all([answer, closed]);
  });

  it("ends event streams, whose clients can resume them elsewhere", async () => {
    await using server = await gateway.alongside({});
    const before = server.tools.calls.length;
    const { body: run } = await server.send("/v1/sandbox/runs", {
      body: { code: "return await slow.hold({})", wait: false },
    });
    await until("the tool is called", () => server.tools.calls.length > before);
    const streams = Array.from({ length: 12 }, () =>
      readEvents(`${server.url}/v1/sandbox/runs/${run.id}/events`),
    );
    await until("the streams are open", async () => (await server.send("/livez")).status === 200);
    const started = performance.now();
    await server.http.close(5_000);
    expect(performance.now() - started).toBeLessThan(4_000);
    for (const events of await Promise.all(streams)) expect(events.at(-1)?.event).not.toBe("run.finished");
  });

  it("cuts what is left at the deadline, idle and silent connections too", async () => {
    await using server = await gateway.alongside({});
    const before = server.tools.calls.length;
    const silent = connect(server.port, "127.0.0.1");
    const silentEnded = new Promise((resolve) => silent.on("close", resolve));
    silent.on("error", () => {});
    const answer = server.send("/v1/tools/slow/hold", { body: {} });
    answer.catch(() => {});
    await until("the tool is called", () => server.tools.calls.length > before);
    await server.http.close(10);
    await expect(answer).rejects.toThrow();
    await silentEnded;
  });

  it("closing twice has the effect of closing once", async () => {
    await using server = await gateway.alongside({});
    await Promise.all([server.http.close(0), server.http.close(0)]);
  });
});
