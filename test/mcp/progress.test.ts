import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CallOutcome, Hub } from "../../src/mcp/server.ts";
import { startRaw } from "../fixtures/mcp/raw-http.ts";
import { until } from "../helpers/until.ts";
import { call, openHub, remote, stdio } from "./hubs.ts";

describe("a call whose tool reports progress", () => {
  const name = "reports-progress";
  let hub: Hub;
  beforeAll(async () => {
    hub = openHub([stdio(name)]);
    await hub.settled;
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
  });
  const work = (args: object, limits: { timeoutMs: number; maxTimeoutMs?: number }): Promise<CallOutcome> =>
    call(hub, name, "work", { reports: 20, everyMs: 40, answers: true, ...args }, limits);
  const timedOut = (message: string): object => ({ ok: false, failure: { kind: "timeout", message } });

  test("may take longer than its timeout", async () => {
    expect(await work({}, { timeoutMs: 400, maxTimeoutMs: 10_000 })).toEqual({ ok: true, value: "after 20" });
  });

  test("may not when nothing is to be extended", async () => {
    expect(await work({}, { timeoutMs: 200 })).toEqual(timedOut("The tool did not answer within 200 ms."));
  });

  test("ends when there is no more of it, and is cancelled at the server", async () => {
    const before = Object(await call(hub, name, "cancelled")).value;
    expect(await work({ reports: 3, answers: false }, { timeoutMs: 300, maxTimeoutMs: 10_000 })).toEqual(
      timedOut("The tool did not report any more progress or answer within 300 ms."),
    );
    await until("it was cancelled", async () => {
      const { value } = Object(await call(hub, name, "cancelled"));
      return Number(value) > Number(before);
    });
  });

  test("ends at the longest time, whatever it reports", async () => {
    expect(await work({ reports: 1_000 }, { timeoutMs: 300, maxTimeoutMs: 500 })).toEqual(
      timedOut("The tool reported progress, but did not answer within 500 ms."),
    );
  });

  test("over HTTP, also with fields that are null, may take longer than its timeout", async () => {
    await using server = await startRaw({
      "tools/call": async (res, { id, params }) => {
        const { progressToken } = Object(params["_meta"]);
        const message = { progressToken, progress: null, total: null, message: null };
        res.writeHead(200, { "content-type": "text/event-stream" });
        for (let n = 0; n < 10; n++) {
          const report = { jsonrpc: "2.0", method: "notifications/progress", params: message };
          res.write(`data: ${JSON.stringify(report)}\n\n`);
          await new Promise((resolve) => setTimeout(resolve, 40));
        }
        res.end(`data: ${JSON.stringify({ jsonrpc: "2.0", id, result: {} })}\n\n`);
      },
    });
    await using remoteHub = openHub([remote(server.url)]);
    await remoteHub.settled;
    expect(await call(remoteHub, "remote", "go", {}, { timeoutMs: 300, maxTimeoutMs: 10_000 })).toEqual({
      ok: true,
      value: null,
    });
  });
});
