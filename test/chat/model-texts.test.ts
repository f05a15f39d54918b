/** What models read: the prompt of code mode, and the messages about programs and calls. */
import { describe, expect, test } from "vitest";
import { defaultLimits } from "../../sandbox/limits.ts";
import { codePrompt, toolFunction, withInstructions } from "../../src/chat/prompt.ts";
import { describeFailure, describeReport, describeValue } from "../../src/chat/tool-message.ts";
import { addUsage } from "../../src/chat/usage.ts";
import type { Report } from "../../src/runs/report.ts";
import { buildCatalog, type CatalogTool, type JsonSchema } from "../../src/tools/catalog.ts";

const MAX_BYTES = 65_536;

function tools(...sources: { name: string; inputSchema: JsonSchema }[]): readonly CatalogTool[] {
  const server = {
    server: "shop",
    tools: sources.map((source) => ({ description: "", annotations: {}, ...source })),
  };
  return buildCatalog([server], { readOnly: [], idempotent: [] }).tools;
}

function report(rest: Partial<Report>): Report {
  const tokens = { declarations: 0, program: 0, result: 0, directEstimate: 0 };
  const usage = {
    wallMs: 0,
    cpuMs: 0,
    queueMs: 0,
    compileMs: 0,
    toolCalls: 0,
    logBytes: 0,
    peakHeapBytes: 0,
    tokens,
  };
  return {
    ...{
      id: "run_x",
      object: "sandbox.run",
      status: "completed",
      result: null,
      error: null,
      diagnostics: [],
    },
    ...{
      logs: [],
      calls: [],
      pending: [],
      usage,
      limits: defaultLimits,
      createdAt: "2026-01-01T00:00:00.000Z",
    },
    ...rest,
  };
}

describe("the message about a program", () => {
  test("is its result, its logs and its notes", () => {
    const logs = [{ level: "warn" as const, text: "careful", atMs: 1 }];
    const diagnostics = [
      { severity: "note" as const, code: null, message: "fences removed", line: 1, column: 1 },
    ];
    expect(JSON.parse(describeReport(report({ result: [1], logs, diagnostics }), ""))).toEqual({
      status: "completed",
      result: [1],
      logs: ["[warn] careful"],
      notes: ["note at 1:1: fences removed"],
    });
  });

  test.each([
    ["a long text", "ä".repeat(100_000)],
    ["a large value", Array.from({ length: 20_000 }, (_, id) => ({ id, name: `"${id}"\n` }))],
    ["control characters, which JSON makes six times as long", "\u0001".repeat(50_000)],
  ])("stays JSON of at most 64 kB and says that it was cut, for %s", (_, result) => {
    const text = describeReport(report({ result }), "");
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_BYTES);
    expect(Buffer.byteLength(text)).toBeGreaterThan(MAX_BYTES / 3);
    expect(JSON.parse(text).result).toMatch(/ … \[cut: \d+ of \d+ bytes shown; ask for less\]$/);
  });

  test("keeps few logs of many and says how many are missing", () => {
    const logs = Array.from({ length: 1_000 }, () => ({
      level: "log" as const,
      text: "x".repeat(100),
      atMs: 0,
    }));
    const shown = JSON.parse(describeReport(report({ logs }), "")).logs;
    expect(shown.at(-1)).toMatch(/^\[cut: \d+ more entries; print less\]$/);
    expect(shown.length).toBeLessThan(200);
  });
});

describe("the message about a call", () => {
  test("is a text as it is, anything else as JSON, a failure as an error", () => {
    expect(describeValue("a text")).toBe("a text");
    expect(describeValue(null)).toBe("null");
    expect(describeValue({ a: 1 })).toBe('{"a":1}');
    expect(JSON.parse(describeFailure({ kind: "timeout", message: "slow", data: 1 }))).toEqual({
      error: { kind: "timeout", message: "slow", data: 1 },
    });
  });

  test("is cut at whole characters", () => {
    const text = describeValue("🚀".repeat(30_000));
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_BYTES);
    expect(text).toMatch(/^🚀+ … \[cut: \d+ of 120000 bytes shown; ask for less\]$/u);
  });
});

describe("the prompt", () => {
  const item = { type: "object", properties: { item: { type: "string" } }, required: ["item"] };

  test("holds the declarations and an example made of tools that are there", () => {
    const prompt = codePrompt(
      tools({ name: "items", inputSchema: {} }, { name: "stock", inputSchema: item }),
      "DECLARED",
    );
    expect(prompt).toContain("```ts\nDECLARED\n```");
    expect(prompt).toContain('  shop.items({}),\n  shop.stock({ item: "…" }),');
    expect(prompt).toBe(
      codePrompt(tools({ name: "stock", inputSchema: item }, { name: "items", inputSchema: {} }), "DECLARED"),
    );
  });

  test("has no example when arguments cannot be made up, and says so when there are no tools", () => {
    const hard = { type: "object", required: ["a"], properties: { a: { type: "object" } } };
    expect(codePrompt(tools({ name: "hard", inputSchema: hard }), "D")).not.toContain("looks like this");
    expect(codePrompt([], "")).toContain("No tools are available");
  });

  test("goes behind the caller's system message of any form, or first", () => {
    const user = { role: "user", content: "hi" };
    expect(withInstructions([user], "T")).toEqual([{ role: "system", content: "T" }, user]);
    const parts = { role: "developer", content: [{ type: "text", text: "own" }], name: "x" };
    expect(withInstructions([user, parts], "T")).toEqual([
      user,
      {
        ...parts,
        content: [
          { type: "text", text: "own" },
          { type: "text", text: "T" },
        ],
      },
    ]);
  });

  test("a tool's definition has an object schema with properties, whatever its server sent", () => {
    for (const inputSchema of [true, {}, { $schema: "https://json-schema.org/draft/2020-12/schema" }])
      expect(tools({ name: "a", inputSchema }).map(toolFunction)).toEqual([
        {
          type: "function",
          function: { name: "shop__a", description: "", parameters: { type: "object", properties: {} } },
        },
      ]);
  });
});

test("usage is summed at every depth; what only one turn tells is kept", () => {
  const first = { total_tokens: 3, details: { cached: 1 }, cost: 0.5 };
  const second = { total_tokens: 4, details: { cached: 2, reasoning: 5 }, is_byok: true };
  expect(addUsage(addUsage(null, first), second)).toEqual({
    total_tokens: 7,
    details: { cached: 3, reasoning: 5 },
    cost: 0.5,
    is_byok: true,
  });
});
