import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultLimits } from "../../../sandbox/index.ts";
import type { JournalEvent, JournalEventBody } from "../../../src/journal.ts";
import { deriveReport, type RunStatus } from "../../../src/runs/record/report.ts";
import type { Report, ReportHead } from "../../../src/runs/record/report-shape.ts";
import { readState } from "../../../src/runs/record/run-state.ts";
import { CREATED_AT, journalOf, usage, validJournal } from "../valid-journals.ts";

const head: ReportHead = {
  id: "run_a",
  createdAt: CREATED_AT,
  limits: defaultLimits,
  diagnostics: [{ severity: "note", code: null, message: "fences were removed", line: 1, column: 1 }],
};

function reportAfter(events: readonly JournalEvent[]): Report {
  return deriveReport(head, readState(events));
}

function reportOf(...bodies: readonly JournalEventBody[]): Report {
  return reportAfter(journalOf(bodies));
}

const opened: JournalEventBody = { type: "opened", programHash: "p", catalogVersion: "c" };
const waiting: JournalEventBody = { type: "waiting" };

function ended(status: "completed" | "failed" | "cancelled", result: string | null = null): JournalEventBody {
  return { type: "ended", status, result, error: null, usage };
}

function requested(n: number): JournalEventBody {
  return { type: "requested", n, call: `call_${n}`, tool: "files/read", args: '{"p":1}', argsBytes: 7 };
}

function decided(
  n: number,
  decision: "auto" | "ask" | "approved" | "denied" | "result",
  fields: { readonly reason?: string; readonly args?: string } = {},
): JournalEventBody {
  return { type: "decided", n, call: `call_${n}`, decision, by: "policy", ...fields };
}

function started(n: number): JournalEventBody {
  return { type: "started", n, call: `call_${n}`, tool: "files/read", argsHash: "h", readOnly: false };
}

function settled(n: number, value: string): JournalEventBody {
  const outcome = { ok: true, value } as const;
  return { type: "settled", n, call: `call_${n}`, outcome, resultBytes: value.length, reused: false };
}

function failed(n: number, kind: "tool" | "denied" | "cancelled" | "unknown_tool"): JournalEventBody {
  const outcome = { ok: false, failure: { kind, message: "no" } } as const;
  return { type: "settled", n, call: `call_${n}`, outcome, resultBytes: 0, reused: false };
}

describe("the report of a run", () => {
  test("that has no events yet is queued and empty", () => {
    expect(reportOf()).toEqual({
      id: "run_a",
      object: "sandbox.run",
      status: "queued",
      result: null,
      error: null,
      diagnostics: head.diagnostics,
      logs: [],
      calls: [],
      pending: [],
      usage: {
        wallMs: 0,
        cpuMs: 0,
        queueMs: 0,
        compileMs: 0,
        toolCalls: 0,
        logBytes: 0,
        peakHeapBytes: 0,
        tokens: { declarations: 0, program: 0, result: 0, directEstimate: 0 },
      },
      limits: defaultLimits,
      createdAt: "2023-11-14T22:13:20.000Z",
    });
  });

  test("that completed holds the returned value and what its end said of its usage", () => {
    expect(reportOf(opened, ended("completed", '{"a":[1]}'))).toMatchObject({
      status: "completed",
      result: { a: [1] },
      error: null,
      usage,
    });
  });

  test("that failed holds the error", () => {
    const error = {
      code: "guest_error",
      message: "Error: no",
      line: 3,
      column: 7,
      effects: "possible",
    } as const;
    const report = reportOf(opened, { type: "ended", status: "failed", result: null, error, usage });
    expect(report).toMatchObject({ status: "failed", result: null, error });
  });

  test("has its logs in order, with times since the run was created", () => {
    const { logs } = reportOf(
      opened,
      { type: "log", level: "log", text: "one" },
      { type: "log", level: "error", text: "two" },
    );
    expect(logs).toEqual([
      { level: "log", text: "one", atMs: 15 },
      { level: "error", text: "two", atMs: 25 },
    ]);
  });

  test("has what a successful call cost and took", () => {
    const { calls } = reportOf(opened, requested(0), decided(0, "auto"), started(0), settled(0, "[1]"));
    expect(calls).toEqual([
      {
        id: "call_0",
        seq: 1,
        tool: "files/read",
        status: "ok",
        decision: "auto",
        reused: false,
        startedMs: 35,
        durationMs: 10,
        argsBytes: 7,
        resultBytes: 3,
        error: null,
      },
    ]);
  });

  test("numbers its calls in the order of their requests, whatever timers and settlements come between", () => {
    const { calls } = reportOf(
      opened,
      requested(0),
      { type: "timer", n: 1, delayMs: 1 },
      requested(2),
      started(2),
      settled(2, "1"),
      requested(3),
    );
    expect(calls.map(({ id, seq }) => [id, seq])).toEqual([
      ["call_0", 1],
      ["call_2", 2],
      ["call_3", 3],
    ]);
  });

  test.for([
    ["runs", [decided(0, "auto"), started(0)], "running", "auto"],
    ["was only requested", [], "running", null],
    ["waits for a person", [decided(0, "ask")], "waiting", null],
    ["was approved and goes on", [decided(0, "ask"), decided(0, "approved")], "running", "approved"],
    [
      "was approved and succeeded",
      [decided(0, "ask"), decided(0, "approved"), started(0), settled(0, "1")],
      "ok",
      "approved",
    ],
    ["was answered by a person", [decided(0, "ask"), decided(0, "result"), settled(0, "1")], "ok", "result"],
    [
      "was denied by a person",
      [decided(0, "ask"), decided(0, "denied"), failed(0, "tool")],
      "denied",
      "denied",
    ],
    ["is outside the allowed set", [failed(0, "denied")], "denied", "denied"],
    ["names no tool", [failed(0, "unknown_tool")], "error", null],
    ["failed", [decided(0, "auto"), started(0), failed(0, "tool")], "error", "auto"],
    ["was cancelled", [decided(0, "auto"), started(0), failed(0, "cancelled")], "cancelled", "auto"],
    ["did not settle before the end", [decided(0, "auto"), started(0), ended("failed")], "cancelled", "auto"],
    ["was never decided before the end", [decided(0, "ask"), ended("failed")], "cancelled", null],
    ["may or may not have happened", [decided(0, "auto"), started(0), decided(0, "ask")], "in_doubt", null],
  ] as const)("says of a call that %s so", ([, bodies, status, decision]) => {
    const [call] = reportOf(opened, requested(0), ...bodies).calls;
    expect(call).toMatchObject({ status, decision });
  });

  test("passes over events of a call that was never requested", () => {
    const report = reportOf(opened, decided(0, "ask"), started(0), settled(0, "1"), waiting);
    expect(report).toMatchObject({ status: "waiting", calls: [], pending: [] });
  });

  test("lists the calls a person has to decide, with the arguments that would be sent and the reason", () => {
    const ask = decided(0, "ask", { reason: "not in autoExecute", args: '{"p":1,"filled":true}' });
    const report = reportOf(opened, requested(0), ask, requested(1), decided(1, "auto"), waiting);
    expect(report.status).toBe("waiting");
    expect(report.pending).toEqual([
      { call: "call_0", tool: "files/read", arguments: { p: 1, filled: true }, reason: "not in autoExecute" },
    ]);
  });

  test.for([
    ["decided", [decided(0, "approved")]],
    ["settled", [failed(0, "cancelled")]],
    ["left behind by the end of its run", [ended("cancelled")]],
  ] as const)("no longer lists a call that was %s", ([, bodies]) => {
    expect(reportOf(opened, requested(0), decided(0, "ask"), waiting, ...bodies).pending).toEqual([]);
  });

  test("is running again once a waiting run goes on", () => {
    const before = [opened, requested(0), decided(0, "ask"), waiting];
    expect(reportOf(...before).status).toBe("waiting");
    expect(reportOf(...before, decided(0, "approved")).status).toBe("running");
  });

  test("tells the usage so far, without the time in the queue or spent waiting for a person", () => {
    const { usage: soFar } = reportOf(
      opened,
      { type: "log", level: "log", text: "ü" },
      requested(0),
      decided(0, "ask"),
      waiting,
      decided(0, "approved"),
      started(0),
    );
    expect(soFar).toMatchObject({ queueMs: 5, wallMs: 50, toolCalls: 1, logBytes: 2 });
  });

  test("does not count the time between decisions that were taken while the run waited", () => {
    const before = [opened, requested(0), decided(0, "ask"), requested(1), decided(1, "ask"), waiting];
    const { wallMs } = reportOf(...before).usage;
    const after = reportOf(...before, decided(0, "approved"), decided(1, "approved")).usage;
    expect(after.wallMs).toBe(wallMs);
  });
});

describe("for every valid journal", () => {
  const rank: { readonly [S in RunStatus]: number } = {
    queued: 0,
    running: 1,
    waiting: 1,
    completed: 2,
    failed: 2,
    cancelled: 2,
  };

  test("a report can be made of any beginning, its status never goes back, and it can be sent as JSON", () =>
    fc.assert(
      fc.property(validJournal, (events) => {
        let before = 0;
        for (let length = 0; length <= events.length; length += 1) {
          const report = reportAfter(events.slice(0, length));
          expect(rank[report.status]).toBeGreaterThanOrEqual(before);
          before = rank[report.status];
          expect(JSON.parse(JSON.stringify(report))).toEqual(report);
        }
        expect(before).toBe(2);
      }),
    ));

  test("a call is pending exactly while it waits or is in doubt, and none is after the end", () =>
    fc.assert(
      fc.property(validJournal, fc.nat(), (events, cut) => {
        const report = reportAfter(events.slice(0, cut % (events.length + 1)));
        const undecided = report.calls.filter(({ status }) => status === "waiting" || status === "in_doubt");
        expect(report.pending.map(({ call }) => call)).toEqual(undecided.map(({ id }) => id));
        if (rank[report.status] === 2) expect(report.pending).toEqual([]);
      }),
    ));

  test("the calls are numbered from 1 and every settled one keeps its status in all later reports", () =>
    fc.assert(
      fc.property(validJournal, (events) => {
        const whole = reportAfter(events);
        expect(whole.calls.map(({ seq }) => seq)).toEqual(whole.calls.map((_, index) => index + 1));
        for (const event of events) {
          if (event.type !== "settled") continue;
          const then = reportAfter(events.slice(0, event.seq)).calls;
          const find = (calls: Report["calls"]) => calls.find(({ id }) => id === event.call);
          expect(find(whole.calls)).toEqual(find(then));
        }
      }),
    ));
});
