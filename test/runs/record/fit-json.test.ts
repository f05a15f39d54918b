import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { fitJson, fitText } from "../../../src/runs/record/fit-json.ts";
import { countTokens } from "../../../src/tokens.ts";

const fitted = (value: unknown, budget: number): unknown => JSON.parse(fitJson(value, budget).text);
const issue = (id: number): object => ({ id, title: `Issue ${id}`, labels: ["bug", "help wanted"] });

describe("a value within a budget of tokens", () => {
  it("is whole as long as it fits", () => {
    const value = { issues: [issue(1)], total: 1 };
    const tokens = countTokens(JSON.stringify(value));
    expect(fitJson(value, tokens)).toEqual({
      text: JSON.stringify(value),
      isWhole: true,
      wholeTokens: tokens,
    });
    expect(fitJson(value, tokens - 1).isWhole).toBe(false);
  });

  it("keeps the first elements of a long list, whole, and says how many follow", () => {
    const issues = Array.from({ length: 4_217 }, (_, id) => issue(id));
    const shown = fitted(issues, 400) as unknown[];
    expect(shown.length).toBeGreaterThan(15);
    expect(shown.slice(0, -1)).toEqual(issues.slice(0, shown.length - 1));
    expect(shown.at(-1)).toBe(`… ${(4_217 - shown.length + 1).toLocaleString("en-US")} more`);
  });

  it("keeps every property of an object, and what is small of it whole", () => {
    const issues = Array.from({ length: 1_000 }, (_, id) => issue(id));
    const value = { total: 1_000, issues, note: "x".repeat(20_000), page: { size: 100 } };
    expect(fitted(value, 500)).toMatchObject({
      total: 1_000,
      issues: expect.arrayContaining([issue(0), issue(1)]),
      note: expect.stringMatching(/^x{100,} … [\d,]+ more characters$/),
      page: { size: 100 },
    });
  });

  it("shows something of each of a few large elements", () => {
    const page = (name: string): object => ({ name, text: "word ".repeat(5_000) });
    const pages = ["one", "two", "three", "four", "five"].map(page);
    expect(fitted(pages, 400)).toMatchObject([
      { name: "one", text: expect.stringMatching(/^word word .* more characters$/) },
      { name: "two" },
      { name: "three" },
      { name: "four" },
      "… 1 more",
    ]);
  });

  it("shows the beginning of an object with too many properties, and how many follow", () => {
    const value = Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`key ${at}`, at]));
    const { "…": mark, ...shown } = fitted({ "…": 0, ...value }, 200) as { [name: string]: unknown };
    expect(mark).toBe(0);
    expect(shown["……"]).toBe(`… ${(5_001 - Object.keys(shown).length).toLocaleString("en-US")} more`);
    expect(shown["key 7"]).toBe(7);
  });

  test.each([
    ["text", "ä".repeat(100_000), /^"ä+ … [\d,]+ more characters"$/],
    ["characters of two halves", "😀".repeat(50_000), /^"(😀)+ … [\d,]+ more characters"$/u],
    ["what JSON writes long", "\u0001".repeat(50_000), /^"(\\u0001)+ … [\d,]+ more characters"$/],
    ["what is deep", JSON.parse(`${"[".repeat(190)}"x"${"]".repeat(190)}`), /^\[+"… 1 more"\]+$/],
    ["long names", { ["n".repeat(9_000)]: 1, b: 2 }, /^\{"…":"… 2 more"\}$/],
    [
      "a name that means something else",
      JSON.parse(`{"__proto__":"${"x".repeat(9_000)}"}`),
      /^\{"__proto__":"x+ … /,
    ],
  ])("is JSON for %s", (_, value, expected) => {
    const { text, isWhole } = fitJson(value, 150);
    expect(text).toMatch(expected);
    expect(countTokens(text)).toBeLessThanOrEqual(150);
    expect(isWhole).toBe(false);
  });

  it("is JSON within the budget, marked where it was cut and only there, always the same, and cut but once", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 30 }),
      fc.tuple(fc.string({ unit: "grapheme" }), fc.nat(500)).map(([unit, count]) => unit.repeat(count)),
    );
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 6 },
        fc.constantFrom<unknown>(null, true, 0, -0, 1.5e300, 12_345_678),
        text,
        fc.array(tie("any"), { maxLength: 60 }),
        fc.dictionary(text, tie("any"), { maxKeys: 20 }),
      ),
    })).any;
    let cuts = 0;
    fc.assert(
      fc.property(value, fc.integer({ min: 100, max: 2_000 }), (any, budget) => {
        const { text: shown, isWhole } = fitJson(any, budget);
        const whole = JSON.stringify(any);
        expect(countTokens(shown)).toBeLessThanOrEqual(budget);
        expect(isWhole).toBe(countTokens(whole) <= budget);
        expect(shown === whole).toBe(isWhole);
        const parsed: unknown = JSON.parse(shown);
        if (!isWhole) expect(shown).toMatch(/… [\d,]+ more/);
        expect(fitJson(any, budget).text).toBe(shown);
        expect(fitJson(parsed, budget).text).toBe(JSON.stringify(parsed));
        expect(Array.isArray(parsed)).toBe(Array.isArray(any));
        expect(typeof parsed).toBe(typeof any);
        cuts += isWhole ? 0 : 1;
      }),
      { numRuns: 150 },
    );
    expect(cuts).toBeGreaterThan(20);
  });

  it("of megabytes is found without reading all of it over and over", () => {
    const value = Array.from({ length: 300 }, (_, id) => ({ id, body: "lorem ipsum ".repeat(1_000) }));
    fitJson("x", 1);
    const start = performance.now();
    const { text } = fitJson(value, 4_000);
    expect(performance.now() - start).toBeLessThan(500);
    expect(countTokens(text)).toBeGreaterThan(2_000);
  });
});

describe("a text within a budget of tokens", () => {
  it("is whole or says how much is missing", () => {
    expect(fitText("short", 100)).toBe("short");
    const cut = fitText("word ".repeat(10_000), 200);
    expect(cut).toMatch(/^word word .* … [\d,]+ more characters$/);
    expect(countTokens(cut)).toBeLessThanOrEqual(200);
    expect(countTokens(cut)).toBeGreaterThan(150);
  });
});
