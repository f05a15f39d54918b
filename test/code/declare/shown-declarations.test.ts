import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { renderDeclarations } from "../../../src/code/declare/declarations.ts";
import { showDeclarations } from "../../../src/code/declare/shown-declarations.ts";
import { countTokens } from "../../../src/tokens.ts";
import type { CatalogTool } from "../../../src/tools/catalog.ts";
import { source, toolsOf } from "../helpers/tools.ts";
import { moduleOf, typecheck } from "../helpers/typecheck.ts";

function many(servers: { readonly [server: string]: number }, chars = 0): readonly CatalogTool[] {
  const properties = { owner: { type: "string", description: "Whose. ".repeat(chars / 7) } };
  return toolsOf(
    Object.fromEntries(
      Object.entries(servers).map(([server, count]) => [
        server,
        Array.from({ length: count }, (_, at) =>
          source(`tool_${String(at).padStart(3, "0")}`, { type: "object", properties }),
        ),
      ]),
    ),
  );
}

const idsOf = (tools: readonly CatalogTool[]): readonly string[] => tools.map(({ id }) => id);

describe("what a model is shown of its tools", () => {
  it("is all of them when they fit the budget", () => {
    const tools = many({ a: 3, b: 2 });
    const whole = renderDeclarations(tools);
    const shown = showDeclarations(tools, countTokens(whole));
    expect(shown).toEqual({ text: whole, tokens: countTokens(whole), tools, total: 5 });
    expect(showDeclarations(tools, countTokens(whole) - 1).tools.length).toBeLessThan(5);
  });

  it("is otherwise as many as fit, from every server in turn, and word of the others", () => {
    const tools = many({ github: 200, slack: 300, local: 2, crm: 6 });
    const { text, tokens, tools: shown, total } = showDeclarations(tools, 1_000);
    expect(total).toBe(508);
    expect(tokens).toBe(countTokens(text));
    expect(tokens).toBeLessThanOrEqual(1_000);
    expect(tokens).toBeGreaterThan(850);
    expect(Object.fromEntries(Map.groupBy(shown, ({ server }) => server).entries())).toMatchObject({
      crm: { length: 6 },
      local: { length: 2 },
    });
    const perServer = (server: string): number => shown.filter((tool) => tool.server === server).length;
    expect(Math.abs(perServer("github") - perServer("slack"))).toBeLessThanOrEqual(1);
    expect(text.split("\n").slice(0, 2)).toEqual([
      `// ${shown.length} of 508 tools shown. The others can be called as well: search for them, then read their declarations.`,
      `// Not shown, by server: github ${200 - perServer("github")}, slack ${300 - perServer("slack")}.`,
    ]);
    expect(text.endsWith(renderDeclarations(shown))).toBe(true);
  });

  it("is the same text for the same tools in any order", () => {
    const tools = many({ b: 60, a: 60 });
    const { text } = showDeclarations(tools, 900);
    expect(showDeclarations(tools.toReversed(), 900).text).toBe(text);
    expect(showDeclarations(many({ a: 60, b: 60 }), 900).text).toBe(text);
  });

  it("passes over a tool that is too large for what is left, not over its server", () => {
    const large = source("a_large", {
      type: "object",
      properties: Object.fromEntries(Array.from({ length: 400 }, (_, at) => [`p${at}`, { type: "string" }])),
    });
    const tools = toolsOf({ s: [large, source("small", { type: "object" })] });
    expect(idsOf(showDeclarations(tools, 600).tools)).toEqual(["s/small"]);
  });

  it("is no tool at all when there is room for none, and says so", () => {
    const shown = showDeclarations(many({ a: 3 }), 0);
    expect(shown.tools).toEqual([]);
    expect(shown.text).toMatch(/^\/\/ 0 of 3 tools shown\./);
  });

  it("counts only what can be called", () => {
    const tools = [
      ...many({ a: 40 }),
      ...toolsOf({ z: [source("later", { type: "object" }, { unavailable: "It needs tasks." })] }),
    ];
    const { text, total } = showDeclarations(tools, 700);
    expect(total).toBe(40);
    expect(text).not.toContain("later");
  });

  it("names a bounded number of servers", () => {
    const servers = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`server${at}`, 2]));
    const { text, tokens } = showDeclarations(many(servers), 4_000);
    expect(text).toMatch(/, and \d+ of 4\d\d more servers\.\n/);
    expect(tokens).toBeLessThanOrEqual(4_000);
  });

  it("is within any budget that has room for one tool, whole tools only, and compiles alone", async () => {
    const texts: string[] = [];
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.integer({ min: 1, max: 30 }), {
          minKeys: 1,
          maxKeys: 6,
        }),
        fc.integer({ min: 0, max: 400 }),
        fc.integer({ min: 500, max: 6_000 }),
        (servers, chars, budget) => {
          const all = many(servers, chars);
          const { text, tokens, tools, total } = showDeclarations(all, budget);
          expect(tools.length === 0 || tokens <= budget).toBe(true);
          expect(tokens).toBe(countTokens(text));
          expect(total).toBe(all.length);
          expect(/^\/\/ \d+ of \d+ tools shown/.test(text)).toBe(tools.length < total);
          expect(text.endsWith(renderDeclarations(tools))).toBe(true);
          texts.push(text);
        },
      ),
      { numRuns: 60 },
    );
    const modules = texts.slice(0, 10).map((text, at) => [`shown-${at}.ts`, moduleOf(text, "")] as const);
    expect(await typecheck(new Map(modules))).toEqual([]);
  });
});
