/** Lists from summaries: what they show is what the journals say, also where a summary is missing or damaged. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Core } from "../../../src/core.ts";
import type { Report } from "../../../src/runs/record/report-shape.ts";
import { readState } from "../../../src/runs/record/run-state.ts";
import { storedSummary } from "../../../src/runs/summary/run-summary.ts";
import { echoTool, openCore, programRequest } from "../../helpers/core.ts";

const me = { principal: "local", admin: false };
const read = echoTool("read", { readOnly: true });
const ask = echoTool("ask", { needsApproval: true });

let folder: string;
let core: Core;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "run-list-"));
  core = await openCore([read.tool, ask.tool], join(folder, "runs.db"));
});
afterEach(async () => {
  await core[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

async function run(code: string): Promise<Report> {
  return (await core.runner.start(programRequest(code))).done;
}

async function someRuns(): Promise<readonly Report[]> {
  const waiting = await run("await read({ value: 1 }); return await ask({ value: 'a' })");
  return [
    await run("return await read({ value: 1 })"),
    await run("await read({ value: 2 }); throw new Error('no')"),
    await run("return nonsense("),
    waiting,
  ];
}

/** What is kept must be what its journal makes of it: there is no second truth. */
async function expectDerived(): Promise<void> {
  const { runs } = await core.store.listSummaries({ limit: 200 });
  for (const { id, createdAt, summary } of runs)
    expect(summary).toBe(storedSummary(readState(await core.store.readJournal(id)), createdAt).text);
}

/** Changes what is kept behind the store's back. */
function meddle(sql: string): void {
  const db = new DatabaseSync(join(folder, "runs.db"), { timeout: 5_000 });
  db.exec(sql);
  db.close();
}

describe("a list of runs", () => {
  it("shows of every run what its report says", async () => {
    const reports = await someRuns();
    const { data } = await core.runner.reader.runs(me, { limit: 10 });
    for (const report of reports) {
      const { tokens: _, ...usage } = report.usage;
      expect(data.find(({ id }) => id === report.id)).toMatchObject({
        object: "run",
        kind: "program",
        status: report.status,
        error: report.error && { code: report.error.code, effects: report.error.effects },
        calls: report.calls.length,
        turns: 0,
        tokens: null,
        usage,
        pending: report.pending,
        createdAt: report.createdAt,
      });
    }
    expect(data.length).toBe(reports.length);
    await expectDerived();
  });

  it("comes by pages, by kind and by status, and shows nobody the runs of others", async () => {
    const [done] = await someRuns();
    const { reader } = core.runner;
    const first = await reader.runs(me, { limit: 3 });
    const second = await reader.runs(me, { limit: 3, cursor: first.next_cursor ?? "" });
    expect([first.data.length, second.data.length, second.next_cursor]).toEqual([3, 1, null]);
    expect((await reader.runs(me, { limit: 9, status: "completed" })).data.map(({ id }) => id)).toEqual([
      done?.id,
    ]);
    expect((await reader.runs(me, { limit: 9, kinds: ["chat"] })).data).toEqual([]);
    const other = { principal: "other", admin: false };
    expect((await reader.runs(other, { limit: 9 })).data).toEqual([]);
    expect((await reader.runs({ ...other, admin: true }, { limit: 9 })).data.length).toBe(4);
  });

  it("follows a decision: what is kept is changed with the events that change it", async () => {
    const waiting = await run("return await ask({ value: 'a' })");
    const [approval] = await core.runner.reader.approvals(me);
    expect(approval).toMatchObject({ run: waiting.id, tool: "local/ask", arguments: { value: "a" } });
    await expectDerived();
    const decision = { type: "approve", by: "me" } as const;
    const decided = await core.runner.decide({
      run: waiting.id,
      call: approval?.call ?? "",
      decision,
      viewer: me,
    });
    await decided?.done;
    expect(await core.runner.reader.approvals(me)).toEqual([]);
    const { data } = await core.runner.reader.runs(me, { limit: 1 });
    expect(data).toMatchObject([{ status: "completed", pending: [], waitsSince: null, calls: 1 }]);
    await expectDerived();
  });

  it("shows a call with large arguments whole", async () => {
    await run("return await ask({ value: 'x'.repeat(20000) })");
    const [listed] = (await core.runner.reader.runs(me, { limit: 1 })).data;
    const [approval] = await core.runner.reader.approvals(me);
    for (const call of [listed?.pending[0], approval])
      expect(call?.arguments).toEqual({ value: "x".repeat(20_000) });
  });

  it.each([
    ["is missing, as of a run of an earlier version", "delete from summaries"],
    ["is of an earlier event", "update summaries set seq = seq - 1"],
    ["is no summary", "update summaries set text = '{}'"],
    [
      "tells of another status",
      `update summaries set text = replace(replace(text, '"status":"completed"', '"status":"failed"'),
         '"status":"waiting"', '"status":"queued"')`,
    ],
  ])("reads the journal where a summary %s, and keeps what it says", async (_, sql) => {
    await someRuns();
    const { reader } = core.runner;
    const [listed, approvals] = [await reader.runs(me, { limit: 10 }), await reader.approvals(me)];
    meddle(sql);
    expect(await reader.approvals(me)).toEqual(approvals);
    expect(await reader.runs(me, { limit: 10 })).toEqual(listed);
    await expectDerived();
  });
});
