import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defaultLimits } from "../../../sandbox/index.ts";
import type { JournalEventBody, RunStatus } from "../../../src/journal.ts";
import { createLog } from "../../../src/log.ts";
import { type AuditRow, readAudit } from "../../../src/runs/read/audit.ts";
import type { AuditFilters } from "../../../src/runs/read/audit-query.ts";
import { deriveReport } from "../../../src/runs/record/report.ts";
import { readState, statusAfter } from "../../../src/runs/record/run-state.ts";
import { openSqliteStore } from "../../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../../src/store/store.ts";
import { runRecord } from "../../store/records.ts";
import { CREATED_AT, journalOf, usage, validJournal } from "../valid-journals.ts";

let store: Store;
beforeAll(async () => {
  store = await openSqliteStore({ path: ":memory:", log: createLog("silent") });
});
afterAll(() => store[Symbol.asyncDispose]());

/** Every row, read in pages of this size. */
async function rowsOf(principal: string, filters: AuditFilters = {}, limit = 200): Promise<AuditRow[]> {
  const rows: AuditRow[] = [];
  let cursor: string | null | undefined;
  do {
    const query = { ...filters, limit, ...(cursor ? { cursor } : {}) };
    const page = await readAudit(store, { principal, admin: false }, query);
    expect(page.data.length).toBeLessThanOrEqual(limit);
    rows.push(...page.data);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return rows;
}

test("the audit says of every call what the report of its run says, with any filter and page size", async () => {
  let principals = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(validJournal, fc.double({ min: 0, max: 1, noNaN: true })), { maxLength: 4 }),
      fc.integer({ min: 1, max: 7 }),
      async (journals, limit) => {
        principals += 1;
        const principal = `p${principals}`;
        const expected: unknown[] = [];
        for (const [journal, share] of journals) {
          const run = runRecord({ principal, createdAt: CREATED_AT });
          const events = journal.slice(0, 1 + Math.round(share * (journal.length - 1)));
          await store.createRun(run);
          await store.append(run.id, 1, events, statusAfter(events.at(-1)));
          const head = { id: run.id, createdAt: CREATED_AT, limits: defaultLimits, diagnostics: [] };
          for (const {
            seq,
            tool,
            status,
            decision,
            reused,
            startedMs,
            argsBytes,
            resultBytes,
            error,
          } of deriveReport(head, readState(events)).calls)
            expected.push({
              ...{ run: run.id, principal, seq, tool, status, decision, reused, argsBytes, resultBytes },
              startedAt: startedMs === null ? null : new Date(CREATED_AT + startedMs).toISOString(),
              error: error && { kind: error.kind, message: error.message },
            });
        }
        const rows = await rowsOf(principal, {}, limit);
        expect(rows).toHaveLength(expected.length);
        expect(rows).toEqual(expect.arrayContaining(expected.map((row) => expect.objectContaining(row))));
        expect(rows.map(({ requestedAt }) => requestedAt)).toEqual(
          rows
            .map(({ requestedAt }) => requestedAt)
            .toSorted()
            .toReversed(),
        );
        for (const decision of ["auto", "approved", "denied", "result"] as const)
          expect(await rowsOf(principal, { decision }, limit)).toEqual(
            rows.filter((row) => row.decision === decision),
          );
        expect(await rowsOf(principal, { tool: "*/tool_1" }, limit)).toEqual(
          rows.filter(({ tool }) => tool === "server/tool_1"),
        );
      },
    ),
    { numRuns: 100 },
  );
});

describe("a row of the audit tells", () => {
  const requested: JournalEventBody = {
    ...call(),
    type: "requested",
    tool: "files/drop",
    args: "{}",
    argsBytes: 2,
  };
  const asked: JournalEventBody = {
    ...call(),
    type: "decided",
    decision: "ask",
    by: "policy",
    reason: "not in autoExecute",
  };
  const started: JournalEventBody = {
    ...call(),
    type: "started",
    tool: "files/drop",
    argsHash: "ef",
    readOnly: false,
  };

  function call(): { readonly n: number; readonly call: string } {
    return { n: 1, call: "call_1" };
  }

  function settled(kind?: "denied" | "tool"): JournalEventBody {
    const outcome = kind
      ? ({ ok: false, failure: { kind, message: "no", data: [1] } } as const)
      : ({ ok: true, value: "1" } as const);
    return { ...call(), type: "settled", outcome, resultBytes: kind ? 0 : 1, reused: false };
  }

  function at(seq: number): string {
    return new Date(CREATED_AT + 5 + 10 * (seq - 1)).toISOString();
  }

  async function rowOf(
    status: RunStatus,
    ...bodies: readonly JournalEventBody[]
  ): Promise<AuditRow | undefined> {
    const run = runRecord({ principal: "eve" });
    await store.createRun(run);
    await store.append(run.id, 1, journalOf(bodies), status);
    const [row, ...others] = await rowsOf("eve", { run: run.id });
    expect(others).toEqual([]);
    for (const decision of ["auto", "approved", "denied", "result"] as const)
      expect(await rowsOf("eve", { run: run.id, decision })).toEqual(row?.decision === decision ? [row] : []);
    return row;
  }

  test("who approved the call, when, with which arguments, and what came of it", async () => {
    const approved: JournalEventBody = {
      ...call(),
      type: "decided",
      decision: "approved",
      by: "ann",
      args: '{"a":1}',
      edited: true,
      reason: "checked",
    };
    const row = await rowOf("completed", requested, asked, approved, started, settled("tool"));
    expect(row).toEqual({
      run: expect.stringMatching(/^run_/),
      principal: "eve",
      call: "call_1",
      seq: 1,
      tool: "files/drop",
      server: "files",
      requestedAt: at(1),
      decision: "approved",
      decidedBy: "ann",
      decidedAt: at(3),
      reason: "checked",
      edited: true,
      startedAt: at(4),
      settledAt: at(5),
      status: "error",
      error: { kind: "tool", message: "no" },
      readOnly: false,
      argsBytes: 2,
      resultBytes: 0,
      argsHash: "ef",
      reused: false,
      inDoubt: false,
    });
  });

  test("why a call waits", async () => {
    expect(await rowOf("waiting", requested, asked)).toMatchObject({
      ...{
        status: "waiting",
        decision: null,
        decidedBy: null,
        decidedAt: null,
        reason: "not in autoExecute",
      },
      ...{ startedAt: null, settledAt: null, argsHash: null, readOnly: null },
    });
  });

  test("that policy refused a call that was outside of the allowed set", async () => {
    expect(await rowOf("completed", requested, settled("denied"))).toMatchObject({
      ...{ status: "denied", decision: "denied", decidedBy: "policy", decidedAt: at(2), reason: "no" },
    });
  });

  test("that nobody knew whether a call had happened, also after it was decided", async () => {
    const auto: JournalEventBody = { ...call(), type: "decided", decision: "auto", by: "policy" };
    const gaveResult: JournalEventBody = {
      ...call(),
      type: "decided",
      decision: "result",
      by: "ann",
      value: "1",
    };
    const doubtful = [requested, auto, started, asked];
    expect(await rowOf("waiting", ...doubtful)).toMatchObject({
      status: "in_doubt",
      inDoubt: true,
      decision: null,
    });
    expect(await rowOf("completed", ...doubtful, gaveResult, settled())).toMatchObject({
      ...{ status: "ok", inDoubt: true, decision: "result", decidedBy: "ann" },
    });
  });

  test("that a call which had not settled when its run ended was cancelled", async () => {
    const end: JournalEventBody = { type: "ended", status: "cancelled", result: null, error: null, usage };
    expect(await rowOf("cancelled", requested, asked, end)).toMatchObject({ status: "cancelled" });
  });
});

test("everybody sees their own calls only, an admin everybody's", async () => {
  for (const principal of ["ann", "bob"]) {
    const run = runRecord({ principal, id: `run_of_${principal}` });
    await store.createRun(run);
    const body = {
      n: 0,
      call: "c",
      type: "requested",
      tool: "private/tool",
      args: "",
      argsBytes: 0,
    } as const;
    await store.append(run.id, 1, journalOf([body]));
  }
  const principalsFor = async (admin: boolean): Promise<readonly string[]> => {
    const page = await readAudit(store, { principal: "ann", admin }, { server: "private", limit: 10 });
    return page.data.map(({ principal }) => principal);
  };
  expect(await principalsFor(false)).toEqual(["ann"]);
  expect(await principalsFor(true)).toEqual(["bob", "ann"]);
});

test("a search that finds nothing among many calls gives up after a while and can be gone on with", async () => {
  const run = runRecord({ principal: "busy" });
  await store.createRun(run);
  let searches = 0;
  const endless: Pick<Store, "findCalls"> = {
    findCalls: async () => {
      searches += 1;
      return { calls: [], nextCursor: `after ${searches}` };
    },
  };
  const page = await readAudit(endless, { principal: "busy", admin: false }, { limit: 1 });
  expect(page).toEqual({ data: [], next_cursor: `after ${searches}` });
  expect(searches).toBeLessThan(1_000);
});
