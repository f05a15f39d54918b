import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultLimits } from "../../../sandbox/index.ts";
import type { JournalEvent, JournalEventBody } from "../../../src/journal.ts";
import { createStreamMapper, type StreamEvent } from "../../../src/runs/record/events.ts";
import { deriveReport } from "../../../src/runs/record/report.ts";
import { readState } from "../../../src/runs/record/run-state.ts";
import { CREATED_AT, journalOf, usage, validJournal } from "../valid-journals.ts";

const run = { id: "run_a", createdAt: CREATED_AT };

function streamOf(events: readonly JournalEvent[]): readonly StreamEvent[] {
  return events.map(createStreamMapper(run)).filter((event) => event !== undefined);
}

const call = "call_0";
const tool = "files/drop";

/** A call that a person approves, from the start of the run to its end. */
const approvedRun: readonly JournalEventBody[] = [
  { type: "opened", programHash: "p", catalogVersion: "c" },
  { type: "log", level: "warn", text: "careful" },
  { type: "requested", n: 0, call, tool, args: '{"p":1}', argsBytes: 7 },
  {
    type: "decided",
    n: 0,
    call,
    decision: "ask",
    by: "policy",
    reason: "not in autoExecute",
    args: '{"p":1,"d":2}',
  },
  { type: "waiting" },
  { type: "decided", n: 0, call, decision: "approved", by: "ann" },
  { type: "started", n: 0, call, tool, argsHash: "h", readOnly: false },
  { type: "settled", n: 0, call, outcome: { ok: true, value: '"gone"' }, resultBytes: 6, reused: false },
  { type: "timer", n: 1, delayMs: 5 },
  { type: "ended", status: "completed", result: '{"a":1}', error: null, usage },
];

describe("the event stream of a run", () => {
  test("tells the whole story of a call that a person approved", () => {
    const head = { run: "run_a" };
    expect(streamOf(journalOf(approvedRun)).map(({ data }) => data)).toEqual([
      { type: "run.started", ...head, seq: 1, atMs: 5, programHash: "p", catalogVersion: "c" },
      { type: "log", ...head, seq: 2, atMs: 15, level: "warn", text: "careful" },
      {
        type: "approval.required",
        ...head,
        seq: 4,
        atMs: 35,
        call,
        tool,
        arguments: { p: 1, d: 2 },
        reason: "not in autoExecute",
      },
      {
        type: "approval.resolved",
        ...head,
        seq: 6,
        atMs: 55,
        call,
        tool,
        decision: "approved",
        by: "ann",
        reason: null,
      },
      {
        type: "call.started",
        ...head,
        seq: 7,
        atMs: 65,
        call,
        tool,
        arguments: { p: 1, d: 2 },
        readOnly: false,
      },
      {
        type: "call.finished",
        ...head,
        seq: 8,
        atMs: 75,
        call,
        tool,
        status: "ok",
        decision: "approved",
        durationMs: 10,
        reused: false,
        argsBytes: 7,
        resultBytes: 6,
        error: null,
      },
      {
        type: "run.finished",
        ...head,
        seq: 10,
        atMs: 95,
        status: "completed",
        result: { a: 1 },
        error: null,
        usage,
      },
    ]);
  });

  test("does not show what policy decided by itself as an approval", () => {
    const head = { n: 0, call } as const;
    const outcome = { ok: false, failure: { kind: "denied", message: "no rule allows it" } } as const;
    const events = streamOf(
      journalOf([
        { type: "opened", programHash: "p", catalogVersion: "c" },
        { type: "requested", ...head, tool, args: "{}", argsBytes: 2 },
        { type: "decided", ...head, decision: "denied", by: "policy" },
        { type: "settled", ...head, outcome, resultBytes: 0, reused: false },
      ]),
    );
    expect(events.map(({ event }) => event)).toEqual(["run.started", "call.finished"]);
    expect(events[1]?.data).toMatchObject({ tool, status: "denied", error: outcome.failure });
  });

  test("resumed after any event, goes on with exactly what is missing", () =>
    fc.assert(
      fc.property(validJournal, fc.nat(), (events, pick) => {
        const whole = streamOf(events);
        const lastEventId = whole[pick % whole.length]?.id ?? 0;
        const resumed = streamOf(events).filter(({ id }) => id > lastEventId);
        expect([...whole.filter(({ id }) => id <= lastEventId), ...resumed]).toEqual(whole);
      }),
    ));

  test("has ids that only grow, one start, one end, and the same name in the event and its data", () =>
    fc.assert(
      fc.property(validJournal, (events) => {
        const stream = streamOf(events);
        const ids = stream.map(({ id }) => id);
        expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b));
        expect(stream.map(({ event }) => event === "run.started")).toEqual(stream.map((_, i) => i === 0));
        expect(stream.map(({ event }) => event === "run.finished")).toEqual(
          stream.map((_, i) => i === stream.length - 1),
        );
        for (const { id, event, data } of stream) expect([data.seq, data.type]).toEqual([id, event]);
      }),
    ));

  test("says of every finished call what the report says of it", () =>
    fc.assert(
      fc.property(validJournal, (events) => {
        const report = deriveReport({ ...run, limits: defaultLimits, diagnostics: [] }, readState(events));
        for (const { event, data } of streamOf(events)) {
          if (event !== "call.finished") continue;
          const reported = report.calls.find(({ id }) => id === data["call"]);
          const { status, decision, durationMs, argsBytes, resultBytes, error } = reported ?? {};
          expect(data).toMatchObject({ status, decision, durationMs, argsBytes, resultBytes, error });
        }
      }),
    ));
});
