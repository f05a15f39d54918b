import { describe, expect, it } from "vitest";
import type { CompileOutcome, CompileRequest, TypeCheck } from "../../../src/code/compile.ts";
import { cacheKey, createOutcomeCache } from "../../../src/code/process/outcome-cache.ts";

const program = (js: string): CompileOutcome => ({
  ok: true,
  program: { js, positions: { encoded: "" }, diagnostics: [], runs: true, toolReferences: [] },
});
const failure = (code: "syntax_error" | "compile_timeout" | "internal_error"): CompileOutcome => ({
  ok: false,
  code,
  message: "",
  diagnostics: [],
});

describe("outcomes kept for repeated texts", () => {
  it("are dropped when unused for longest, by count", () => {
    const cache = createOutcomeCache(2);
    cache.set("a", program("1"));
    cache.set("b", program("2"));
    cache.get("a");
    cache.set("c", program("3"));
    expect(["a", "b", "c"].map((key) => cache.get(key) !== undefined)).toEqual([true, false, true]);
  });

  it("are dropped by size too, the newest included when it alone is too large", () => {
    const cache = createOutcomeCache(100, 10_000);
    cache.set("a", program("x".repeat(6_000)));
    cache.set("b", program("x".repeat(6_000)));
    expect(cache.get("a")).toBeUndefined();
    cache.set("b", program("x"));
    cache.set("c", program("x".repeat(6_000)));
    expect(["b", "c"].map((key) => cache.get(key) !== undefined)).toEqual([true, true]);
    cache.set("d", program("x".repeat(20_000)));
    expect(["b", "c", "d"].map((key) => cache.get(key))).toEqual([undefined, undefined, undefined]);
  });

  it("are those the text alone decides", () => {
    const cache = createOutcomeCache();
    for (const code of ["syntax_error", "compile_timeout", "internal_error"] as const)
      cache.set(code, failure(code));
    expect(cache.get("syntax_error")).toBeDefined();
    expect(cache.get("compile_timeout")).toBeUndefined();
    expect(cache.get("internal_error")).toBeUndefined();
  });

  it("belong to one text, one limit, one set of names, and one check", () => {
    const check = (mode: "error" | "warn", hash: string): TypeCheck => ({
      mode,
      declarations: { hash, text: "" },
    });
    const request: CompileRequest = {
      ...{ code: "a", sourceBytes: 1, globals: ["b", "c"] },
      check: check("error", "1"),
    };
    const keys: readonly CompileRequest[] = [
      request,
      { ...request, code: "b" },
      { ...request, sourceBytes: 2 },
      { ...request, globals: ["b,c"] },
      { ...request, check: null },
      { ...request, check: check("warn", "1") },
      { ...request, check: check("error", "2") },
    ];
    expect(new Set(keys.map(cacheKey)).size).toBe(keys.length);
    expect(cacheKey({ ...request })).toBe(cacheKey(request));
  });
});
