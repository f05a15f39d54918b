import { expect, test } from "vitest";
import { createLog } from "../../src/log.ts";
import { buildCatalog } from "../../src/tools/catalog.ts";
import type { ServerSource } from "../../src/tools/tool-source.ts";
import { describeUnmatched, describeUnmatchedFilters, knownTools } from "../../src/tools/unmatched.ts";
import { watchPatterns } from "../../src/tools/watch-patterns.ts";
import { until } from "../helpers/until.ts";

function source(server: string, ...names: string[]): ServerSource {
  const tools = names.map((name) => ({ name, description: "", inputSchema: {}, annotations: {} }));
  return { server, tools };
}

const catalog = buildCatalog(
  [
    source("filesystem", "read_file", "read_text_file", "write_file"),
    source("github", "list_issues"),
    source("slow"),
  ],
  { readOnly: [], idempotent: [] },
);

const told = (pattern: string): string =>
  describeUnmatched([{ rule: "tools.allow", patterns: [pattern] }], knownTools(catalog)).join(" ");

test.each([
  "*",
  "filesystem/*",
  "filesystem/read_*",
  "*/list_issues",
  "github/list_issues",
  "slow/*",
  "slow/anything",
  "sl*/x",
])("%s means something, or something that is not listed yet: nothing is said", (pattern) => {
  expect(told(pattern)).toBe("");
});

test.each([
  ["filesystem/raed_file", "filesystem/read_file"],
  ["filesystem/raed_*", "filesystem/read_*"],
  ["filesystem/readFile", "filesystem/read_file"],
  ["filesystm/read_file", "filesystem/read_file"],
  ["filesystm/delete", "filesystem/*"],
  ["Filesystem/read_file", "filesystem/read_file"],
  ["fs/list_issues", "github/list_issues"],
  ["filesystem", "filesystem/*"],
  ["filesytem", "filesystem/*"],
  ["list_issues", "github/list_issues"],
  ["filesystem__read_file", "filesystem/read_file"],
])("%s means nothing, and the nearest is %s", (pattern, near) => {
  expect(told(pattern)).toBe(
    `tools.allow: ${JSON.stringify(pattern)} matches no tool; did you mean ${JSON.stringify(near)}?`,
  );
});

test("where nothing is near nothing is guessed", () => {
  expect(told("database/query")).toBe('tools.allow: "database/query" matches no tool.');
});

test("a filter is held against what its caller may use, so that no hidden name is suggested", () => {
  const base = [{ rule: "key", allow: ["github/*"] }];
  const filters = [
    { rule: "x-mcp-include-servers", servers: ["filesystm", "githb"] },
    { rule: "tools_filter", allow: ["filesystem/read_file"] },
  ];
  expect(describeUnmatchedFilters(filters, catalog, base)).toEqual([
    'x-mcp-include-servers: "filesystm" is no server.',
    'x-mcp-include-servers: "githb" is no server; did you mean "github"?',
    'tools_filter: "filesystem/read_file" matches no tool.',
  ]);
});

test("filters that leave nothing only together are told, unless one of them is empty on purpose", () => {
  const servers = { rule: "x-mcp-include-servers", servers: ["github"] };
  const tools = { rule: "tools_filter", allow: ["filesystem/*"] };
  expect(describeUnmatchedFilters([servers, tools], catalog, [])).toEqual([
    "x-mcp-include-servers and tools_filter together leave no tool.",
  ]);
  expect(describeUnmatchedFilters([servers, { rule: "tools_filter", allow: [] }], catalog, [])).toEqual([]);
  expect(describeUnmatchedFilters([{ rule: "tools_filter", allow: [] }], catalog, [])).toEqual([]);
});

test("the log is told once the servers have settled, and again when it changes", async () => {
  const lines: unknown[] = [];
  const listeners = new Set<() => void>();
  const settled = Promise.withResolvers<void>();
  let present = catalog;
  const tools = { allow: ["*"], autoExecute: ["filesystem/raed_*"], readOnly: ["nowhere"], idempotent: [] };
  const key = { name: "bot", key: "k", principal: "bot", may: [], tools: { allow: ["githb/*"] } };
  const stop = watchPatterns({
    config: { tools, keys: [key] },
    hub: {
      onChange: (listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
    catalog: () => present,
    settled: settled.promise,
    log: createLog("warn", { write: (line) => void lines.push(JSON.parse(line).msg) }),
  });
  settled.resolve();
  await until("it is told", () => lines.length > 0);
  const aboutKey = 'tools.allow of the key "bot": "githb/*" matches no tool; did you mean "github/*"?';
  expect(lines).toEqual([
    `tools.autoExecute: "filesystem/raed_*" matches no tool; did you mean "filesystem/read_*"? ${aboutKey}`,
  ]);

  present = buildCatalog([source("filesystem", "raed_it"), source("github", "x")], {
    readOnly: [],
    idempotent: [],
  });
  for (const listener of listeners) listener();
  for (const listener of listeners) listener();
  await until("it is told again", () => lines.length > 1);
  expect(lines.slice(1)).toEqual([aboutKey]);
  stop();
  expect(listeners.size).toBe(0);
});

test("of many the first are told, and how many more there are; what is echoed has a bound", () => {
  const patterns = Array.from({ length: 100 }, (_, index) => `${"x".repeat(200)}/${index}`);
  const sentences = describeUnmatched([{ rule: "r", patterns }], knownTools(catalog));
  expect(sentences).toHaveLength(6);
  expect(sentences[5]).toBe("and 95 more.");
  expect(sentences[0]?.length).toBeLessThan(150);
});
