// biome-ignore-all lint/suspicious/noTemplateCurlyInString: such texts are what a configuration holds.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type LoadedConfig, loadConfig } from "../../src/config/load.ts";

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "toolarium-pasted-"));
  path = join(folder, "toolarium.json");
});
afterAll(() => rm(folder, { recursive: true }));

async function load(file: unknown, env: Record<string, string> = {}): Promise<LoadedConfig> {
  await writeFile(path, typeof file === "string" || Buffer.isBuffer(file) ? file : JSON.stringify(file));
  const demo = (): never => {
    throw new Error("the demo was asked for");
  };
  return loadConfig({ path, env: { HOME: "/home/me", ...env }, demo });
}

async function warningsOf(file: unknown): Promise<readonly string[]> {
  return (await load(file)).warnings.map((line) => line.replace(/^\S+toolarium\.json:\d+:\d+ /, ""));
}

const stdio = { name: "a", type: "stdio", command: "npx", args: ["-y", "pkg"], env: {}, disabled: false };
const http = { name: "a", type: "http", url: "https://a/mcp", headers: {}, fallbackToSse: true };
const sse = { ...http, type: "sse", fallbackToSse: false };
const npx = { command: "npx", args: ["-y", "pkg"] };
const remote = { url: "https://a/mcp" };

test.for<[what: string, file: unknown, server: object]>([
  ["VS Code's servers", { servers: { a: npx } }, stdio],
  ["VS Code's settings", { mcp: { servers: { a: npx }, inputs: [] } }, stdio],
  ["VS Code's settings, as one key", { "mcp.servers": { a: npx } }, stdio],
  ["our own mcp section beside them", { mcp: { servers: { a: npx }, readyWaitMs: 7 } }, stdio],
  ["Zed", { context_servers: { a: { source: "custom", enabled: true, ...npx } } }, stdio],
  [
    "Zed, with a command of parts",
    { context_servers: { a: { command: { path: "npx", args: ["-y", "pkg"], env: null } } } },
    stdio,
  ],
  [
    "opencode, local",
    { mcp: { a: { type: "local", command: ["npx", "-y", "pkg"], enabled: true, environment: {} } } },
    stdio,
  ],
  ["opencode, remote", { mcp: { a: { type: "remote", ...remote } } }, http],
  ["snake case", { mcp_servers: { a: { ...npx, envs: {} } } }, stdio],
  ["a list of servers", { mcpServers: [{ name: "a", ...npx }] }, stdio],
  ["a file inside of an entry", { mcpServers: { outer: { mcpServers: { a: npx } } } }, stdio],
  [
    "empty fields of a form",
    { mcpServers: { a: { ...npx, env: null, url: "", cwd: "", headers: null } } },
    stdio,
  ],
  ["a switch that is on", { mcpServers: { a: { ...npx, isActive: true } } }, stdio],
  ["words in capitals", { mcpServers: { a: { type: "STDIO", ...npx } } }, stdio],
  [
    "numbers as arguments",
    { mcpServers: { a: { command: "npx", args: ["--port", 80, true] } } },
    { ...stdio, args: ["--port", "80", "true"] },
  ],
  [
    "numbers as variables",
    { mcpServers: { a: { ...npx, env: { PORT: 80, DEBUG: true, NONE: null } } } },
    { ...stdio, env: { PORT: "80", DEBUG: "true" } },
  ],
  [
    "variables as a list",
    { mcpServers: { a: { ...npx, env: ["A=1=2", "B="] } } },
    { ...stdio, env: { A: "1=2", B: "" } },
  ],
  [
    "variables as pairs",
    { mcpServers: { a: { ...npx, env: [{ name: "A", value: "1" }] } } },
    { ...stdio, env: { A: "1" } },
  ],
  ["serverUrl", { mcpServers: { a: { serverUrl: "https://a/mcp" } } }, http],
  ["httpUrl", { mcpServers: { a: { httpUrl: "https://a/mcp" } } }, http],
  ["streamableHttp", { mcpServers: { a: { type: "streamableHttp", ...remote } } }, http],
  ["streamable_http", { mcpServers: { a: { type: "streamable_http", ...remote } } }, http],
  ["Streamable-HTTP", { mcpServers: { a: { type: "Streamable-HTTP", ...remote } } }, http],
  ["the type url", { mcpServers: { a: { type: "url", ...remote } } }, http],
  ["transport", { mcpServers: { a: { transport: "sse", ...remote } } }, sse],
  ["transportType", { mcpServers: { a: { transportType: "sse", ...remote } } }, sse],
  ["a transport of parts", { mcpServers: { a: { transport: { type: "sse", ...remote } } } }, sse],
  [
    "headers as numbers",
    { mcpServers: { a: { ...remote, headers: { "X-Id": 7 } } } },
    { ...http, headers: { "X-Id": "7" } },
  ],
  [
    "comments as keys",
    '{ "//": "one", "//": "two", "mcpServers": { "//off": {}, "a": { "_comment": "x", "command": "npx", "args": ["-y", "pkg"], }, } }',
    stdio,
  ],
  [
    "a file as Windows writes it",
    Buffer.from(`\uFEFF${JSON.stringify({ mcpServers: { a: npx } })}`, "utf16le"),
    stdio,
  ],
])("%s is read without a remark", async ([_what, file, server]) => {
  const { config, warnings } = await load(file);
  expect(config.servers).toEqual([expect.objectContaining(server)]);
  expect(warnings).toEqual([]);
});

test("of VS Code's settings our own mcp section keeps its value", async () => {
  expect((await load({ mcp: { servers: {}, readyWaitMs: 7 } })).config.mcp).toMatchObject({ readyWaitMs: 7 });
});

test.for([
  { disabled: true },
  { enabled: false },
  { isActive: false },
  { active: false },
  { enabled: true, disabled: true },
])("a server with %j is off, and needs neither its variables nor its files", async (off) => {
  const { config, warnings } = await load({
    mcpServers: {
      a: { ...off, command: "${NOT_SET}", args: ["${input:x}"], env: { KEY: "${file:none.txt}" } },
      b: { ...off, url: "${NOT_SET}/mcp", headers: { Authorization: "Bearer <YOUR_KEY>" } },
    },
  });
  expect(config.servers.map(({ name, type, disabled }) => [name, type, disabled])).toEqual([
    ["a", "stdio", true],
    ["b", "http", true],
  ]);
  expect(warnings).toEqual([]);
});

test("~ is the user's folder in commands, arguments, variables, working directories, wrappers and the store", async () => {
  const { config } = await load({
    mcpServers: {
      a: { command: "~/bin/x", args: ["~", "~/docs", "a~/b", "~other"], env: { FILE: "~/f" }, cwd: "~/w" },
      b: { command: "x", args: ["${userHome}/y"] },
    },
    sandbox: { wrapper: ["~/wrap", "~/profile"] },
    store: { path: "~/runs.db" },
  });
  expect(config.servers).toMatchObject([
    {
      command: "/home/me/bin/x",
      args: ["/home/me", "/home/me/docs", "a~/b", "~other"],
      env: { FILE: "/home/me/f" },
      cwd: "/home/me/w",
    },
    { args: ["/home/me/y"] },
  ]);
  expect(config.sandbox.wrapper).toEqual(["/home/me/wrap", "/home/me/profile"]);
  expect(config.store.path).toBe("/home/me/runs.db");
});

test.for<[entry: object, read: object, remark: RegExp]>([
  [
    { command: "npx", args: "-y 'my pkg' /data" },
    { command: "npx", args: ["-y", "my pkg", "/data"] },
    /args: is one text/,
  ],
  [{ command: "npx -y pkg" }, { command: "npx", args: ["-y", "pkg"] }, /command: holds its arguments, too/],
  [
    { command: "cmd", args: ["/c", "npx", "-y", "pkg"] },
    { command: "npx", args: ["-y", "pkg"] },
    /is for Windows: here "npx" is started itself/,
  ],
  [{ command: "cmd.exe", args: ["/C", "npx.cmd", "x"] }, { command: "npx", args: ["x"] }, /is for Windows/],
  [{ command: "uvx.exe", args: ["x"] }, { command: "uvx", args: ["x"] }, /is for Windows/],
])("%j is understood, with a remark", async ([entry, read, remark]) => {
  const { config, warnings } = await load({ mcpServers: { a: entry } });
  expect(config.servers).toEqual([expect.objectContaining(read)]);
  expect(warnings).toEqual([expect.stringMatching(remark)]);
});

test.for<[key: string, value: unknown, remark: RegExp]>([
  ["alwaysAllow", ["read", "list"], /"tools": write "autoExecute": \["a\/read", "a\/list"\]/],
  ["autoApprove", ["read"], /"autoExecute": \["a\/read"\]/],
  ["trust", true, /"autoExecute": \["a\/\*"\]/],
  ["disabledTools", ["write"], /is ignored, so these tools CAN be called: write "allow" in "tools"/],
  ["excludeTools", ["write"], /CAN be called/],
  ["includeTools", ["read"], /"allow": \["a\/read"\]/],
  ["tools", ["*"], /"allow": \["a\/\*"\]/],
  ["timeout", 60, /write "timeoutMs" for a call, in milliseconds/],
  ["startup_timeout_sec", 60, /write "startTimeoutMs"/],
  ["oauth", {}, /"Authorization": "Bearer \$\{TOKEN\}"/],
  ["envFile", ".env", /write its variables in "env"/],
  ["somethingElse", 1, /is ignored: Toolarium has no such server setting/],
])(
  "the foreign setting %s is ignored, and the remark says what to write here",
  async ([key, value, remark]) => {
    const [line, ...more] = await warningsOf({ mcpServers: { a: { command: "x", [key]: value } } });
    expect(line).toMatch(new RegExp(`^mcpServers\\.a\\.${key}: `));
    expect(line).toMatch(remark);
    expect(more).toEqual([]);
  },
);

test("what other clients keep beside their servers is ignored with a remark", async () => {
  expect(await warningsOf({ servers: {}, inputs: [{ id: "x" }], globalShortcut: "" })).toEqual([
    expect.stringMatching(/^inputs: is ignored: a gateway cannot ask for values at its start/),
    expect.stringMatching(/^globalShortcut: is ignored/),
  ]);
});

test.for([
  ["<YOUR_API_KEY>", /placeholder/],
  ["YOUR_API_KEY_HERE", /placeholder/],
  ["your-token-here", /placeholder/],
  ["Bearer <token>", /placeholder/],
  ["/path/to/allowed/files", /placeholder/],
  ["{{API_KEY}}", /placeholder/],
  ["$HOME/docs", /\$NAME, which nothing expands: write \$\{NAME\}/],
  ["%APPDATA%\\x", /%NAME%, which nothing expands/],
] as const)(
  "the value %s is used as it is, with a remark that does not repeat it",
  async ([value, remark]) => {
    const [line = "", ...more] = await warningsOf({
      mcpServers: { a: { command: "x", env: { KEY: value } } },
    });
    expect(line).toMatch(/^mcpServers\.a\.env\.KEY: /);
    expect(line).toMatch(remark);
    expect(line).not.toContain(value);
    expect(more).toEqual([]);
  },
);
