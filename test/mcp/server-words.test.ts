/** What a server says of itself and of its failures, as it is shown. */
import { expect, test } from "vitest";
import { createServerWords } from "../../src/mcp/server-words.ts";
import { stdio } from "./hubs.ts";

const words = createServerWords(stdio("x", [], { env: { KEY: "secret-of-the-server" } }));

test("a name without end is cut, and holds no secret", () => {
  const info = words.info({ name: `secret-of-the-server ${"n".repeat(3_000_000)}`, version: "1\u001b[2J" });
  expect(info?.name).toMatch(/^\[redacted\] n+…$/);
  expect(info?.name).toHaveLength(200);
  expect(info?.version).toBe("1[2J");
});

test("of stderr the end is shown, and no secret that its beginning cuts", () => {
  const shown = words.stderr(`${"x".repeat(10_000)}secret-of-the-server${"y".repeat(4_090)}`);
  expect(shown).toMatch(/y{4090}$/);
  expect(shown).not.toMatch(/secret|server/);
});

test("a reason has no path, the words of a tool may have", () => {
  expect(words.reason("ENOENT: /home/ann/.config/x.json")).toBe("ENOENT: …/x.json");
  const failure = { kind: "tool", message: "no /data/x.json for secret-of-the-server" } as const;
  expect(words.outcome({ ok: false, failure })).toEqual({
    ok: false,
    failure: { kind: "tool", message: "no /data/x.json for [redacted]" },
  });
});

test("what a failure says beyond reason is cut", () => {
  const failure = {
    kind: "tool",
    message: "m".repeat(1_000_000),
    data: { d: "d".repeat(1_000_000) },
  } as const;
  const outcome = words.outcome({ ok: false, failure });
  expect(JSON.stringify(outcome).length).toBeLessThan(140_000);
});
