import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JournalEventBody } from "../../../src/journal.ts";
import { readState } from "../../../src/runs/record/run-state.ts";
import { parseSummary, storedSummary, summarize } from "../../../src/runs/summary/run-summary.ts";
import { anyJournal, CREATED_AT, journalOf, usage } from "../valid-journals.ts";

describe("the summary of a run", () => {
  test("comes back from its text as it was, whatever the journal", () =>
    fc.assert(
      fc.property(anyJournal, (events) => {
        const state = readState(events);
        expect(parseSummary(storedSummary(state, CREATED_AT).text)).toEqual(summarize(state, CREATED_AT));
      }),
    ));

  test("says how it ended, what it asked for and what models counted", () => {
    const requested: JournalEventBody = {
      ...{ type: "requested", n: 1, call: "call_1", tool: "a/b", args: "{}", argsBytes: 2 },
    };
    const turn: JournalEventBody = {
      ...{ type: "turn", message: "{}", calls: [], finish: "{}" },
      usage: '{"prompt_tokens":30,"completion_tokens":4,"total_tokens":34}',
    };
    const error = { code: "cancelled", message: "no", effects: "none" } as const;
    const events = journalOf([
      { type: "opened", programHash: null, catalogVersion: "c" },
      turn,
      requested,
      { ...requested, call: "call_2", inText: true },
      turn,
      { type: "ended", status: "cancelled", result: null, error, usage },
    ]);
    expect(summarize(readState(events), CREATED_AT)).toEqual({
      status: "cancelled",
      error: { code: "cancelled", effects: "none" },
      calls: 1,
      turns: 2,
      tokens: { prompt: 60, completion: 8 },
      usage,
      asked: [],
      waitsSince: null,
      endedAt: events.at(-1)?.at,
    });
  });

  test("leaves arguments of more than 16 kB to the journal, and still counts the calls that wait", () => {
    const args = JSON.stringify("x".repeat(16_384));
    const head = { n: 1, call: "call_1" };
    const state = readState(
      journalOf([
        { type: "opened", programHash: "p", catalogVersion: "c" },
        { ...head, type: "requested", tool: "a/b", args, argsBytes: args.length },
        { ...head, type: "decided", decision: "ask", by: "policy", reason: "why", args },
      ]),
    );
    expect(summarize(state, CREATED_AT).asked).toBeNull();
    expect(storedSummary(state, CREATED_AT)).toMatchObject({
      asked: 1,
      text: expect.not.stringContaining("xxx"),
    });
  });

  test.each(["", "null", "{}", '{"status":"completed"}', "[1]"])("is not %j", (text) => {
    expect(parseSummary(text)).toBeUndefined();
  });
});
