/**
 * The floors: an import points downward only, or to a neighbour on its own floor. Types count: a file that needs a
 * type from above needs to know what is above.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "..");

/** First match wins. */
const floors: readonly (readonly [pattern: RegExp, floor: number])[] = [
  [/^sandbox\//, 0],
  [/^src\/(mcp|upstream|store|config)\//, 0],
  [/^src\/(config|errors|foreign-text|log|journal|json|memory-budget|telling-line|tokens)\.ts$/, 0],
  [/^src\/tools\/bridge\.ts$/, 1],
  [/^src\/tools\//, 0],
  [/^src\/(code|learning)\//, 1],
  [/^src\/runs\//, 2],
  [/^src\/chat\//, 3],
  [/^src\/(gateway|core|sandbox|sandbox-options|demo\/.*)\.ts$/, 4],
  [/^src\/(http|cli)\//, 5],
  [/^src\/(bin|cli|index)\.ts$/, 5],
];

function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8");
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*["'](\.[^"']+)["']/g)].map(
    (match) => match[1] ?? "",
  );
  return specifiers.map((specifier) => relative(root, resolve(root, dirname(file), specifier)));
}

function floorOf(file: string): number | undefined {
  return floors.find(([pattern]) => pattern.test(file))?.[1];
}

const files = [...filesBelow("sandbox"), ...filesBelow("src")];
const edges = files.flatMap((file) => importsOf(file).map((target) => ({ file, target })));

describe("the architecture", () => {
  it("has a floor for every file", () => {
    expect(files.length).toBeGreaterThan(50);
    expect(files.filter((file) => floorOf(file) === undefined)).toEqual([]);
  });

  it("imports point downward only", () => {
    const upward = edges.filter(({ file, target }) => (floorOf(target) ?? 99) > (floorOf(file) ?? -1));
    expect(upward.map(({ file, target }) => `${file} -> ${target}`)).toEqual([]);
  });

  it("the engine imports nothing from the gateway", () => {
    expect(
      edges.filter(({ file, target }) => file.startsWith("sandbox/") && !target.startsWith("sandbox/")),
    ).toEqual([]);
  });

  it("the engine has one door", () => {
    const through = edges.filter(
      ({ file, target }) => file.startsWith("src/") && target.startsWith("sandbox/"),
    );
    expect(through.filter(({ target }) => target !== "sandbox/index.ts")).toEqual([]);
  });

  it("text of providers and servers leaves through one place", () => {
    const holding = (words: string): string[] =>
      files.filter((file) => readFileSync(join(root, file), "utf8").includes(words));
    expect(holding("[redacted]")).toEqual(["src/foreign-text.ts"]);
    const through = edges.filter(({ target }) => target === "src/foreign-text.ts").map(({ file }) => file);
    // What makes refusals of providers' errors, and what speaks for a server.
    expect(through.sort()).toEqual([
      "src/mcp/redact.ts",
      "src/mcp/server-words.ts",
      "src/upstream/provider/provider-error.ts",
    ]);
    const refusing = files.filter(
      (file) =>
        file.startsWith("src/upstream/") &&
        readFileSync(join(root, file), "utf8").includes('"upstream_error"'),
    );
    expect(refusing).toEqual(["src/upstream/provider/provider-error.ts"]);
  });

  it("optional packages are imported when they are needed, and not before", () => {
    const early = files.filter((file) =>
      /^import (?!type\b)[^;]*from "@ai-sdk\//m.test(readFileSync(join(root, file), "utf8")),
    );
    expect(early).toEqual([]);
  });

  it("the upstream and MCP formats are known in one place each", () => {
    const imports = (name: string): string[] =>
      files.filter((file) => new RegExp(`from "${name}`).test(readFileSync(join(root, file), "utf8")));
    expect(imports("@modelcontextprotocol/client").every((file) => file.startsWith("src/mcp/"))).toBe(true);
    expect(imports("isolated-vm").every((file) => file.startsWith("sandbox/"))).toBe(true);
    expect(imports("typescript/")).toEqual(["src/code/check/type-checker.ts"]);
    expect(imports("@ai-sdk/").every((file) => file.startsWith("src/upstream/sdk/"))).toBe(true);
    expect(imports("fastify").every((file) => file.startsWith("src/http/"))).toBe(true);
  });
});
