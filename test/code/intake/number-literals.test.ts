/** A whole number that a double cannot hold would silently be another one. */
import { describe, expect, it } from "vitest";
import { said, useChecked } from "../helpers/checked.ts";

const check = useChecked();

describe("a whole number that a number cannot hold is a type_error, and the way out is a string", () => {
  it.each<[what: string, code: string, at: string, said: RegExp]>([
    [
      "an id",
      "return 9007199254740993",
      "1:8",
      /9007199254740993 is too large.*become 9007199254740992.*"9007199254740993".*9007199254740993n/,
    ],
    ["a negative one", "return -9007199254740993", "1:9", /"9007199254740993"/],
    [
      "an argument of a tool",
      'return await github.get_issue({ owner: "a", repo: "b", number: 12345678901234567890 })',
      "1:64",
      /"12345678901234567890"/,
    ],
    [
      "with separators",
      "return 9_007_199_254_740_993",
      "1:8",
      /9_007_199_254_740_993 is too large.*"9007199254740993"/,
    ],
    ["hexadecimal", "return 0x20000000000001", "1:8", /"9007199254740993"/],
    ["octal", "return 0o400000000000000001", "1:8", /"9007199254740993"/],
    ["binary", `return 0b1${"0".repeat(52)}1`, "1:8", /"9007199254740993"/],
    ["before a decimal point", "return 9007199254740993.0", "1:8", /9007199254740993n/],
    ["a key", 'return { 9007199254740993: "a" }', "1:10", /"9007199254740993"/],
    ["a key that is read", "return input[9007199254740993]", "1:14", /"9007199254740993"/],
    ["an element", "const ids = [1, 9007199254740993];\nreturn ids", "1:17", /"9007199254740993"/],
    ["what a BigInt is made of", "return String(BigInt(9007199254740993))", "1:22", /9007199254740993n/],
    ["a default", "const f = (id = 9007199254740993) => id;\nreturn f()", "1:17", /"9007199254740993"/],
    ["in TypeScript", "const id: number = 9007199254740993;\nreturn id", "1:20", /"9007199254740993"/],
    ["inside a template", "return `id ${9007199254740993}`", "1:14", /"9007199254740993"/],
    ["one beyond every number", `return ${"9".repeat(400)}`, "1:8", /become Infinity/],
    ["one in a code block", "```js\nreturn 9007199254740993\n```", "2:8", /"9007199254740993"/],
  ])("%s", async (_what, code, at, message) => {
    const outcome = await check(code);
    expect(outcome).toMatchObject({ ok: false, code: "type_error" });
    if (outcome.ok) return;
    expect(`${outcome.line}:${outcome.column}`).toBe(at);
    expect(outcome.message).toMatch(message);
    expect(outcome.message.length).toBeLessThan(300);
  });

  it.each<[what: string, code: string]>([
    ["the largest that are safe", "return [9007199254740991, -9007199254740991, Number.MAX_SAFE_INTEGER]"],
    [
      "those that a number holds all the same",
      "return [9007199254740992, 0x8000000000000000, 1_000_000_000_000_000_000]",
    ],
    ["one that is written with the same digits again", "return 123456789012345680000"],
    ["with an exponent", "return [1e21, 1.5e300, 9007199254740993e0]"],
    ["a BigInt", "return String(9007199254740993n + 0xFFFFFFFFFFFFFFFFFn)"],
    ["a fraction", "return [0.1234567890123456789, 1234567890.12345678901234567890]"],
    ["text", "return ['9007199254740993', `9007199254740993`, /9007199254740993/.source]"],
    ["a key that is text", "return { '9007199254740993': 1 }"],
    ["a comment", "return 1 // 9007199254740993"],
    ["JSON inside of text", "return '{\"id\":9007199254740993}'.length"],
  ])("%s is none of this", async (_what, code) => {
    const outcome = await check(code);
    expect(outcome.ok, said(outcome).join("\n")).toBe(true);
  });

  it("it is a warning when the request says so", async () => {
    const outcome = await check("return 9007199254740993", "warn");
    expect(outcome.ok).toBe(true);
    expect(said(outcome)).toEqual([
      expect.stringMatching(/^warning - at 1:8: 9007199254740993 is too large/),
    ]);
  });

  it("many warnings before it do not hide it", async () => {
    const many = Array.from({ length: 30 }, () => "github.list_repos({});").join("\n");
    expect(await check(`${many}\nreturn 9007199254740993`)).toMatchObject({ ok: false, code: "type_error" });
  });
});
