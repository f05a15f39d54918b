import { execFile } from "node:child_process";
import { promisify } from "node:util";
import fc from "fast-check";
import { encode } from "gpt-tokenizer/encoding/o200k_base";
import { describe, expect, it } from "vitest";
import { countAllTokens, countTokens } from "../src/tokens.ts";

const exact = (text: string): number => encode(text, { disallowedSpecial: new Set<string>() }).length;
const page = `const issues = await github.list_issues({ owner: "café", state: "open", limit: 12_345 });\n`;

describe("the tokens of a text", () => {
  it("are those of the encoding, again when it is counted again", () => {
    expect(countTokens("")).toBe(0);
    expect(countTokens("hello world")).toBe(2);
    for (const text of [page, page.repeat(700)]) {
      expect(countTokens(text)).toBe(exact(text));
      expect(countTokens(text)).toBe(exact(text));
    }
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        expect(countTokens(text)).toBe(exact(text));
      }),
    );
  });

  it("take what looks like a command to a model for plain text", () => {
    expect(countTokens("<|endoftext|>")).toBeGreaterThan(1);
  });

  it("are estimated for a text that is too long to be read whole", () => {
    const text = Array.from({ length: 5_000 }, (_, at) => page.replace("12_345", String(at * 7))).join("");
    expect(text.length).toBeGreaterThan(400_000);
    expect(Math.abs(countTokens(text) / exact(text) - 1)).toBeLessThan(0.01);
  });

  it("of many texts are those of each, and for all together no more work than for one", () => {
    const texts = Array.from({ length: 300 }, (_, at) => `${page}${at}`);
    const all = (some: readonly string[]): number => some.reduce((sum, text) => sum + exact(text), 0);
    expect(countAllTokens([])).toBe(0);
    expect(countAllTokens(texts)).toBe(all(texts));
    const long = texts.map((text, at) => text.repeat(at));
    expect(Math.abs(countAllTokens(long) / all(long) - 1)).toBeLessThan(0.02);
    expect(Math.abs(countAllTokens([...long, ...Array(100).fill("")]) / all(long) - 1)).toBeLessThan(0.02);
  });

  it("of endless words are counted in parts, which the encoder could not do in seconds", () => {
    const start = performance.now();
    expect(countTokens("a".repeat(60_000))).toBe(7_500);
    expect(countTokens(" ".repeat(60_000))).toBeGreaterThan(400);
    expect(countTokens("-".repeat(5_000_000))).toBeGreaterThan(10_000);
    expect(performance.now() - start).toBeLessThan(1_000);
  });

  it("load their table only when something is counted", async () => {
    const script = `
      const { countTokens } = await import(${JSON.stringify(new URL("../src/tokens.ts", import.meta.url))});
      await import(${JSON.stringify(new URL("../src/index.ts", import.meta.url))});
      const { createRequire } = await import("node:module");
      const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes("gpt-tokenizer"));
      const idle = loaded();
      countTokens("text");
      console.log(JSON.stringify([idle, loaded()]));`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
    expect(JSON.parse(stdout)).toEqual([false, true]);
  });
});
