import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JournalEvent, JournalEventBody } from "../../../src/journal.ts";
import { askedAt, createRunState, type RunState, readState } from "../../../src/runs/record/run-state.ts";
import { anyJournal, CREATED_AT, journalOf, usage } from "../valid-journals.ts";
import * as long from "./long-readings.ts";

const opened: JournalEventBody = { type: "opened", programHash: "p", catalogVersion: "c" };

describe("the state of a run", () => {
  test("says after every event what a scan over all events so far says", () =>
    fc.assert(
      fc.property(anyJournal, (events) => {
        const state = createRunState();
        for (const [index, event] of events.entries()) {
          state.apply(event);
          expectSame(state, events.slice(0, index + 1));
        }
      }),
    ));

  test("of no events is that of a run that waits for its place", () => {
    const state = createRunState();
    expectSame(state, []);
    expect([state.status, state.calls, state.turns]).toEqual(["queued", [], []]);
  });

  test("after an end and a reopening goes on, and still knows when it had ended", () => {
    const end: JournalEventBody = { type: "ended", status: "cancelled", result: null, error: null, usage };
    const events = journalOf([opened, end, { type: "reopened" }]);
    const state = readState(events);
    expect([state.status, state.end, state.lastEndedAt]).toEqual(["running", undefined, events[1]?.at]);
  });

  test("keeps what answered a turn with that turn, by the model's own ids", () => {
    const turn = (message: string): JournalEventBody => {
      return { type: "turn", message, calls: [{ id: "a" }], usage: null, finish: "{}" };
    };
    const answered = (content: string): JournalEventBody => ({ type: "answered", id: "a", content });
    const { turns } = readState(journalOf([opened, turn("1"), answered("x"), turn("2"), answered("y")]));
    expect(turns.map(({ event, answers }) => [event.message, answers.get("a")?.content])).toEqual([
      ["1", "x"],
      ["2", "y"],
    ]);
  });

  test("`askedVersion` goes up exactly when another set of calls waits for people", () =>
    fc.assert(
      fc.property(anyJournal, (events) => {
        const state = createRunState();
        let [version, asked] = [0, "[]"];
        for (const event of events) {
          state.apply(event);
          if (state.end !== undefined) return;
          const now = JSON.stringify(state.asked.map((call) => [call.id, askedAt(call)]));
          expect(state.askedVersion !== version).toBe(now !== asked);
          [version, asked] = [state.askedVersion, now];
        }
      }),
    ));
});

/** Every question that the state answers, asked of the events themselves. */
function expectSame(state: RunState, events: readonly JournalEvent[]): void {
  const ids = new Set(events.flatMap((event) => ("call" in event ? [event.call] : [])));
  for (const id of ids) {
    const call = state.call(id);
    expect(call?.open).toEqual(long.openCallOf(events, id));
    expect(call?.doubts).toEqual(long.doubtsOf(events, id).map((index) => index + 1));
    expect(call?.decisions.at(-1)?.layers ?? []).toEqual(long.layersOfDecision(events, id));
  }
  const requested = events.filter((event) => event.type === "requested");
  expect(state.calls.map((call) => call.requested)).toEqual(requested);
  expect(state.unfinished.map((call) => call.requested)).toEqual(long.unfinishedCalls(events));
  const asked = new Map(state.asked.map((call) => [call.id, askedAt(call)]));
  expect(asked).toEqual(new Map(long.askedCalls(events).map(({ call, at }) => [call, at])));
  expect({
    layers: state.layers,
    waitsSince: state.waitsSince,
    hasEffects: state.hasEffects,
    isAnswering: state.isAnswering,
    restedBeforeItEnded: state.restedBeforeItEnded,
    lastCallNumber: state.lastCallNumber,
    lastLogs: state.lastLogs,
    usage: state.usage(CREATED_AT),
    used: state.used,
  }).toEqual({
    layers: long.layersOf(events),
    waitsSince: long.waitsSince(events),
    hasEffects: long.hasEffects(events),
    isAnswering: long.wasAnswering(events),
    restedBeforeItEnded: long.restedBeforeItEnded(events),
    lastCallNumber: long.lastCallNumber(events),
    lastLogs: long.lastLogsOf(events),
    usage: long.deriveUsage({ createdAt: CREATED_AT }, events),
    used: { wallMs: long.wallMsSoFar(events), cpuMs: long.cpuMsSoFar(events) },
  });
  expect(state.logs).toEqual(events.filter(({ type }) => type === "log"));
  expect(state.settlements).toEqual(events.filter(({ type }) => type === "settled"));
  expect(state.last).toBe(events.at(-1));
}
