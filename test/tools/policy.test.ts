import { expect, test } from "vitest";
import { baseLayers } from "../../src/access/base-layers.ts";
import { buildCatalog, type Catalog, type CatalogTool } from "../../src/tools/catalog.ts";
import { nearestNames } from "../../src/tools/nearest.ts";
import { decide, visible } from "../../src/tools/policy.ts";
import type { Policy, PolicyLayer } from "../../src/tools/policy-layer.ts";
import { requestLayers } from "../../src/tools/request-filters.ts";
import type { ToolSource } from "../../src/tools/tool-source.ts";

function source(name: string, more: Partial<ToolSource> = {}): ToolSource {
  return { name, description: "", inputSchema: { type: "object" }, annotations: {}, ...more };
}

const catalog: Catalog = buildCatalog(
  [
    {
      server: "fs",
      tools: ["read_file", "read_dir", "write_file", "a/b", "odd-name"].map((name) => source(name)),
    },
    { server: "db", tools: ["query", "drop_table"].map((name) => source(name)) },
    {
      server: "local",
      tools: [source("add", { needsApproval: false }), source("pay", { needsApproval: true })],
    },
  ],
  { readOnly: [], idempotent: [] },
);

function tool(id: string): CatalogTool {
  const found = catalog.byId(id);
  if (found === undefined) throw new Error(`no tool ${id}`);
  return found;
}

function deployment(allow: readonly string[], autoExecute: readonly string[] = []): PolicyLayer {
  const tools = {
    allow,
    autoExecute,
    readOnly: [],
    idempotent: [],
    timeoutMs: 1,
    maxTimeoutMs: 300_000,
    outputSchemas: {},
  };
  const [layer] = baseLayers({ tools });
  if (layer === undefined) throw new Error("no layer");
  return layer;
}

function policy(...layers: readonly PolicyLayer[]): Policy {
  return { layers };
}

function seen(...layers: readonly PolicyLayer[]): string[] {
  return visible(catalog, policy(...layers)).map(({ id }) => id);
}

const everything = catalog.tools.map(({ id }) => id);

test.for([
  [["*"], everything],
  [["*/*"], everything],
  [[], []],
  [["fs/*"], ["fs/a/b", "fs/odd-name", "fs/read_dir", "fs/read_file", "fs/write_file"]],
  [["fs/read_*"], ["fs/read_dir", "fs/read_file"]],
  [["fs/*_f*e"], ["fs/read_file", "fs/write_file"]],
  [["fs/read_file"], ["fs/read_file"]],
  [["fs/a/b"], ["fs/a/b"]],
  [["fs/*/b"], ["fs/a/b"]],
  [
    ["*/query", "d*/drop_table"],
    ["db/drop_table", "db/query"],
  ],
  [["FS/*", "fs/READ_FILE", "fs", "read_file", "f", "nobody/*", ""], []],
  [["fs/*read_file*read_file*", "fs/read_filex*"], []],
] as const)("allow %j shows %j", ([allow, expected]) => {
  expect(seen(deployment(allow))).toEqual(expected);
});

test("a tool is visible only when every layer allows it, and a layer that says nothing does not filter", () => {
  const layers = [
    deployment(["fs/*", "db/*"]),
    { rule: 'key "bot"', allow: ["*/read_*", "db/query"] },
    { rule: "x-mcp-include-servers", servers: ["fs", "nobody"] },
    { rule: "tools_filter" },
  ];
  expect(seen(...layers)).toEqual(["fs/read_dir", "fs/read_file"]);
  expect(seen(...layers, { rule: "tools_filter", allow: [] })).toEqual([]);
});

test("a call outside the set is denied with the rule that refused it", () => {
  const layers = [deployment(["*"]), { rule: 'key "bot"', allow: ["db/*"] }];
  expect(decide(tool("fs/read_file"), policy(...layers))).toEqual({
    verdict: "deny",
    rule: 'key "bot"',
    reason: 'not allowed by key "bot"',
  });
  expect(decide(tool("fs/read_file"), policy(deployment([], ["*"])))).toMatchObject({ rule: "tools.allow" });
});

test("a call runs by itself only when every layer that speaks of it says so", () => {
  const auto = deployment(["*"], ["fs/read_*", "db/query"]);
  const key = { rule: 'key "bot"', autoExecute: ["db/*"] };
  expect(decide(tool("db/query"), policy(auto, key))).toEqual({ verdict: "auto" });
  expect(decide(tool("db/query"), policy(auto, { rule: 'key "bot"' }))).toEqual({ verdict: "auto" });
  expect(decide(tool("db/drop_table"), policy(auto, key))).toEqual({
    verdict: "ask",
    reason: "db/drop_table is not in autoExecute: each call of it needs a person's agreement.",
  });
  expect(decide(tool("fs/read_file"), policy(auto, key))).toEqual({
    verdict: "ask",
    reason: 'fs/read_file is not in autoExecute of key "bot": each call of it needs a person\'s agreement.',
  });
});

test("without any word on autoExecute no tool of a server runs by itself", () => {
  expect(decide(tool("db/query"), policy())).toMatchObject({ verdict: "ask" });
});

test("tools given in code run by themselves unless they need approval or a key's autoExecute leaves them out", () => {
  const auto = deployment(["*"]);
  expect(decide(tool("local/add"), policy(auto))).toEqual({ verdict: "auto" });
  expect(decide(tool("local/add"), policy(auto, { rule: 'key "bot"', autoExecute: ["db/*"] }))).toMatchObject(
    {
      verdict: "ask",
    },
  );
  expect(decide(tool("local/pay"), policy(deployment(["*"], ["*"])))).toEqual({
    verdict: "ask",
    reason: "local/pay is defined to need approval: each call of it needs a person's agreement.",
  });
});

test("a policy survives being stored as JSON", () => {
  const stored: Policy = JSON.parse(JSON.stringify(policy(deployment(["*"], ["db/query"]))));
  expect(decide(tool("local/add"), stored)).toEqual({ verdict: "auto" });
  expect(decide(tool("fs/read_file"), stored)).toMatchObject({ verdict: "ask" });
});

test("the base layers are the deployment's and, on top, the key's", () => {
  const tools = {
    allow: ["*"],
    autoExecute: ["fs/*"],
    readOnly: [],
    idempotent: [],
    timeoutMs: 1,
    maxTimeoutMs: 300_000,
    outputSchemas: {},
  };
  const key = { name: "bot", key: "k", principal: "bot", may: ["run"], tools: { allow: ["db/*"] } } as const;
  expect(baseLayers({ tools }, key)).toEqual([
    { rule: "tools.allow", allow: ["*"], autoExecute: ["fs/*"], deployment: true },
    { rule: 'key "bot"', allow: ["db/*"] },
  ]);
});

test.for([
  ["absent", {}, []],
  ["empty", { "x-mcp-include-servers": "" }, [{ rule: "x-mcp-include-servers", servers: [] }]],
  ["*", { "x-mcp-include-servers": "*" }, []],
  [
    "a list",
    { "x-mcp-include-servers": " fs , db," },
    [{ rule: "x-mcp-include-servers", servers: ["fs", "db"] }],
  ],
  [
    "the alias",
    { "x-bf-mcp-include-clients": "fs" },
    [{ rule: "x-bf-mcp-include-clients", servers: ["fs"] }],
  ],
  ["empty tools", { "x-mcp-include-tools": " " }, [{ rule: "x-mcp-include-tools", allow: [] }]],
  ["all tools", { "x-mcp-include-tools": "*" }, [{ rule: "x-mcp-include-tools", allow: ["*"] }]],
  [
    "both spellings",
    { "x-mcp-include-tools": "fs/*,db/query", "x-bf-mcp-include-tools": ["fs/read_*", "db/*"] },
    [
      { rule: "x-mcp-include-tools", allow: ["fs/*", "db/query"] },
      { rule: "x-bf-mcp-include-tools", allow: ["fs/read_*", "db/*"] },
    ],
  ],
] as const)("the filter headers of a request: %s", ([, headers, layers]) => {
  expect(requestLayers(headers, undefined)).toEqual(layers);
});

test("tools_filter is a list of patterns, and several filters of one request intersect", () => {
  expect(requestLayers({}, [])).toEqual([{ rule: "tools_filter", allow: [] }]);
  const layers = requestLayers({ "x-mcp-include-servers": "fs" }, ["*/read_*", "db/query"]);
  expect(seen(deployment(["*"]), ...layers)).toEqual(["fs/read_dir", "fs/read_file"]);
});

test.for(["fs/*", null, {}, [1], ["fs/*", null]])("tools_filter %j is refused with its pointer", (filter) => {
  expect(() => requestLayers({}, filter)).toThrow(
    expect.objectContaining({
      code: "invalid_request",
      param: "tools_filter",
      errors: [expect.objectContaining({ pointer: "/tools_filter" })],
    }),
  );
});

test.for([
  ["listIssues", ["list_issues", "get_issue", "list-pulls"], ["list_issues"]],
  ["list_isseus", ["list_pulls", "list_issues"], ["list_issues"]],
  ["prot", ["port", "host", "admin"], ["port"]],
  ["get", ["get_order", "get_item", "put"], ["get_item", "get_order"]],
  ["zzz", ["list_issues"], []],
  ["", ["a"], ["a"]],
] as const)("names near %j in %j are %j", ([wanted, names, expected]) => {
  expect(nearestNames(wanted, names)).toEqual(expected);
});
