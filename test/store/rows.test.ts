import { describe, expect, test } from "vitest";
import { parseJournalEvent, parseRunRow } from "../../src/store/rows.ts";
import { everyEvent, runRecord } from "./records.ts";

const ended = everyEvent.at(-1);

describe("a stored event", () => {
  test.for(everyEvent)("of type $type is read as it was written", (event) => {
    expect(parseJournalEvent(JSON.stringify({ v: 1, ...event }))).toEqual(event);
  });

  test.for([
    ["of a newer version", '{"v":3,"seq":1,"at":1,"type":"waiting"}', /version 3; this version reads 1 to 2/],
    ["without a version", '{"seq":1,"at":1,"type":"waiting"}', /version none/],
    ["that is cut off", '{"v":1,"seq":1,"at"', /version none/],
    ["of an unknown type", '{"v":1,"seq":1,"at":1,"type":"dreamt"}', /damaged/],
    ["with a field missing", '{"v":1,"seq":1,"at":1,"type":"log","level":"log"}', /damaged/],
    [
      "with an unknown error code",
      JSON.stringify({ v: 1, seq: 1, at: 1, ...ended, error: { code: "no", message: "", effects: "none" } }),
      /damaged/,
    ],
  ] as const)("%s is refused", ([, text, reason]) => {
    expect(() => parseJournalEvent(text)).toThrow(reason);
  });
});

describe("a stored run", () => {
  test("with a status that does not exist is refused", () => {
    expect(() => parseRunRow({ ...runRecord(), status: "asleep" })).toThrow(/damaged/);
  });
});
