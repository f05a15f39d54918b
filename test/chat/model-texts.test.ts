/** Texts that models read: the prompt of code mode, and the messages about programs and calls. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultLimits } from "../../sandbox/limits.ts";
import { codePrompt, toolFunction, withInstructions } from "../../src/chat/offer/prompt.ts";
import { addUsage } from "../../src/chat/turns/usage.ts";
import { showDeclarations } from "../../src/code/declare/shown-declarations.ts";
import { describeFailure, describeValue } from "../../src/offer/tool-message.ts";
import { describeReport } from "../../src/runs/record/model-report.ts";
import type { Report } from "../../src/runs/record/report-shape.ts";
import { countTokens } from "../../src/tokens.ts";
import { buildCatalog, type CatalogTool } from "../../src/tools/catalog.ts";
import type { JsonSchema } from "../../src/tools/tool-source.ts";

const BUDGET = 4_000;

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
    expect(JSON.parse(describeReport(report({ result: [1], logs, diagnostics }), "", BUDGET))).toEqual({
      status: "completed",
      result: [1],
      logs: ["[warn] careful"],
      notes: ["note at 1:1: fences removed"],
    });
  });

  test("states a refusal once, with the other faults that were found", () => {
    const message = "r is a Promise: add await.";
    const error = { code: "type_error" as const, message, line: 2, column: 8, effects: "none" as const };
    const found = { severity: "error" as const, code: 2339, column: 8 };
    const diagnostics = [
      { ...found, message: `${message} shop.order(args: {}): Promise<any>`, line: 2 },
      { ...found, message: "s is a Promise: add await.", line: 3 },
    ];
    const text = describeReport(report({ status: "failed", error, diagnostics }), "a\nreturn r.x", BUDGET);
    expect(JSON.parse(text)).toMatchObject({
      error: { message, line: 2 },
      notes: ["error at 3:8: s is a Promise: add await."],
    });
  });

  test.each([
    ["a long text", "ä".repeat(100_000)],
    ["a large value", Array.from({ length: 20_000 }, (_, id) => ({ id, name: `"${id}"\n` }))],
    ["control characters, which JSON makes six times as long", "\u0001".repeat(50_000)],
  ])("stays JSON within the budget and tells where the whole value is, for %s", (_, result) => {
    const text = describeReport(report({ result }), "", BUDGET);
    expect(countTokens(text)).toBeLessThanOrEqual(BUDGET);
    expect(countTokens(text)).toBeGreaterThan(BUDGET / 3);
    const shown = JSON.parse(text);
    expect(JSON.stringify(shown.result)).toMatch(/… [\d,]+ more/);
    expect(shown.left_out).toMatch(
      /^This is a part of about [\d,]+ tokens\. A later program has the whole value as `await runs\.result\("run_x"\)`/,
    );
  });

  test("keeps the first and the last of too many printed lines, and the value whole", () => {
    const logs = Array.from({ length: 1_000 }, (_, at) => ({
      level: "log" as const,
      text: `line ${at} of the many that were printed`,
      atMs: 0,
    }));
    const result = { answer: 42 };
    const shown = JSON.parse(describeReport(report({ result, logs }), "", BUDGET));
    expect(shown.result).toEqual(result);
    expect(shown.logs[0]).toBe("line 0 of the many that were printed");
    expect(shown.logs.at(-1)).toBe("line 999 of the many that were printed");
    const at = shown.logs.indexOf(`… ${1_001 - shown.logs.length} more lines`);
    expect(Math.abs(at - shown.logs.length / 2)).toBeLessThan(2);
    expect(shown.left_out).toMatch(/tokens\. Print less\.$/);
  });

  test("keeps the beginning and the end of one long printed line", () => {
    const text = `begin ${"word ".repeat(30_000)}end`;
    for (const before of [[], ["short"]]) {
      const logs = [...before, text].map((line) => ({ level: "log" as const, text: line, atMs: 0 }));
      const shown = JSON.parse(describeReport(report({ result: 1, logs }), "", BUDGET));
      expect(shown.logs.slice(0, -1)).toEqual(before);
      expect(shown.logs.at(-1)).toMatch(/^begin word .* … [\d,]+ more characters … .*word end$/);
    }
  });

  test("has the messages of an error and of its causes, one on each line", () => {
    const message = "AggregateError: two\nerrors[0] at 2:3: Error: one\nerrors[1]: text";
    const error = { code: "guest_error", message, effects: "none" } as const;
    const shown = JSON.parse(describeReport(report({ status: "failed", error }), "", BUDGET));
    expect(shown.error.message).toBe(message);
  });

  test("never holds the calls of a program that went well", () => {
    const calls = [{ tool: "shop/items", status: "ok" }] as unknown as Report["calls"];
    expect(Object.keys(JSON.parse(describeReport(report({ result: 1, calls }), "", BUDGET)))).toEqual([
      "status",
      "result",
    ]);
  });

  test("is JSON within any budget, and says what is missing exactly when something is", () => {
    const lines = fc.array(
      fc.tuple(fc.string(), fc.nat(300)).map(([text, count]) => text.repeat(count)),
      { maxLength: 30 },
    );
    const value = fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue(), { minLength: 50, maxLength: 300 }));
    fc.assert(
      fc.property(value, lines, fc.integer({ min: 250, max: 3_000 }), (result, texts, budget) => {
        const logs = texts.map((text) => ({ level: "log" as const, text, atMs: 0 }));
        const id = "run_Zk3vQ9xWc0aLr7Tn2yHb5g";
        const text = describeReport(report({ id, result, logs }), "", budget);
        expect(countTokens(text)).toBeLessThanOrEqual(budget);
        const shown = JSON.parse(text);
        const isWhole =
          JSON.stringify(shown.result) === JSON.stringify(result) &&
          JSON.stringify(shown.logs ?? []) === JSON.stringify(texts);
        expect(shown.left_out === undefined).toBe(isWhole);
        expect(String(shown.left_out).includes(`runs.result("${id}")`)).toBe(
          JSON.stringify(shown.result) !== JSON.stringify(result),
        );
      }),
    );
  });

  test("says nothing of cuts where nothing is cut", () => {
    expect(describeReport(report({ result: "x ".repeat(3_000) }), "", BUDGET)).not.toContain("left_out");
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

  test("is cut where it is too long for a conversation: values inside, texts between characters", () => {
    const text = describeValue("🚀".repeat(30_000));
    expect(countTokens(text)).toBeLessThanOrEqual(16_000);
    expect(text).toMatch(/^🚀+ … [\d,]+ more characters$/u);
    const rows = Array.from({ length: 30_000 }, (_, id) => ({ id }));
    const shown = JSON.parse(describeValue(rows));
    expect(shown.slice(0, 2)).toEqual([{ id: 0 }, { id: 1 }]);
    expect(shown.at(-1)).toMatch(/^… [\d,]+ more$/);
  });
});

describe("the prompt", () => {
  const item = { type: "object", properties: { item: { type: "string" } }, required: ["item"] };

  const shown = (all: readonly CatalogTool[], tokens = BUDGET) => showDeclarations(all, tokens);

  test("holds the declarations and an example made of tools that are there", () => {
    const all = tools({ name: "items", inputSchema: {} }, { name: "stock", inputSchema: item });
    const prompt = codePrompt(shown(all));
    expect(prompt).toContain(`\`\`\`ts\n${shown(all).text.trimEnd()}\n\`\`\``);
    expect(prompt).toContain('  shop.items({}),\n  shop.stock({ item: "…" }),');
    const reversed = tools({ name: "stock", inputSchema: item }, { name: "items", inputSchema: {} });
    expect(codePrompt(shown(reversed))).toBe(prompt);
  });

  test("has no example when arguments cannot be made up, and says so when there are no tools", () => {
    const hard = { type: "object", required: ["a"], properties: { a: { type: "object" } } };
    expect(codePrompt(shown(tools({ name: "hard", inputSchema: hard })))).not.toContain("looks like this");
    expect(codePrompt(shown([]))).toContain("No tools are available");
  });

  test("tells how to find tools only when some are not shown, and takes its example from those that are", () => {
    const all = tools(...Array.from({ length: 90 }, (_, at) => ({ name: `t${at}`, inputSchema: {} })));
    const part = codePrompt(shown(all, 700));
    expect(part).toMatch(/\/\/ \d+ of 90 tools shown\./);
    expect(part).toContain("`search_tools` finds tools by words, `describe_tools` gives their declarations");
    expect(part).toContain('`await tools.search("words")`');
    expect(part).toContain("shop.t0({})");
    expect(codePrompt(shown(all, 90_000))).not.toMatch(/search_tools|describe_tools|tools shown/);
  });

  test("goes after the caller's system message of any form, or first", () => {
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

test("usage is summed at every depth; a field of only one turn is kept", () => {
  const first = { total_tokens: 3, details: { cached: 1 }, cost: 0.5 };
  const second = { total_tokens: 4, details: { cached: 2, reasoning: 5 }, is_byok: true };
  expect(addUsage(addUsage(null, first), second)).toEqual({
    total_tokens: 7,
    details: { cached: 3, reasoning: 5 },
    cost: 0.5,
    is_byok: true,
  });
});
