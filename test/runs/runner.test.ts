import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { defaultLimits } from "../../sandbox/index.ts";
import type { Core } from "../../src/core.ts";
import { createRunId } from "../../src/runs/record/ids.ts";
import { openStore } from "../../src/store/open-store.ts";
import { IN_MEMORY } from "../../src/store/settings.ts";
import { defineTool } from "../../src/tools/define-tool.ts";
import { echoTool, everything, openCore, programRequest } from "../helpers/core.ts";
import { until } from "../helpers/until.ts";

const me = { principal: "local", admin: false };

const read = echoTool("read", { readOnly: true });
const write = echoTool("write");
const ask = echoTool("ask", { needsApproval: true });
const gates = new Map<string, PromiseWithResolvers<string>>();
const gateOf = (name: string): PromiseWithResolvers<string> => {
  const gate = gates.get(name) ?? Promise.withResolvers<string>();
  gates.set(name, gate);
  return gate;
};
const waiting: string[] = [];
const wait = defineTool({
  name: "wait",
  description: "Waits until the test opens this gate.",
  input: z.object({ name: z.string() }),
  readOnly: true,
  execute: ({ name }) => {
    waiting.push(name);
    return gateOf(name).promise;
  },
});
const tools = [read.tool, write.tool, ask.tool, wait];
const tokenBudgets = { declarations: 4_000, result: 4_000 };

let core: Core;
beforeAll(async () => {
  core = await openCore(tools, ":memory:", { tokenBudgets });
});
afterAll(() => core[Symbol.asyncDispose]());

async function run(code: string, more: Parameters<typeof programRequest>[1] = {}) {
  const active = await core.runner.start(programRequest(code, more));
  return active.done;
}

describe("a run", () => {
  it("is a report with everything that happened", async () => {
    const report = await run("console.log('hello'); return await read({ value: { a: 1 } })");
    expect(report).toMatchObject({
      object: "sandbox.run",
      status: "completed",
      result: { a: 1 },
      error: null,
      logs: [{ level: "log", text: "hello" }],
      calls: [{ seq: 1, tool: "local/read", status: "ok", decision: "auto", reused: false, resultBytes: 7 }],
      pending: [],
      limits: defaultLimits,
    });
    expect(report.id).toMatch(/^run_[A-Za-z0-9_-]{22}$/);
    expect(report.calls[0]?.id).toBe(`call_${report.id.slice(4)}_1`);
    expect(report.usage.wallMs).toBeGreaterThan(0);
  });

  it("can be read again later, by its owner only", async () => {
    const report = await run("return 1");
    expect(await core.runner.reader.report(report.id, me)).toEqual(report);
    expect(await core.runner.reader.report(report.id, { principal: "other", admin: false })).toBeUndefined();
    expect(await core.runner.reader.report(report.id, { principal: "other", admin: true })).toEqual(report);
    expect(await core.runner.reader.report("run_AAAAAAAAAAAAAAAAAAAAAA", me)).toBeUndefined();
  });

  it("fails with the position in the author's own text, fences and all", async () => {
    const report = await run(
      'Here you are:\n```ts\nconst n: number = 1;\n\nthrow new Error("no " + n);\n```',
    );
    expect(report).toMatchObject({
      status: "failed",
      error: { code: "guest_error", message: "Error: no 1", line: 5, column: 7, effects: "none" },
    });
  });

  it("that can't be parsed fails before anything runs", async () => {
    const report = await run("await write({ value: 1 });\nconst = 3");
    expect(report).toMatchObject({
      status: "failed",
      error: { code: "syntax_error", line: 2, effects: "none" },
      calls: [],
    });
    expect(await core.runner.reader.report(report.id, me)).toEqual(report);
  });

  it("tells whether it may have changed something", async () => {
    expect((await run("await read({}); throw 1")).error?.effects).toBe("none");
    expect((await run("await write({}); throw 1")).error?.effects).toBe("possible");
  });

  it("gets a hint where a name is not there on purpose", async () => {
    const code = "return await fetch('http://example.com')";
    const { error: refused } = await run(code);
    expect(refused).toMatchObject({ code: "type_error", message: expect.stringContaining("call a tool") });
    const { error } = await run(code, { typecheck: "off" });
    expect(error).toMatchObject({
      message: "ReferenceError: fetch is not defined",
      hint: expect.stringContaining("tool"),
    });
  });

  it("outside the set is refused before it runs: by its line, the rule and the nearest names", async () => {
    const report = await run("const a = await read({ value: 1 });\nreturn await write({ value: a })", {
      policy: { layers: [everything, { rule: "tools_filter", allow: ["local/read"] }] },
    });
    expect(report).toMatchObject({ status: "failed", calls: [], usage: { toolCalls: 0 } });
    expect(report.error).toMatchObject({
      ...{ code: "type_error", line: 2, column: 14, effects: "none" },
      message: expect.stringMatching(/^write is outside the allowed set: tools_filter does not include it/),
    });
    expect(report.diagnostics).toMatchObject([{ severity: "error", line: 2, code: null }]);
  });

  it("that does not fit a tool is refused before it runs, unless the request says otherwise", async () => {
    const code = "return await wait({ name: 1 })";
    const refused = await run(code);
    expect(refused.error).toMatchObject({
      ...{ code: "type_error", line: 1, column: 21, effects: "none" },
      message: 'wait: "name" must be string, not number. Write "1".',
      hint: expect.stringMatching(/^wait\(args: \{ name: string \}\)/),
    });
    expect(refused.calls).toEqual([]);
    const warned = await run(code, { typecheck: "warn" });
    expect(warned.diagnostics).toMatchObject([{ severity: "warning", code: 2322 }]);
    expect(warned.calls).toHaveLength(1);
    const unchecked = await run(code, { typecheck: "off" });
    expect(unchecked.diagnostics).toEqual([]);
    expect(unchecked.calls).toHaveLength(1);
  });

  it("an uncaught tool failure names tool and kind, and is not sent outside the set", async () => {
    const report = await run("return await write({ value: 1 })", {
      policy: { layers: [everything, { rule: "tools_filter", allow: ["local/read"] }] },
      typecheck: "off",
    });
    expect(report.error).toMatchObject({
      code: "guest_error",
      message: expect.stringContaining("tools_filter"),
      tool: { server: "local", tool: "write", kind: "denied" },
    });
    expect(report.calls).toMatchObject([{ tool: "local/write", status: "denied" }]);
  });

  it("waits when a call needs a person, and shows what is pending", async () => {
    const report = await run(
      "const [a] = await Promise.all([read({ value: 1 }), ask({ value: 2 })]); return a",
    );
    expect(report).toMatchObject({
      status: "waiting",
      result: null,
      pending: [{ tool: "local/ask", arguments: { value: 2 } }],
      calls: [{ status: "ok" }, { status: "waiting", decision: null }],
    });
    expect(ask.seen).toEqual([]);
    const list = await core.runner.reader.list(me, { status: "waiting", limit: 10 });
    expect(list.data.map(({ id }) => id)).toContain(report.id);
    expect(await core.runner.cancel(report.id, me)).toMatchObject({ status: "cancelled" });
    expect(await core.runner.cancel(report.id, me)).toMatchObject({ status: "cancelled" });
  });

  it("goes on inside when such calls are to be denied", async () => {
    const report = await run("try { await ask({}) } catch (error) { return error.kind }", {
      approval: "deny",
    });
    expect(report).toMatchObject({
      status: "completed",
      result: "denied",
      calls: [{ status: "denied", decision: "denied" }],
    });
  });

  it("that does not await a call is told so", async () => {
    const report = await run("wait({ name: 'floating' }); return 1");
    expect(report).toMatchObject({
      status: "completed",
      diagnostics: expect.arrayContaining([
        expect.objectContaining({
          severity: "warning",
          message: expect.stringMatching(/The call of local\/wait was still open.*Await every call/),
          line: 1,
          column: 1,
        }),
      ]),
      calls: [{ status: "cancelled" }],
    });
    expect(await core.runner.reader.report(report.id, me)).toEqual(report);
  });

  it("can be cancelled by its owner while it runs, and its calls are aborted", async () => {
    const active = await core.runner.start(programRequest("return await wait({ name: 'cancel' })"));
    await until("it waits", () => waiting.includes("cancel"));
    expect(await core.runner.cancel(active.id, { principal: "other", admin: false })).toBeUndefined();
    const report = await core.runner.cancel(active.id, me);
    expect(report).toMatchObject({
      status: "cancelled",
      error: { code: "cancelled", effects: "none" },
      calls: [{ status: "cancelled" }],
    });
    gateOf("cancel").resolve("late");
    expect((await run("return 1")).result).toBe(1);
  });

  it("has its events in order, live and again", async () => {
    const active = await core.runner.start(
      programRequest("console.log(1); return await wait({ name: 'events' })"),
    );
    const seen: string[] = [];
    for await (const event of active.events()) {
      seen.push(event.type);
      if (event.type === "started") gateOf("events").resolve("go");
    }
    expect(seen).toEqual(["opened", "log", "requested", "decided", "started", "settled", "ended"]);
    await active.done;
    const again = await core.runner.reader.events(active.id, me, { afterSeq: 5 });
    const rest: string[] = [];
    for await (const event of again ?? []) rest.push(event.type);
    expect(rest).toEqual(["settled", "ended"]);
  });

  it("is refused when there is no place for it, and leaves no record", async () => {
    const before = (await core.runner.reader.list(me, { limit: 200 })).data.length;
    const running = await Promise.all(
      Array.from({ length: 8 }, () =>
        core.runner.start(programRequest("return await wait({ name: 'full' })")),
      ),
    );
    const queued = await Promise.all([1, 2].map(() => core.runner.start(programRequest("return 'queued'"))));
    expect(queued.map((active) => active.report().status)).toEqual(["queued", "queued"]);
    await expect(core.runner.start(programRequest("return 1"))).rejects.toMatchObject({
      code: "queue_full",
      retryAfterSeconds: 1,
    });
    gateOf("full").resolve("open");
    const reports = await Promise.all([...running, ...queued].map((active) => active.done));
    expect(reports.map((report) => report.status)).toEqual(Array(10).fill("completed"));
    expect((await core.runner.reader.list(me, { limit: 200 })).data).toHaveLength(before + 10);
  });

  it("ends with wall_timeout when its own deadline cuts a call short", async () => {
    const report = await run("return await wait({ name: 'never' })", { limits: { wallMs: 700 } });
    expect(report.error?.code).toBe("wall_timeout");
  });
});

describe("calls outside a program", () => {
  const request = { principal: "local", policy: { layers: [everything] }, limits: defaultLimits } as const;

  it("pass the same gate and are recorded", async () => {
    const calls = await core.runner.openCalls({ ...request, kind: "chat", consent: "auto" });
    expect(await calls.call(calls.nextCallId(), "local/read", '{"value":1}')).toMatchObject({
      type: "value",
      value: 1,
    });
    expect(await calls.call(calls.nextCallId(), "local/nope", "{}")).toMatchObject({
      type: "failure",
      failure: { kind: "unknown_tool" },
    });
    expect(await calls.call(calls.nextCallId(), "local/ask", '{"value":2}')).toMatchObject({
      type: "pending",
      pending: { tool: "local/ask" },
    });
    await calls.end("waiting");
    expect(await core.runner.reader.report(calls.id, me)).toMatchObject({
      status: "waiting",
      calls: [{ status: "ok" }, { status: "error" }, { status: "waiting" }],
    });
    expect(await calls.call(calls.nextCallId(), "local/read", "{}")).toMatchObject({
      type: "failure",
      failure: { kind: "cancelled" },
    });
  });

  it("run what needs a person when a person asked for it", async () => {
    const calls = await core.runner.openCalls({ ...request, kind: "call", consent: "granted" });
    expect(await calls.call(calls.nextCallId(), "local/ask", '{"value":3}')).toMatchObject({
      type: "value",
      value: 3,
    });
    await calls.end("completed");
    expect(await core.runner.reader.report(calls.id, me)).toMatchObject({
      status: "completed",
      calls: [{ decision: "approved" }],
    });
  });

  it("bring nothing into the record of a request that has been cancelled", async () => {
    const calls = await core.runner.openCalls({ ...request, kind: "chat", consent: "auto" });
    const call = calls.call(calls.nextCallId(), "local/wait", '{"name":"sealed"}');
    await until("it waits", () => waiting.includes("sealed"));
    const report = await core.runner.cancel(calls.id, me);
    expect(report).toMatchObject({ status: "cancelled", calls: [{ status: "cancelled" }] });
    gateOf("sealed").resolve("late");
    expect(await call).toMatchObject({ type: "failure", failure: { kind: "cancelled" } });
    expect((await core.store.readJournal(calls.id)).at(-1)).toMatchObject({ type: "ended" });
  });

  it("show the programs of the same request in one report", async () => {
    const chat = await core.runner.openCalls({ ...request, kind: "chat", consent: "auto" });
    const program = await run("console.log('inside'); return await read({ value: 5 })", { parent: chat.id });
    await chat.end("completed");
    const report = await core.runner.reader.report(chat.id, me);
    expect(report).toMatchObject({
      status: "completed",
      result: 5,
      logs: [{ text: "inside" }],
      calls: [{ tool: "local/read", seq: 1 }],
    });
    expect(report?.calls[0]?.id).toBe(program.calls[0]?.id);
  });
});

describe("the end of a gateway", () => {
  it("before a chat has its first event leaves a run that is ended, not one that waits", async () => {
    const own = await openCore(tools);
    const spec = { limits: defaultLimits, diagnostics: [], policy: { layers: [] }, catalogVersion: "c" };
    const id = createRunId();
    const head = { id, principal: "local", kind: "chat", parent: null, createdAt: Date.now() } as const;
    await own.store.createRun({ ...head, spec: JSON.stringify(spec), snapshot: null, requestKey: null });
    expect(await own.runner.recover()).toEqual({ resumed: 0, ended: 1 });
    expect(await own.runner.reader.report(id, me)).toMatchObject({ status: "cancelled" });
    await own[Symbol.asyncDispose]();
  });

  it("lets runs finish, cancels those that do not, and takes no new ones", async () => {
    const own = await openCore(tools);
    const quick = await own.runner.start(programRequest("return await wait({ name: 'quick' })"));
    const stuck = await own.runner.start(
      programRequest("await write({}); return await wait({ name: 'stuck' })"),
    );
    await until("both wait", () => waiting.includes("quick") && waiting.includes("stuck"));
    const drained = own.runner.drain(200, "cancel");
    gateOf("quick").resolve("done");
    await expect(own.runner.start(programRequest("return 1"))).rejects.toMatchObject({ code: "not_ready" });
    await drained;
    expect(await quick.done).toMatchObject({ status: "completed", result: "done" });
    expect(await stuck.done).toMatchObject({ status: "cancelled", error: { effects: "possible" } });
    await own[Symbol.asyncDispose]();
  });

  it("keeps what happened: reports are there after a restart, and unfinished runs are ended", async () => {
    const folder = mkdtempSync(join(tmpdir(), "toolarium-"));
    const path = join(folder, "runs.db");
    try {
      const first = await openCore(tools, path, { tokenBudgets });
      const report = await (await first.runner.start(programRequest("return await read({ value: 'kept' })")))
        .done;
      const parked = await (await first.runner.start(programRequest("return await ask({})"))).done;
      const opened = await first.runner.openCalls({
        principal: "local",
        kind: "chat",
        consent: "auto",
        policy: { layers: [everything] },
        limits: defaultLimits,
      });
      await opened.call(opened.nextCallId(), "local/write", "{}");
      await first.store[Symbol.asyncDispose]();
      await first[Symbol.asyncDispose]().then(undefined, () => undefined);

      const second = await openCore(tools, path, { tokenBudgets });
      expect(await second.runner.reader.report(report.id, me)).toEqual(report);
      expect(await second.runner.reader.report(opened.id, me)).toMatchObject({ status: "running" });
      expect(await second.runner.recover()).toEqual({ resumed: 0, ended: 1 });
      expect(await second.runner.reader.report(opened.id, me)).toMatchObject({
        status: "cancelled",
        error: { message: expect.stringContaining("stopped"), effects: "possible" },
      });
      expect(await second.runner.reader.report(parked.id, me)).toMatchObject({ status: "waiting" });
      await second[Symbol.asyncDispose]();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("a server that is slow to connect", () => {
  it("holds up nobody but the calls to it, which wait for it", async () => {
    const { createCore } = await import("../../src/core.ts");
    const { createLog } = await import("../../src/log.ts");
    const common = {
      disabled: false,
      startTimeoutMs: 10_000,
      trustAnnotations: false,
      protocol: "auto",
    } as const;
    const connected = Promise.withResolvers<void>();
    const { McpServer } = await import("@modelcontextprotocol/server");
    const server = new McpServer({ name: "late", version: "1.0.0" });
    server.registerTool("hello", { description: "Greets.", inputSchema: z.object({}) }, () => ({
      content: [{ type: "text", text: "hello" }],
    }));
    const late = {
      connect: async (transport: Parameters<typeof server.connect>[0]) => {
        await connected.promise;
        await server.connect(transport);
      },
      close: () => server.close(),
    };
    const absent = {
      ...common,
      name: "absent",
      type: "stdio",
      command: "no-such-command",
      args: [],
      env: {},
    } as const;
    await using own = await createCore({
      servers: [{ ...common, name: "late", type: "in-process", server: late }, absent],
      marks: { readOnly: [], idempotent: [] },
      store: (log) => openStore({ path: IN_MEMORY }, { log }),
      sandbox: { workers: 1 },
      callTimeoutMs: 5_000,
      approvalExpiresMs: 60_000,
      presentLayers: () => [],
      learn: false,
      log: createLog("silent"),
    });
    const policy = { layers: [{ ...everything, autoExecute: ["*"] }] };
    const kinds = await (
      await own.runner.start(
        programRequest(
          "try { await absent.hello({}) } catch (error) { return [error.kind, error.message] }",
          { policy },
        ),
      )
    ).done;
    expect(kinds.result).toEqual(["unavailable", expect.stringContaining('"absent" is not connected')]);
    const run = await own.runner.start(programRequest("return await late.hello({})", { policy }));
    await until("the call was requested", () => run.report().calls.length === 1);
    expect(run.report().status).toBe("running");
    connected.resolve();
    expect((await run.done).result).toBe("hello");
  });
});
