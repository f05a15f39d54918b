/** Runs whose record cannot be kept while a call of theirs is under way: what became of it is known, so nobody is asked. */
import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { defaultLimits } from "../../sandbox/index.ts";
import type { Report } from "../../src/runs/record/report-shape.ts";
import { defineTool } from "../../src/tools/define-tool.ts";
import { everything, openCore, programRequest } from "../helpers/core.ts";
import { until } from "../helpers/until.ts";

const viewer = { principal: "local", admin: false };
const unavailable = { code: "store_unavailable", retryable: true };

/** A gateway whose store's file can go and come back, and a tool that changes something and answers when it is told to. */
async function inOutage() {
  const folder = mkdtempSync(join(tmpdir(), "toolarium-stranded-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "runs.db");
  const made: Array<{ answer: (value: string) => void; signal: AbortSignal }> = [];
  const act = defineTool({
    name: "act",
    description: "Changes something.",
    input: { type: "object" },
    execute: (_, { signal }) =>
      new Promise<string>((resolve, reject) => {
        made.push({ answer: resolve, signal });
        signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
      }),
  });
  const core = await openCore([act], path);
  onTestFinished(() => core[Symbol.asyncDispose]());
  const storeIs = (state: "well" | "hindered"): Promise<unknown> =>
    until(`the store is ${state}`, () => (core.store.health.hindrance === null) === (state === "well"));
  return {
    core,
    made,
    firstCall: () => until("the call has left", () => made[0]),
    begin: () => renameSync(path, `${path}.away`),
    async end() {
      renameSync(`${path}.away`, path);
      await storeIs("well");
    },
    async report(id: string): Promise<Report> {
      const report = await core.runner.reader.report(id, viewer);
      return report ?? expect.fail(`no run ${id}`);
    },
  };
}

/** The timers are records, too: one of them is the first that cannot be kept. */
const program = programRequest(`
  const call = act({});
  for (let i = 0; i < 20; i++) await sleep(20);
  return await call`);

describe("a program whose record cannot be kept while it calls a tool", () => {
  it.each(["while the store is away", "once the store is back"])(
    "resumes with the outcome that came %s; the tool is not called again, and nobody is asked",
    async (when) => {
      const { core, made, firstCall, begin, end, report } = await inOutage();
      const run = await core.runner.start(program);
      const { answer } = await firstCall();
      begin();
      // Its client does not wait for the tool.
      await expect(run.done).rejects.toMatchObject(unavailable);
      if (when === "while the store is away") answer("done");
      await end();
      if (when === "once the store is back") answer("done");
      const settled = await until("it goes on", async () => {
        const now = await report(run.id);
        return now.calls[0]?.status === "running" ? undefined : now;
      });
      expect(settled.calls).toMatchObject([{ tool: "local/act", status: "ok" }]);
      const ended = await until("it has ended", async () => {
        const now = await report(run.id);
        return now.status === "running" ? undefined : now;
      });
      expect(ended).toMatchObject({ status: "completed", result: "done", calls: [{ status: "ok" }] });
      expect(made).toHaveLength(1);
    },
  );

  it("holds up no gateway that stops: its call is aborted, and in doubt for the next one", async () => {
    const { core, firstCall, begin, report } = await inOutage();
    const run = await core.runner.start(program);
    const { signal } = await firstCall();
    begin();
    await expect(run.done).rejects.toMatchObject(unavailable);
    expect(signal.aborted).toBe(false);
    await core.drain(0);
    expect(signal.aborted).toBe(true);
    expect(await report(run.id)).toMatchObject({ status: "running", calls: [{ status: "running" }] });
  });
});

describe("calls outside a program whose record cannot be kept", () => {
  const request = {
    principal: "local",
    kind: "call",
    policy: { layers: [everything] },
    limits: defaultLimits,
    consent: "granted",
  } as const;

  it("are told so at once, and their record has what became of them", async () => {
    const { core, made, firstCall, begin, end, report } = await inOutage();
    const run = await core.runner.openCalls(request);
    const called = run.call(run.nextCallId(), "local/act", "{}");
    const { answer, signal } = await firstCall();
    begin();
    run.journal.append({ type: "log", level: "info", text: "what cannot be kept" });
    await expect(called).rejects.toMatchObject(unavailable);
    expect(signal.aborted).toBe(false);
    await end();
    answer("done");
    const ended = await until("it has ended", async () => {
      const now = await report(run.id);
      return now.status === "running" ? undefined : now;
    });
    expect(ended).toMatchObject({ status: "cancelled", calls: [{ tool: "local/act", status: "ok" }] });
    expect(made).toHaveLength(1);
  });
});
