import { describe, expect, test } from "vitest";
import { foreignJson } from "../../src/foreign-text.ts";
import { createRedact, withoutPaths } from "../../src/mcp/redact.ts";
import { remote, stdio } from "./hubs.ts";

describe("redaction", () => {
  test.each([
    [
      "an environment value",
      stdio("x", [], { env: { KEY: "sk-12345" } }),
      "key sk-12345 is wrong",
      "key [redacted] is wrong",
    ],
    [
      "a bearer token without its scheme",
      remote("http://a", { headers: { Authorization: "Bearer abcd1234" } }),
      "token abcd1234 expired",
      "token [redacted] expired",
    ],
    [
      "the password of basic credentials",
      remote("http://a", { headers: { Authorization: `Basic ${btoa("ann:hunter22")}` } }),
      "no user with hunter22",
      "no user with [redacted]",
    ],
    [
      "a query parameter",
      remote("http://a/mcp?key=q%2Fsecret"),
      "q/secret, q%2Fsecret",
      "[redacted], [redacted]",
    ],
    ["a password in the address", remote("http://ann:pass%21word@a/"), "pass%21word", "[redacted]"],
    [
      "a line of a value that has several",
      stdio("x", [], { env: { PEM: "-----BEGIN\nAAAABBBBCCCCDDDD\n" } }),
      "bad line AAAABBBBCCCCDDDD!",
      "bad line [redacted]!",
    ],
    [
      "the longer of two that overlap",
      stdio("x", [], { env: { A: "abcd", B: "abcdef" } }),
      "abcdef",
      "[redacted]",
    ],
    ["nothing shorter than four characters", stdio("x", [], { env: { DEBUG: "1" } }), "1 error", "1 error"],
  ])("hides %s", (_what, spec, text, expected) => {
    expect(createRedact(spec)(text)).toBe(expected);
  });

  test("reaches every string and name of a JSON value", () => {
    const redact = createRedact(stdio("x", [], { env: { KEY: "s3cret" } }));
    expect(foreignJson({ a: ["s3cret", 1, null], b: { s3cret: "my s3cret" } }, redact, 1_000)).toEqual({
      a: ["[redacted]", 1, null],
      b: { "[redacted]": "my [redacted]" },
    });
  });
});

describe("paths", () => {
  test.each([
    ["open '/home/ann/data/notes.txt'", "open '…/notes.txt'"],
    ["at file:///srv/app/server.js:3:1", "at …/server.js:3:1"],
    ["C:\\Users\\ann\\server.exe failed", "…/server.exe failed"],
    ["see https://example.com/docs/errors", "see https://example.com/docs/errors"],
    ["and/or either", "and/or either"],
  ])("of this machine are shortened: %s", (text, expected) => {
    expect(withoutPaths(text)).toBe(expected);
  });
});
