/**
 * The floors: an import points downward only, or to a neighbour on its own floor. Within a floor no two files and no
 * two rooms (folders) need each other. Types count: a file that needs a type from above needs to know what is above.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "..");

/** First match wins. */
const floors: readonly (readonly [pattern: RegExp, floor: number])[] = [
  [/^sandbox\//, 0],
  [/^src\/(json|mcp|upstream|store|config)\//, 0],
  [
    /^src\/(errors|error-codes|foreign-text|secrets|log|hiding-log|journal|json|memory-budget|telling-line|timers|tokens)\.ts$/,
    0,
  ],
  [/^src\/tools\/gate\//, 1],
  [/^src\/tools\//, 0],
  [/^src\/(code|learning)\//, 1],
  [/^src\/runs\//, 2],
  // What a model is offered, in no protocol's form.
  [/^src\/offer\//, 3],
  // Access holds what faces share: below them, above the runs it opens and the answers it bounds.
  [/^src\/(chat|access)\//, 3],
  // A face without a transport: `http` and `cli` bind it.
  [/^src\/mcp-server\//, 4],
  [/^src\/(gateway|core|sandbox|sandbox-options|demo\/.*)\.ts$/, 4],
  [/^src\/(http|cli)\//, 5],
  [/^src\/(bin|cli|index)\.ts$/, 5],
];

/**
 * Contracts, which others implement or hold, and doors, which choose an implementation. Each is a room of its own: its
 * folder may depend on rooms that depend on the contract, and rooms on a folder that has a door to them.
 */
const contracts: ReadonlySet<string> = new Set([
  "sandbox/index.ts",
  "src/code/compile.ts",
  "src/config/config.ts",
  "src/config/modes.ts",
  "src/mcp/server.ts",
  "src/store/open-store.ts",
  "src/store/store.ts",
  "src/tools/policy-layer.ts",
  "src/tools/tool-source.ts",
  "src/upstream/model.ts",
]);

/** Files at the top of `src/` are single pieces, not parts of a room. */
function roomOf(file: string): string {
  return contracts.has(file) || dirname(file) === "src" ? file : dirname(file);
}

/** Groups of at least two that can reach each other, by Tarjan. */
function circlesOf(arrows: ReadonlyMap<string, ReadonlySet<string>>): readonly string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const circles: string[][] = [];
  const visit = (node: string): void => {
    order.set(node, order.size);
    lowest.set(node, order.get(node) ?? 0);
    open.push(node);
    for (const next of arrows.get(node) ?? []) {
      if (!order.has(next)) visit(next);
      if (open.includes(next))
        lowest.set(node, Math.min(lowest.get(node) ?? 0, lowest.get(next) ?? Number.POSITIVE_INFINITY));
    }
    if (lowest.get(node) !== order.get(node)) return;
    const group = open.splice(open.indexOf(node));
    if (group.length > 1) circles.push(group.sort());
  };
  for (const node of arrows.keys()) if (!order.has(node)) visit(node);
  return circles;
}

function arrowsBetween(nameOf: (file: string) => string): ReadonlyMap<string, ReadonlySet<string>> {
  const arrows = new Map<string, Set<string>>(files.map((file) => [nameOf(file), new Set()]));
  for (const { file, target } of edges)
    if (nameOf(file) !== nameOf(target)) arrows.get(nameOf(file))?.add(nameOf(target));
  return arrows;
}

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

  it("no file needs a file that needs it", () => {
    expect(circlesOf(arrowsBetween((file) => file))).toEqual([]);
    expect(
      circlesOf(
        new Map([
          ["a", new Set(["b"])],
          ["b", new Set(["c"])],
          ["c", new Set(["a"])],
        ]),
      ),
    ).toEqual([["a", "b", "c"]]);
  });

  it("no room needs a room that needs it", () => {
    expect(circlesOf(arrowsBetween(roomOf))).toEqual([]);
  });

  it("the architecture document lists every room once, those that are needed below those that need them", () => {
    const document = readFileSync(join(root, "docs/architecture.md"), "utf8");
    const listed = [...document.matchAll(/^\| `([\w/-]+)\/` \|/gm)].map(([, room = ""]) => room);
    const rooms = new Set(files.map(roomOf).filter((room) => !room.endsWith(".ts")));
    expect([...listed].sort()).toEqual([...rooms].sort());
    const arrows = [...arrowsBetween(roomOf)].flatMap(([room, targets]) =>
      [...targets].map((target) => [room, target] as const),
    );
    const upward = arrows.filter(([room, target]) => listed.indexOf(target) < listed.indexOf(room));
    expect(upward.filter(([, target]) => rooms.has(target)).map((arrow) => arrow.join(" -> "))).toEqual([]);
  });

  it("a room holds at most twenty files", () => {
    const full = Map.groupBy(files, (file) => dirname(file));
    expect([...full].filter(([, inside]) => inside.length > 20).map(([room]) => room)).toEqual([]);
  });

  it("no source file has more than 300 lines", () => {
    const linesOf = (file: string): number =>
      readFileSync(join(root, file), "utf8").trimEnd().split("\n").length;
    expect(linesOf("src/gateway.ts")).toBeGreaterThan(1);
    expect(files.filter((file) => linesOf(file) > 300)).toEqual([]);
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
    // The log, what makes refusals of providers' errors, and what speaks for a server.
    expect(through.sort()).toEqual([
      "src/hiding-log.ts",
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
    // The server's side: what is served, and over which transport.
    expect(
      imports("@modelcontextprotocol/server").every((file) =>
        /^src\/(mcp-server|http\/mcp|cli|demo)\//.test(file),
      ),
    ).toBe(true);
    expect(imports("isolated-vm").every((file) => file.startsWith("sandbox/"))).toBe(true);
    expect(imports("typescript/")).toEqual(["src/code/check/type-checker.ts"]);
    expect(imports("@ai-sdk/").every((file) => file.startsWith("src/upstream/sdk/"))).toBe(true);
    expect(imports("fastify").every((file) => file.startsWith("src/http/"))).toBe(true);
  });
});
