import { describe, expect, test } from "vitest";
import { parseJournalEvent, parseRunRow } from "../../src/store/rows.ts";
import { everyEvent, runRecord } from "./records.ts";

const ended = everyEvent.find(({ type }) => type === "ended");
const noPayload = (): undefined => undefined;

describe("a stored event", () => {
  test.for(everyEvent)("of type $type is read as it was written", (event) => {
    expect(parseJournalEvent(JSON.stringify({ v: 2, ...event }), noPayload)).toEqual(event);
  });

  test.for([
    ["of a newer version", '{"v":3,"seq":1,"at":1,"type":"waiting"}', /version 3; this version reads 1 to 2/],
    ["without a version", '{"seq":1,"at":1,"type":"waiting"}', /version none/],
    ["that is cut off", '{"v":1,"seq":1,"at"', /version none/],
    ["of an unknown type", '{"v":1,"seq":1,"at":1,"type":"dreamt"}', /damaged/],
    [
      "whose large text is gone",
      '{"v":2,"seq":1,"at":1,"type":"answered","id":"a","content":{"sha256":"ab","bytes":20000}}',
      /damaged/,
    ],
    ["with a field missing", '{"v":1,"seq":1,"at":1,"type":"log","level":"log"}', /damaged/],
    [
      "with an unknown error code",
      JSON.stringify({ v: 1, seq: 1, at: 1, ...ended, error: { code: "no", message: "", effects: "none" } }),
      /damaged/,
    ],
  ] as const)("%s is refused", ([, text, reason]) => {
    expect(() => parseJournalEvent(text, noPayload)).toThrow(reason);
  });
});

test("events of version 1 are read, with the texts that they hold themselves", () => {
  const event = { seq: 1, at: 1, type: "requested", n: 0, call: "call_a", tool: "files/read" } as const;
  const whole = { ...event, args: "x".repeat(100_000), argsBytes: 100_000 };
  expect(parseJournalEvent(JSON.stringify({ v: 1, ...whole }), noPayload)).toEqual(whole);
});

describe("a stored run", () => {
  test("with a status that does not exist is refused", () => {
    expect(() => parseRunRow({ ...runRecord(), status: "asleep" })).toThrow(/damaged/);
  });
});
