import { expect, test } from "vitest";
import { parsePayload } from "../../../src/upstream/reading/payload.ts";

test("a large payload keeps the digits of its numbers too", () => {
  const text = `[${"1,".repeat(150_000)}9007199254740993]`;
  expect(JSON.stringify(parsePayload(text, { name: "p", secrets: [] }))).toBe(text);
});
