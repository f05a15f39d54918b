/** Text of others as it leaves: without our secrets, without what a terminal obeys, and no longer than is of use. */
import { describe, expect, test } from "vitest";
import { createRedact, foreignJson, foreignText } from "../src/foreign-text.ts";

const key = "sk-live-51HxQ9";
const redact = createRedact([key, "short", `${key}-and-more`]);

describe("a secret", () => {
  test.each([
    ["alone", key, "[redacted]"],
    ["inside a word", `invalid_${key}_key`, "invalid_[redacted]_key"],
    ["several times, and a longer one", `${key} ${key}-and-more`, "[redacted] [redacted]"],
    ["after an escape of JSON", `"line\\n${key}"`, '"line\\n[redacted]"'],
    ["in part is no secret", key.slice(0, -1), key.slice(0, -1)],
    ["of fewer than 12 characters is ordinary text", "a shorter word", "a shorter word"],
  ])("%s", (_, text, expected) => {
    expect(foreignText(text, redact, 200)).toBe(expected);
  });

  test("is taken out before the text is cut", () => {
    expect(foreignText(`${"x".repeat(15)}${key}`, redact, 20)).toBe(`${"x".repeat(15)}[red…`);
  });

  test("that only looks like one is taken out where keys are refused", () => {
    const keyLike = createRedact([], { keyLike: true });
    expect(keyLike("Incorrect key sk-abc1****wxyz, header Bearer abc.def")).toBe(
      "Incorrect key [redacted], header Bearer [redacted]",
    );
    expect(keyLike("install sk-learn-contrib; a Bearer token is missing")).toBe(
      "install sk-learn-contrib; a Bearer token is missing",
    );
  });
});

test("controls and what turns the direction of text are left out; lines stay lines", () => {
  expect(foreignText("\u001b[31mred\u001b[0m\r\nnext\t\u202etxt.exe\u0007", redact, 100)).toBe(
    "[31mred[0m\nnext\ttxt.exe",
  );
});

test("a cut never leaves half a character", () => {
  expect(foreignText("ab😀cd", redact, 4).isWellFormed()).toBe(true);
});

describe("a JSON value", () => {
  test("is cleaned in its names and in every string, at any depth", () => {
    const value = { [key]: [{ deep: `see ${key}` }], n: 1, none: null };
    expect(foreignJson(value, redact, 1_000)).toEqual({
      "[redacted]": [{ deep: "see [redacted]" }],
      n: 1,
      none: null,
    });
  });

  test("that is too long is shown as the beginning of its text", () => {
    expect(foreignJson({ text: "x".repeat(100) }, redact, 20)).toBe(`{"text":"xxxxxxxxxx…`);
  });

  test("that is nested too deeply is told as that", () => {
    let value: unknown = 1;
    for (let depth = 0; depth < 50_000; depth += 1) value = [value];
    expect(foreignJson(value, redact, 20)).toBe("a value that is nested too deeply to be shown");
  });
});
