import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Core } from "../../../src/core.ts";
import type { JournalEvent } from "../../../src/journal.ts";
import { replayRun } from "../../../src/runs/read/replay.ts";
import type { Report } from "../../../src/runs/record/report-shape.ts";
import { echoTool, openCore, programRequest } from "../../helpers/core.ts";

const me = { principal: "local", admin: false };
const read = echoTool("read", { readOnly: true });
const write = echoTool("write");
const ask = echoTool("ask", { needsApproval: true });

let core: Core;
beforeAll(async () => {
  core = await openCore([read.tool, write.tool, ask.tool]);
});
afterAll(() => core[Symbol.asyncDispose]());

async function run(code: string, more: Parameters<typeof programRequest>[1] = {}): Promise<Report> {
  const report = await (await core.runner.start(programRequest(code, more))).done;
  await core.store.getRun(report.id);
  return report;
}

/** 500 lines more than a report has. */
const printsALot = "for (let i = 1_000; i < 2_500; i++) console.log(i)";

const calls = (): number => read.seen.length + write.seen.length + ask.seen.length;

describe("a run executed again, offline", () => {
  it.each([
    [
      "that returned",
      "const a = await write({ value: Math.random() }); await sleep(5); return [a, Date.now(), await read({})]",
    ],
    ["that threw", "await read({}); throw new RangeError('too far')"],
    [
      "that threw what several calls failed with",
      "await Promise.any([read({ value: 1 }).then(() => { throw new Error('a') }), Promise.reject('b')])",
    ],
    ["that printed a lot", `${printsALot}; await read({}); ${printsALot}; return 1`],
    ["that printed a lot and waits for ever", `${printsALot}; await read({}); await new Promise(() => {})`],
    ["that waits for ever", "await read({}); await new Promise(() => {})"],
    ["that was refused a call", "return await tools['abs' + 'ent'].tool({}).catch((error) => error.message)"],
    ["without a call", "console.log('only this'); return 7"],
  ])("%s gives the same, and calls nothing", async (_, code) => {
    const report = await run(code);
    const before = calls();
    expect(await replayRun(core, report.id)).toEqual({ report, matches: true, difference: null });
    expect(calls()).toBe(before);
  });

  it("that printed a lot before it waited, or was stopped, is repeated with all of it", async () => {
    const waiting = await run(`${printsALot}; return await ask({})`);
    const shown = waiting.logs.map(({ text }) => text);
    expect(shown[500]).toBe("[output cut here: 500 lines, 2,000 characters left out]");
    expect(shown).toHaveLength(1_001);
    expect(await replayRun(core, waiting.id)).toMatchObject({
      matches: true,
      report: { logs: waiting.logs },
    });

    const cancelled = await core.runner.cancel(waiting.id, me);
    expect(cancelled?.status).toBe("cancelled");
    expect(cancelled?.logs.map(({ text }) => text)).toEqual(shown);
    await core.store.getRun(waiting.id);
    expect(await replayRun(core, waiting.id)).toMatchObject({ matches: true });

    const stopped = await run(`${printsALot}; await sleep(60_000)`, { limits: { wallMs: 300 } });
    expect(stopped).toMatchObject({ error: { code: "wall_timeout" } });
    expect(stopped.logs.map(({ text }) => text)).toEqual(shown);
    expect(await replayRun(core, stopped.id)).toMatchObject({ matches: true });
  });

  it("that waits for a person is repeated as far as it came", async () => {
    const report = await run("await write({}); return await ask({})");
    const before = calls();
    expect(await replayRun(core, report.id)).toMatchObject({ matches: true, report: { status: "waiting" } });
    expect(calls()).toBe(before);
  });

  it("that a limit stopped is repeated to where it was stopped, however long it would have slept", async () => {
    const report = await run("await read({}); await sleep(60_000)", { limits: { wallMs: 50 } });
    expect(report.error?.code).toBe("wall_timeout");
    expect(await replayRun(core, report.id)).toMatchObject({ matches: true });
  });

  it("shows where it differs from what was recorded", async () => {
    const report = await run("return await read({ value: 'recorded' })");
    const forged = {
      getRun: (id: string) => core.store.getRun(id),
      getSnapshot: (hash: string) => core.store.getSnapshot(hash),
      readJournal: async (id: string): Promise<readonly JournalEvent[]> =>
        (await core.store.readJournal(id)).map((event) =>
          event.type === "requested" ? { ...event, args: '{"value":"forged"}' } : event,
        ),
    };
    const replayed = await replayRun({ pool: core.pool, store: forged }, report.id);
    expect(replayed.matches).toBe(false);
    expect(replayed.difference).toContain('with {"value":"recorded"}');
    expect(replayed.difference).toContain('with {"value":"forged"}');
  });

  it("is refused for what has no program, or is not there", async () => {
    await expect(replayRun(core, "run_x")).rejects.toMatchObject({ code: "not_found" });
    const refused = await run("this is not a program");
    await expect(replayRun(core, refused.id)).rejects.toMatchObject({ code: "invalid_request" });
  });

  it("is the report as it stood at any earlier event, too", async () => {
    const report = await run("console.log('a'); await write({}); return 1");
    const events = await core.store.readJournal(report.id);
    const seqOf = (type: JournalEvent["type"]): number =>
      events.find((event) => event.type === type)?.seq ?? 0;
    const started = await core.runner.reader.report(report.id, me, seqOf("started"));
    expect(started).toMatchObject({
      status: "running",
      logs: [{ text: "a" }],
      calls: [{ status: "running" }],
    });
    const last = await core.runner.reader.report(report.id, me, events.length);
    expect(last).toEqual(report);
  });
});
