import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Core } from "../../../src/core.ts";
import type { Report } from "../../../src/runs/record/report-shape.ts";
import { readState } from "../../../src/runs/record/run-state.ts";
import { defineTool } from "../../../src/tools/define-tool.ts";
import { echoTool, openCore, programRequest } from "../../helpers/core.ts";
import { until } from "../../helpers/until.ts";

const me = { principal: "local", admin: false };
const approve = { type: "approve", by: "ann" } as const;
const deny = { type: "deny", by: "ann", reason: "no" } as const;

const read = echoTool("read", { readOnly: true });
const write = echoTool("write");
const ask = echoTool("ask", { needsApproval: true });
const held = Promise.withResolvers<void>();
const holding: string[] = [];
const hold = defineTool({
  name: "hold",
  description: "Answers when the test lets it.",
  input: z.object({}),
  readOnly: true,
  execute: async () => {
    holding.push("held");
    await held.promise;
    return "released";
  },
});
const tools = [read.tool, write.tool, ask.tool, hold];

let core: Core;
beforeAll(async () => {
  core = await openCore(tools);
});
afterAll(() => core[Symbol.asyncDispose]());

async function run(code: string, more: Parameters<typeof programRequest>[1] = {}): Promise<Report> {
  return (await core.runner.start(programRequest(code, more))).done;
}

async function decide(
  { id }: Report,
  call: string | undefined,
  decision: Parameters<Core["runner"]["decide"]>[0]["decision"],
  viewer = me,
): Promise<Report> {
  const decided = await core.runner.decide({ run: id, call: call ?? "", decision, viewer });
  if (decided === undefined) throw new Error("no such run");
  return decided.done;
}

const THREE = `const before = await write({ value: 1 });
  const [a, b, c] = await Promise.all([ask({ value: "a" }), read({ value: "b" }), ask({ value: "c" })]);
  return [before, a, b, c, await write({ value: 2 })]`;

describe("a program that waits for people in the middle of a Promise.all", () => {
  it("shows all its pending calls, goes on after each decision, and has had every effect once", async () => {
    const [writes, asks] = [write.seen.length, ask.seen.length];
    const waiting = await run(THREE);
    expect(waiting).toMatchObject({
      status: "waiting",
      pending: [{ arguments: { value: "a" } }, { arguments: { value: "c" } }],
    });
    const [first, second] = waiting.pending;
    const between = await decide(waiting, second?.call, approve);
    expect(between).toMatchObject({ status: "waiting", pending: [{ call: first?.call }] });
    const done = await decide(waiting, first?.call, approve);
    expect(done).toMatchObject({ status: "completed", result: [1, "a", "b", "c", 2], pending: [] });
    expect(done.calls.map(({ decision }) => decision)).toEqual([
      "auto",
      "approved",
      "auto",
      "approved",
      "auto",
    ]);
    expect(write.seen.slice(writes)).toEqual([1, 2]);
    expect(ask.seen.slice(asks)).toEqual(["c", "a"]);
  });

  it("gives its worker back while it waits", async () => {
    await run("return await ask({})");
    expect(core.pool.stats().runs).toMatchObject({ running: 0, queued: 0 });
  });

  it("is charged neither the time it waited nor the work it repeats", async () => {
    const code = "for (let i = 0; i < 3e6; i++); await ask({}); await ask({}); return 'done'";
    const waiting = await run(code, { limits: { wallMs: 2_000 } });
    const once = await decide(waiting, waiting.pending[0]?.call, approve);
    const done = await decide(once, once.pending[0]?.call, approve);
    expect(done.status).toBe("completed");
    expect(done.usage.cpuMs).toBeLessThan(waiting.usage.cpuMs * 2 + 50);
  });

  it("may be answered with edited arguments, and the record keeps both", async () => {
    const waiting = await run("return await ask({ value: 'asked' })");
    const done = await decide(waiting, waiting.pending[0]?.call, { ...approve, args: '{"value":"edited"}' });
    expect(done).toMatchObject({ status: "completed", result: "edited" });
    const events = await core.store.readJournal(waiting.id);
    expect(events.find(({ type }) => type === "requested")).toMatchObject({ args: '{"value":"asked"}' });
    expect(events.findLast(({ type }) => type === "decided")).toMatchObject({
      args: '{"value":"edited"}',
      edited: true,
    });
  });

  it("may be given the result itself: then nothing is called", async () => {
    const before = ask.seen.length;
    const waiting = await run("return await ask({})");
    const done = await decide(waiting, waiting.pending[0]?.call, {
      type: "result",
      by: "ann",
      value: '{"made":"up"}',
    });
    expect(done).toMatchObject({ result: { made: "up" }, calls: [{ decision: "result", status: "ok" }] });
    expect(ask.seen.length).toBe(before);
  });
});

describe("a decision", () => {
  it("is taken once: the same again changes nothing, another one is a conflict", async () => {
    const before = ask.seen.length;
    const waiting = await run("return await ask({})");
    const call = waiting.pending[0]?.call;
    const [one, two] = await Promise.all([decide(waiting, call, approve), decide(waiting, call, approve)]);
    expect(one).toEqual(two);
    expect(await decide(waiting, call, approve)).toEqual(one);
    await expect(decide(waiting, call, deny)).rejects.toMatchObject({ code: "decision_conflict" });
    const edited = { ...approve, args: '{"value":2}' };
    await expect(decide(waiting, call, edited)).rejects.toMatchObject({ code: "decision_conflict" });
    expect(ask.seen.length).toBe(before + 1);
  });

  it("of two that race, one is taken and the other is told", async () => {
    const waiting = await run("try { return await ask({}) } catch (error) { return error.kind }");
    const call = waiting.pending[0]?.call;
    const both = await Promise.allSettled([decide(waiting, call, approve), decide(waiting, call, deny)]);
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });

  it("goes on in the same lease while other calls keep the program running", async () => {
    const active = await core.runner.start(
      programRequest("return await Promise.all([ask({ value: 1 }), hold({})])"),
    );
    await until(
      "a call is pending and another is under way",
      () => active.report().pending.length === 1 && holding.length > 0,
    );
    const decided = await core.runner.decide({
      run: active.id,
      call: active.report().pending[0]?.call ?? "",
      decision: approve,
      viewer: me,
    });
    await until("the approved call is settled", () =>
      active.report().calls.some(({ status }) => status === "ok"),
    );
    held.resolve();
    expect(await active.done).toMatchObject({ status: "completed", result: [1, "released"] });
    expect(await decided?.done).toMatchObject({ status: "completed" });
    const events = await core.store.readJournal(active.id);
    expect(events.some(({ type }) => type === "resumed" || type === "waiting")).toBe(false);
  });

  it("about a call that never waited, or that the run does not have, is refused", async () => {
    const done = await run("return await read({})");
    await expect(decide(done, done.calls[0]?.id, approve)).rejects.toMatchObject({
      code: "decision_conflict",
    });
    await expect(decide(done, `${done.calls[0]?.id}x`, approve)).rejects.toMatchObject({ code: "not_found" });
  });

  it("belongs to the run's principal: others' runs are not there", async () => {
    const waiting = await run("return await ask({})");
    const decided = core.runner.decide({
      run: waiting.id,
      call: waiting.pending[0]?.call ?? "",
      decision: approve,
      viewer: { principal: "eve", admin: false },
    });
    expect(await decided).toBeUndefined();
    expect((await core.runner.reader.report(waiting.id, me))?.status).toBe("waiting");
  });

  it("can only narrow what the run may use", async () => {
    const waiting = await run("await ask({}); return await write({}).catch((error) => error.message)");
    const decided = await core.runner.decide({
      run: waiting.id,
      call: waiting.pending[0]?.call ?? "",
      decision: approve,
      viewer: me,
      layers: [{ rule: "x-mcp-include-tools", allow: ["local/ask"] }],
    });
    expect((await decided?.done)?.result).toContain("x-mcp-include-tools does not include it");
  });

  it("comes too late for a run that was cancelled", async () => {
    const waiting = await run("return await ask({})");
    expect(await core.runner.cancel(waiting.id, me)).toMatchObject({ status: "cancelled", pending: [] });
    await expect(decide(waiting, waiting.pending[0]?.call, approve)).rejects.toMatchObject({
      code: "decision_conflict",
      message: expect.stringContaining("cancelled"),
    });
  });
});

describe("the list of pending calls", () => {
  it("is oldest first, and says when each was asked", async () => {
    const one = await run("return await ask({ value: 1 })", { principal: "lister" });
    const two = await run("return await Promise.all([ask({ value: 2 }), ask({ value: 3 })])", {
      principal: "lister",
    });
    const list = await core.runner.reader.approvals({ principal: "lister", admin: false });
    expect(list).toMatchObject([
      { run: one.id, arguments: { value: 1 }, reason: expect.any(String) },
      { run: two.id, arguments: { value: 2 } },
      { run: two.id, arguments: { value: 3 } },
    ]);
    expect(list.every(({ askedAt }) => askedAt > Date.now() - 60_000)).toBe(true);
  });
});

describe("a run that nobody decides", () => {
  it("ends with approval_expired at its time, also when it was waiting before the gateway started", async () => {
    const folder = mkdtempSync(join(tmpdir(), "toolarium-"));
    const path = join(folder, "runs.db");
    try {
      const first = await openCore(tools, path);
      const waiting = await (await first.runner.start(programRequest("return await ask({})"))).done;
      await first[Symbol.asyncDispose]();
      const second = await openCore(tools, path, { approvalExpiresMs: 1 });
      await second.runner.recover();
      await until("the run has ended", async () => {
        const report = await second.runner.reader.report(waiting.id, me);
        return report?.error?.code === "approval_expired" && report.status === "failed";
      });
      await second[Symbol.asyncDispose]();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

it("a run that has ended asks for nothing", async () => {
  const waiting = await run("return await ask({})");
  await core.runner.cancel(waiting.id, me);
  expect(readState(await core.store.readJournal(waiting.id)).asked).toEqual([]);
});
