// biome-ignore-all lint/suspicious/noTemplateCurlyInString: such texts are what a configuration holds.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { defaultCeilings, defaultLimits } from "../../sandbox/limits.ts";
import type { Config } from "../../src/config/config.ts";
import { configFrom, type LoadedConfig, type LoadOptions, loadConfig } from "../../src/config/load.ts";
import { redactions } from "../../src/config/secrets.ts";
import type { ServerSpec } from "../../src/mcp/server.ts";

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "toolarium-config-"));
  path = join(folder, "toolarium.json");
});
afterAll(() => rm(folder, { recursive: true }));

const noDemo = () => {
  throw new Error("the demo was asked for");
};

async function load(text: string, options: Partial<LoadOptions> = {}): Promise<LoadedConfig> {
  await writeFile(path, text);
  return loadConfig({ path, env: {}, demo: noDemo, ...options });
}

/** The lines of the refusal, the folder left out. */
async function faultsOf(text: string, options: Partial<LoadOptions> = {}): Promise<readonly string[]> {
  const error: unknown = await load(text, options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: "config_error" });
  return error instanceof Error ? error.message.replaceAll(`${folder}/`, "").split("\n") : [];
}

const json = (value: unknown) => JSON.stringify(value);

test("an empty file is a configuration: every default is there", async () => {
  const { config, warnings, source } = await load("{}");
  expect(config).toEqual({
    servers: [],
    mcp: { readyWaitMs: 5_000, maxMessageBytes: 67_108_864, unprefixed: false },
    tools: {
      allow: ["*"],
      autoExecute: [],
      readOnly: [],
      idempotent: [],
      timeoutMs: 30_000,
      maxTimeoutMs: 300_000,
      outputSchemas: {},
    },
    providers: [],
    models: [],
    limits: defaultLimits,
    limitCeilings: defaultCeilings,
    sandbox: {
      workers: availableParallelism(),
      runsPerWorker: 8,
      queue: 256,
      isolation: "principal",
      wrapper: [],
    },
    agent: { maxTurns: 10, maxToolCalls: 256, resultTokens: 4_000 },
    declarations: { tokenBudget: 4_000, learn: true },
    approvals: { expiresMs: 86_400_000 },
    keys: [],
    store: { path: join(folder, "toolarium.db"), retentionDays: 30, fsync: false },
    server: {
      host: "127.0.0.1",
      port: 8_080,
      allowedHosts: [],
      allowedOrigins: [],
      admin: false,
      modelSuffixes: true,
      bodyLimitBytes: 8_388_608,
      chatBodyLimitBytes: 33_554_432,
      memoryBudgetMb: 512,
      reattachMs: 30_000,
    },
  } satisfies Config);
  expect(warnings).toEqual([]);
  expect(source).toBe(path);
});

test("comments, trailing commas and a byte order mark are fine", async () => {
  const { config } = await load('\uFEFF// ours\n{ "server": { "port": 9, /* here */ }, }');
  expect(config.server.port).toBe(9);
});

const common = { disabled: false, startTimeoutMs: 30_000, trustAnnotations: false, protocol: "auto" };

test.for([
  [{ command: "npx" }, { type: "stdio", command: "npx", args: [], env: {} }],
  [
    { type: "stdio", command: "x", args: ["-y"], env: { A: "1" } },
    { type: "stdio", command: "x", args: ["-y"], env: { A: "1" } },
  ],
  [{ url: "https://a/mcp" }, { type: "http", url: "https://a/mcp", headers: {}, fallbackToSse: true }],
  [
    { type: "http", url: "http://a" },
    { type: "http", url: "http://a", headers: {}, fallbackToSse: true },
  ],
  [
    { type: "streamable-http", url: "http://a" },
    { type: "http", url: "http://a", headers: {}, fallbackToSse: true },
  ],
  [
    { type: "streamableHttp", url: "http://a" },
    { type: "http", url: "http://a", headers: {}, fallbackToSse: true },
  ],
  [
    { type: "sse", url: "http://a", headers: { x: "y" } },
    { type: "sse", url: "http://a", headers: { x: "y" }, fallbackToSse: false },
  ],
] as const)("the entry %j is reached as %j", async ([entry, target]) => {
  for (const section of ["mcpServers", "servers"]) {
    const { config, warnings } = await load(json({ [section]: { one: entry } }));
    expect(config.servers).toEqual([{ ...common, name: "one", ...target }]);
    expect(warnings).toEqual([]);
  }
});

test("a server's own settings are kept, and paths are relative to the file", async () => {
  const entry = {
    command: "./bin/server",
    cwd: "data",
    disabled: true,
    startTimeoutMs: 1,
    timeoutMs: 2,
    trustAnnotations: true,
    protocol: "2025-11-25",
  };
  const { config } = await load(
    json({
      mcpServers: { a: entry },
      sandbox: { wrapper: ["../wrap", "./as-it-is"] },
      store: { path: "db/x.db" },
    }),
  );
  expect(config.servers).toEqual([
    {
      name: "a",
      type: "stdio",
      command: join(folder, "bin/server"),
      args: [],
      env: {},
      cwd: join(folder, "data"),
      disabled: true,
      startTimeoutMs: 1,
      timeoutMs: 2,
      trustAnnotations: true,
      protocol: "2025-11-25",
    },
  ]);
  expect(config.sandbox.wrapper).toEqual([join(folder, "../wrap"), "./as-it-is"]);
  expect(config.store.path).toBe(join(folder, "db/x.db"));
});

test("a foreign key in a server's entry is a warning with its place", async () => {
  const { warnings } = await load(
    '{ "mcpServers": {\n  "a": { "command": "x", "autoApprove": ["read"], "timeoutMS": 5 }\n} }',
  );
  expect(warnings.map((line) => line.replaceAll(`${folder}/`, ""))).toEqual([
    'toolarium.json:2:26 mcpServers.a.autoApprove: is ignored: what runs without a person is listed in "tools": write "autoExecute": ["a/read"] there',
    'toolarium.json:2:51 mcpServers.a.timeoutMS: is ignored: Toolarium has no such server setting; did you mean "timeoutMs"?',
  ]);
});

test("an unknown key anywhere else is an error with file, line, column and the key that was meant", async () => {
  const text =
    '{\n  "server": {\n    "prot": 1\n  },\n  "tool": {}, "limits": { "wall": 1 }, "keys": [{ "name": "n", "key": "k", "tools": { "allowed": [] } }]\n}';
  expect(await faultsOf(text)).toEqual([
    'toolarium.json:5:27 limits.wall: unknown key; did you mean "wallMs"?',
    'toolarium.json:5:87 keys[0].tools.allowed: unknown key; did you mean "allow"?',
    'toolarium.json:3:5 server.prot: unknown key; did you mean "port"?',
    'toolarium.json:5:3 tool: unknown key; did you mean "tools"?',
  ]);
});

test("all faults of a file are told at once", async () => {
  const text = json({
    mcpServers: {
      a: {},
      local: { command: "x" },
      b__c: { command: "x" },
      d: { type: "sse" },
      e: { url: "ftp://x" },
    },
    tools: { allow: "*" },
    limits: { wallMs: 10, cpuMs: 70_000 },
    keys: [
      { name: "n", key: "0123456789abcdef" },
      { name: "n", key: "0123456789abcdef", decides: ["*"] },
    ],
    providers: {
      "a/b": { baseUrl: "https://x" },
      builtin: { baseUrl: "https://x" },
      c: { baseUrl: "${NOT_SET}" },
    },
    server: { port: 70_000 },
  });
  expect((await faultsOf(text)).map((line) => line.replace(/^toolarium.json:1:\d+ /, ""))).toEqual([
    "providers.c.baseUrl: ${NOT_SET} is not set, and has no default",
    "mcpServers.e.url: expected an http or https URL",
    "tools.allow: expected an array, got a string",
    "server.port: expected at most 65535",
    "mcpServers.a: needs a command or a url",
    'mcpServers.local: the name "local" belongs to tools that are defined in code',
    'mcpServers.b__c: a server\'s name has at most 64 letters, digits, "_", "." and "-", begins with a letter or digit, and has no "__"; write e.g. "b_c"',
    "mcpServers.d: a server of type sse needs a url",
    'providers["a/b"]: a provider\'s name is not empty and has no "/"',
    'providers.builtin: the name "builtin" is taken',
    "limits.cpuMs: is above limitCeilings.cpuMs, which is 60000",
    "keys[1].name: another key has the same",
    "keys[1].key: another key has the same",
    'keys[1].decides: needs the right to decide: add "decide" to the key\'s may',
  ]);
});

test.for([
  ["{", "toolarium.json:1:2 close brace expected"],
  ['{ "a": }', "toolarium.json:1:8 value expected"],
  ["{ “mcpServers”: {} }", 'toolarium.json:1:3 invalid symbol: these are typographic quotes; write "'],
  ["{ 'mcpServers': {} }", 'toolarium.json:1:3 invalid symbol: texts stand in double quotes; write "'],
  ['"mcpServers": {}', "toolarium.json:1:13 end of file expected: write { } around the whole"],
  ["```json\n{}\n```", "toolarium.json:1:1 invalid symbol: this is Markdown's mark; leave it out"],
  [
    '{ "command": "npx" }',
    'toolarium.json:1:1: this is one MCP server: write { "mcpServers": { "its-name": { … } } }',
  ],
  [
    '{ "files": { "command": "npx" } }',
    'toolarium.json:1:3 files: is an MCP server: move it into "mcpServers": { "files": { … } }',
  ],
  [
    '{ "mcp": { "servers": {} }, "mcpServers": {} }',
    "toolarium.json:1:12 mcp.servers: means the same as mcpServers",
  ],
  [
    '{ "mcp": { "servers": { "a": { "transport": "ws", "url": "http://x" } } } }',
    "toolarium.json:1:45 mcp.servers.a.transport: expected",
  ],
  [
    '{ "mcpServers": { "a": { "url": "http://x", "httpUrl": "http://y" } } }',
    "mcpServers.a.httpUrl: means the same as url",
  ],
  [
    '{ "mcpServers": { "a": { "serverUrl": "x" } } }',
    "toolarium.json:1:39 mcpServers.a.serverUrl: expected an http or https URL",
  ],
  [
    '{ "mcpServers": { "a": { "command": "x", "enabled": "no" } } }',
    "mcpServers.a.enabled: expected true or false",
  ],
  ['{ "mcpServers": { "@org/My files": { "command": "x" } } }', 'write e.g. "My-files"'],
  ["", "toolarium.json:1:1 value expected"],
  ["[]", "toolarium.json: expected an object"],
  ['{ "server": {},\n "server": {} }', 'toolarium.json:2:2 the key "server" stands here twice'],
  ['{ "mcpServers": { "__proto__": {} } }', "toolarium.json:1:19 __proto__ cannot be a key"],
  ['{ "mcpServers": {}, "servers": {} }', "toolarium.json:1:21 servers: means the same as mcpServers"],
  [
    '{ "mcpServers": { "a": { "command": "x", "url": "http://x" } } }',
    "mcpServers.a: has a command and a url",
  ],
  [
    '{ "servers": { "a": { "type": "websocket" } } }',
    'toolarium.json:1:31 servers.a.type: expected "stdio" or "http"',
  ],
  ['{ "limits": { "memoryMb": 4 } }', "limits.memoryMb: expected at least 8"],
  ['{ "limits": { "wallMs": 1.5 } }', "limits.wallMs: expected a whole number, got a fraction"],
  ['{ "providers": { "p": {} } }', "toolarium.json:1:23 providers.p.baseUrl: is missing: expected a string"],
  [
    '{ "providers": { "p": { "baseUrl": "http://x", "apiKey": "a",\n "apiKeys": [{ "key": "b" }] } } }',
    "toolarium.json:2:2 providers.p.apiKeys: says the same as apiKey, which is there too; keep one of them",
  ],
  [
    '{ "providers": { "p": { "baseUrl": "http://x", "apiKeys": [{ "key": "b" }, { "key": "b" }] } } }',
    "toolarium.json:1:85 providers.p.apiKeys[1].key: stands here twice; give one entry the weight of both",
  ],
  [
    '{ "providers": { "p": { "baseUrl": "http://x", "apiKeys": [] } } }',
    "providers.p.apiKeys: expected at least 1 entry",
  ],
  [
    '{ "providers": { "p": { "baseUrl": "http://x", "apiKeys": [{ "key": "b", "weight": 0 }] } } }',
    "providers.p.apiKeys[0].weight: expected more than 0",
  ],
  [
    '{ "providers": { "p": { "baseUrl": "http://x", "retries": -1 } } }',
    "providers.p.retries: expected at least 0",
  ],
  [
    '{ "providers": { "open": { "baseUrl": "http://x" } }, "models": { "m": ["open/x", "opne/y"] } }',
    'toolarium.json:1:83 models.m[1]: names a provider that is not configured; did you mean "open"?',
  ],
  [
    '{ "providers": { "p": { "type": "claude", "apiKey": "k" } } }',
    'toolarium.json:1:33 providers.p.type: expected "openai" or "anthropic" or "google" or "bedrock"',
  ],
  [
    '{ "providers": { "p": { "type": "anthropic" } } }',
    'toolarium.json:1:23 providers.p.apiKey: is missing: a provider of the type "anthropic" needs apiKey or apiKeys',
  ],
  [
    '{ "providers": { "p": { "type": "bedrock", "apiKey": "k" } } }',
    'providers.p.region: is missing: expected an AWS region such as "eu-central-1"',
  ],
  [
    '{ "providers": { "p": { "type": "bedrock", "region": "eu-west-1", "accessKeyId": "A" } } }',
    "needs apiKey or apiKeys, or accessKeyId and secretAccessKey",
  ],
  [
    '{ "providers": { "p": { "type": "google", "apiKey": "k",\n "region": "eu-west-1" } } }',
    'toolarium.json:2:2 providers.p.region: is only for providers of the type "bedrock"',
  ],
  ['{ "models": { "m": ["gpt"] } }', "toolarium.json:1:21 models.m[0]: expected provider/model"],
  ['{ "models": { "m": [] } }', "models.m: expected at least 1 entry"],
  [
    '{ "models": { "m:code": ["p/x"] }, "providers": { "p": { "baseUrl": "http://x" } } }',
    'models["m:code"]: the name of a chain is not empty, has no "/", and does not end in a mode',
  ],
  ['{ "keys": [{ "name": "n", "key": "" }] }', "keys[0].key: expected text without blanks"],
  [
    '{ "keys": [{ "name": "n", "key": "k", "may": ["fly"] }] }',
    'keys[0].may[0]: expected "run" or "decide" or "admin"',
  ],
] as const)("the file %j is refused: %s", async ([text, fault]) => {
  const [first = ""] = await faultsOf(text);
  expect(first).toContain(fault);
});

test("a file that is not there is refused by its name", async () => {
  await expect(loadConfig({ path: "nowhere/toolarium.json", env: {}, demo: noDemo })).rejects.toMatchObject({
    code: "config_error",
    message:
      "nowhere/toolarium.json: there is no such file. Name one with --config, or leave it out for the demo.",
  });
});

test("variables and files are expanded once, in the string values of the file only", async () => {
  await writeFile(join(folder, "secret.txt"), "from-file-${A}\n");
  const text = json({
    mcpServers: {
      s: {
        command: "x",
        args: [
          "${A}",
          "${env:A}-${B:-default}",
          "${EMPTY:-d}",
          "${EMPTY}",
          "${file:secret.txt}",
          "$A ${B:-}",
        ],
        env: { "${A}": "literal key" },
      },
    },
  });
  const env = { A: "${B}", EMPTY: "", TOOLARIUM_AGENT__MAXTURNS: "3", TOOLARIUM_SERVER__HOST: "127.0.0.1" };
  const { config } = await load(text, { env });
  expect(config.servers).toMatchObject([
    { args: ["${B}", "${B}-default", "d", "", "from-file-${A}", "$A "], env: { "${A}": "literal key" } },
  ]);
});

test("the environment's own values are not expanded", async () => {
  const env = { A: "b", TOOLARIUM_TOOLS__ALLOW: '["${A}/*"]' };
  expect((await load("{}", { env })).config.tools.allow).toEqual(["${A}/*"]);
});

test.for([
  ["${NOT_SET}", "${NOT_SET} is not set, and has no default"],
  ["${env:NOT_SET}", "${NOT_SET} is not set, and has no default"],
  ["${file:nothing.txt}", 'the file of "${file:…}" cannot be read (ENOENT)'],
  [
    "${input:api-token}",
    '"${input:api-token}" asks the user for a value, which a gateway cannot do at its start: write ${API_TOKEN}',
  ],
  ["${workspaceFolder}/x", '"${workspaceFolder}" is an editor\'s: write the folder itself'],
  ["${workspaceFolder:web}/x", '"${workspaceFolder:web}" is an editor\'s'],
  ["${config:mcp.key}", '"${config:mcp.key}" is an editor\'s: write the value itself, or ${VAR}'],
  ["${a b}", '"${a b}" is not understood'],
  ["${A", 'a "${" is not closed'],
] as const)("the reference %s is refused where it stands", async ([reference, fault]) => {
  const [line] = await faultsOf(`{ "mcpServers": {\n  "a": { "url": ${json(reference)} } } }`);
  expect(line).toContain(`toolarium.json:2:17 mcpServers.a.url: ${fault}`);
});

test("no value stands in a refusal or a warning, as it may be a secret", async () => {
  const secret = "s3cr3t-value";
  const text = json({
    mcpServers: { a: { type: "${S}", url: "${S}", foreign: "${S}", headers: { h: ["${S}"] } } },
    keys: [
      { name: "a", key: "${S} x" },
      { name: "${S}", key: "k", mode: "${S}" },
    ],
    server: { port: "${S}", host: "${S}" },
    store: { path: 5 },
  });
  const faults = await faultsOf(text, { env: { S: secret, TOOLARIUM_LIMITS__WALLMS: secret } });
  expect(faults.length).toBeGreaterThan(6);
  expect(faults.join("\n")).not.toContain(secret);
});

test("flags win over the environment, the environment over the file", async () => {
  const text = json({ server: { host: "127.0.0.2", port: 1 }, agent: { maxTurns: 1 } });
  const env = { TOOLARIUM_HOST: "127.0.0.3", TOOLARIUM_SERVER__PORT: "2", TOOLARIUM_AGENT__MAX_TURNS: "3" };
  const { config } = await load(text, { env, flags: { port: 4 } });
  expect(config.server).toMatchObject({ host: "127.0.0.3", port: 4 });
  expect(config.agent.maxTurns).toBe(3);
});

test("any setting can be a variable: text as it is, anything else as JSON", async () => {
  const env = {
    TOOLARIUM_SERVER__ADMIN: "true",
    TOOLARIUM_TOOLS__AUTOEXECUTE: '["a/*"]',
    TOOLARIUM_MCPSERVERS__MY_DB__URL: "http://db/mcp",
    TOOLARIUM_MCPSERVERS__MY_DB__HEADERS__Authorization: "Bearer x",
    TOOLARIUM_PROVIDERS__OPENAI__BASEURL: "http://o",
    TOOLARIUM_PROVIDERS__OPENAI__APIKEY: "123456",
    TOOLARIUM_STORE__PATH: "here.db",
    TOOLARIUM_PORT: "",
    TOOLARIUM_LOG: "debug",
    TOOLARIUM_KEY: "of an MCP client",
    UNRELATED: "x",
  };
  const { config } = await load('{ "mcpServers": { "my-db": { "url": "http://old" } } }', { env });
  expect(config.server).toMatchObject({ admin: true, port: 8_080 });
  expect(config.tools.autoExecute).toEqual(["a/*"]);
  expect(config.servers).toMatchObject([
    { name: "my-db", url: "http://db/mcp", headers: { Authorization: "Bearer x" } },
  ]);
  expect(config.providers).toMatchObject([{ name: "openai", baseUrl: "http://o", models: [] }]);
  expect(config.providers[0]?.apiKeys).toEqual([{ key: "123456", weight: 1 }]);
  expect(config.store.path).toBe(join(process.cwd(), "here.db"));
});

test("a variable or flag that is wrong is named", async () => {
  const env = {
    TOOLARIUM_SERVER__PRT: "1",
    TOOLARIUM_SERVER__PORT: "many",
    TOOLARIUM_LIMITS__WALLMS: "1",
    TOOLARIUM_LIMITS__WALL_MS: "2",
  };
  expect(await faultsOf("{}", { env, flags: { host: "" } })).toEqual([
    "TOOLARIUM_LIMITS__WALL_MS: sets the same as TOOLARIUM_LIMITS__WALLMS; keep one of them",
    'TOOLARIUM_SERVER__PRT: unknown variable; did you mean "TOOLARIUM_SERVER__PORT"?',
    "--host (server.host): expected text that is not empty",
    "TOOLARIUM_SERVER__PORT (server.port): expected a number, got a string",
  ]);
});

test("TOOLARIUM_CONFIG names the file, unless a path is given", async () => {
  await load('{ "server": { "port": 7 } }');
  const { config, source } = await loadConfig({ env: { TOOLARIUM_CONFIG: path }, demo: noDemo });
  expect(config.server.port).toBe(7);
  expect(source).toBe(path);
  expect((await load("{}", { env: { TOOLARIUM_CONFIG: "nowhere" } })).config.server.port).toBe(8_080);
});

const local: ServerSpec = {
  ...common,
  name: "local",
  type: "local",
  tools: [],
};

test("without a file there is the demo, with the environment and flags on top and nothing kept on disk", async () => {
  const demo = () => ({ config: { tools: { autoExecute: ["local/*"] } }, servers: [local] });
  const { config, source } = await loadConfig({ env: { TOOLARIUM_PORT: "0" }, demo });
  expect(source).toBe("demo");
  expect(config.servers).toEqual([local]);
  expect(config.tools.autoExecute).toEqual(["local/*"]);
  expect(config.store.path).toBe(":memory:");
  expect(config.server.port).toBe(0);
});

test("servers given in code come first, and share their names with no entry", () => {
  const { config } = configFrom({ mcpServers: { a: { command: "x" } } }, [local]);
  expect(config.servers.map(({ name }) => name)).toEqual(["local", "a"]);
  expect(() => configFrom({ mcpServers: { a: { command: "x" } } }, [{ ...local, name: "a" }])).toThrow(
    "options mcpServers.a: a server of this name is there already",
  );
});

test("what is given in code is neither expanded nor changed", () => {
  const options = Object.freeze({ mcpServers: Object.freeze({ a: Object.freeze({ command: "${HOME}" }) }) });
  expect(configFrom(options).config.servers).toMatchObject([{ command: "${HOME}" }]);
});

test.for(["0.0.0.0", "::", "192.168.1.5", "example.com", "127.evil.com"])(
  "listening on %s without keys is refused, and the refusal names the remedy",
  async (host) => {
    const [line] = await faultsOf("{}", { flags: { host } });
    expect(line).toMatch(/^--host \(server.host\): .*not loopback.*add keys.*127\.0\.0\.1$/);
    const keys = { keys: [{ name: "me", key: "0123456789abcdef" }] };
    expect((await load(json(keys), { flags: { host } })).config.server.host).toBe(host);
  },
);

test.for(["localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]"])(
  "listening on %s needs no keys",
  async (host) => {
    expect((await load("{}", { flags: { host } })).config.server.host).toBe(host);
  },
);

test("a key's principal is its name, and it may run", async () => {
  const key = { name: "bot", key: "0123456789abcdef" };
  const { config } = await load(
    json({ keys: [key, { ...key, name: "b", key: "x".repeat(16), principal: "bot", tools: { allow: [] } }] }),
  );
  expect(config.keys).toEqual([
    { ...key, principal: "bot", may: ["run"], tools: {} },
    { name: "b", key: "x".repeat(16), principal: "bot", may: ["run"], tools: { allow: [] } },
  ]);
});

test("what one answer may take can be said for the deployment and for a key", async () => {
  const agent = { maxTurns: 4, maxToolCalls: 20, maxWallMs: 60_000 };
  const keys = [{ name: "bot", key: "k".repeat(20), mode: "auto", agent: { maxToolCalls: 5 } }];
  const { config } = await load(json({ agent, keys }));
  expect(config.agent).toEqual({ ...agent, resultTokens: 4_000 });
  expect(config.keys[0]).toMatchObject({ mode: "auto", agent: { maxToolCalls: 5 } });
  expect(await faultsOf(json({ agent: { maxWallMs: 0 } }))).toEqual([
    expect.stringContaining("agent.maxWallMs"),
  ]);
});

test("a short key, and a pattern that matches nothing, are warnings", async () => {
  const text = json({ tools: { allow: ["filesystem", "*", "a/b"] }, keys: [{ name: "n", key: "short" }] });
  const { warnings } = await load(text);
  expect(warnings.map((line) => line.replace(/^.*json:\S+ /, ""))).toEqual([
    "keys[0].key: is shorter than 16 characters; make it long and random",
    'tools.allow[0]: has no "/", so it matches nothing; write server/tool, server/* or *',
  ]);
});

test("output schemas are looked into, so that no slip declares any", async () => {
  const of = (schema: unknown): string => json({ tools: { outputSchemas: { "a/b": schema } } });
  const good = {
    type: ["object", "null"],
    properties: { n: { enum: [1] }, required: true },
    required: ["n"],
  };
  const { config } = await load(of(good));
  expect(config.tools.outputSchemas).toEqual({ "a/b": good });
  expect(
    await faultsOf(`{
  "tools": {
    "outputSchemas": {
      "db": {},
      "db/*": { "type": "object" },
      "db/get": { "type": "objekt" },
      "db/list": {
        "type": "array",
        "items": { "properties": [] }
      },
      "db/find": { "anyOf": [{ "items": "text" }, { "required": "id" }] },
      "db/all": 7
    }
  }
}`),
  ).toEqual([
    "toolarium.json:4:7 tools.outputSchemas.db: names no tool: write server/tool; patterns are not for schemas",
    'toolarium.json:5:7 tools.outputSchemas["db/*"]: names no tool: write server/tool; patterns are not for schemas',
    'toolarium.json:6:27 tools.outputSchemas["db/get"].type: expected "object", "array", "string", "number", "integer", "boolean", "null", or a list of them',
    'toolarium.json:9:34 tools.outputSchemas["db/list"].items.properties: expected an object of JSON Schemas',
    'toolarium.json:11:41 tools.outputSchemas["db/find"].anyOf[0].items: expected a JSON Schema: an object, true or false',
    'toolarium.json:11:65 tools.outputSchemas["db/find"].anyOf[1].required: expected a list of names',
    'toolarium.json:12:17 tools.outputSchemas["db/all"]: expected a JSON Schema: an object, true or false',
  ]);
});

test("an output schema for a server that is not there is a warning", async () => {
  const { warnings } = await load(
    json({
      mcpServers: { github: { command: "x" } },
      tools: { outputSchemas: { "githb/get": {}, "github/get": {}, "local/add": {} } },
    }),
  );
  expect(warnings.map((line) => line.replace(/^.*json:\S+ /, ""))).toEqual([
    'tools.outputSchemas["githb/get"]: there is no server "githb"; did you mean "github"?',
  ]);
});

test("a lowered ceiling takes the default down with it", async () => {
  const { config } = await load(json({ limitCeilings: { wallMs: 10_000, toolCalls: 5 } }));
  expect(config.limits).toMatchObject({ wallMs: 10_000, cpuMs: 5_000, toolCalls: 5 });
  expect(config.limitCeilings).toMatchObject({ wallMs: 10_000, cpuMs: 60_000, toolCalls: 5 });
});

test("a provider's keys, retries and time limits have defaults, and chains keep their order", async () => {
  const { config } = await load(
    json({
      providers: {
        plain: { baseUrl: "http://x", apiKey: "${KEY}" },
        full: {
          baseUrl: "http://y",
          apiKeys: [{ key: "${KEY}", weight: 3 }, { key: "b" }],
          models: ["m"],
          retries: 0,
          firstByteTimeoutMs: 5_000,
          idleTimeoutMs: 1_000,
        },
      },
      models: { fast: ["full/m", "plain/m"] },
    }),
    { env: { KEY: "from-env" } },
  );
  expect(config.providers).toEqual([
    {
      name: "plain",
      type: "openai",
      baseUrl: "http://x",
      apiKeys: [{ key: "from-env", weight: 1 }],
      models: [],
      retries: 2,
      timeouts: { firstByteMs: 600_000, idleMs: 300_000 },
      region: null,
      signing: null,
    },
    {
      name: "full",
      type: "openai",
      baseUrl: "http://y",
      apiKeys: [
        { key: "from-env", weight: 3 },
        { key: "b", weight: 1 },
      ],
      models: ["m"],
      retries: 0,
      timeouts: { firstByteMs: 5_000, idleMs: 1_000 },
      region: null,
      signing: null,
    },
  ]);
  expect(config.models).toEqual([{ name: "fast", members: ["full/m", "plain/m"] }]);
});

test("a provider of another type knows its address, and Bedrock's keys are secrets like any other", async () => {
  const { config } = await load(
    json({
      providers: {
        a: { type: "anthropic", apiKey: "k1" },
        g: { type: "google", apiKey: "k2" },
        b: {
          type: "bedrock",
          region: "eu-west-1",
          accessKeyId: "AKIA01",
          secretAccessKey: "secret-access",
          sessionToken: "session-token",
        },
        own: { type: "anthropic", apiKey: "k3", baseUrl: "http://proxy/v1" },
      },
    }),
  );
  expect(config.providers.map(({ baseUrl }) => baseUrl)).toEqual([
    "https://api.anthropic.com/v1",
    "https://generativelanguage.googleapis.com/v1beta",
    "https://bedrock-runtime.eu-west-1.amazonaws.com",
    "http://proxy/v1",
  ]);
  expect(redactions(config)).toEqual(["secret-access", "session-token", "AKIA01"]);
});

test("a chain may name a provider whose entry is refused for something else", async () => {
  const text = json({ providers: { p: { baseUrl: 5 } }, models: { m: ["p/x"] } });
  expect(await faultsOf(text)).toEqual([expect.stringContaining("providers.p.baseUrl: expected a string")]);
});

test("an empty API key is none", async () => {
  const provider = { baseUrl: "http://x", apiKey: "${KEY:-}", models: ["m"] };
  const { config } = await load(json({ providers: { p: provider } }));
  expect(config.providers).toMatchObject([{ name: "p", baseUrl: "http://x", apiKeys: [], models: ["m"] }]);
});

test("redactions are all secrets of the configuration, the longest first", async () => {
  const { config } = await load(
    json({
      mcpServers: {
        a: { command: "x", env: { TOKEN: "env-secret", MODE: "dev" } },
        b: { url: "http://b", headers: { Authorization: "Bearer header-secret" } },
      },
      providers: {
        p: { baseUrl: "http://x", apiKey: "provider-secret-1" },
        q: { baseUrl: "http://x", apiKeys: [{ key: "provider-2" }, { key: "provider-03" }] },
      },
      keys: [{ name: "n", key: "key-secret-0123456" }],
    }),
  );
  expect(redactions(config)).toEqual([
    "Bearer header-secret",
    "key-secret-0123456",
    "provider-secret-1",
    "header-secret",
    "provider-03",
    "provider-2",
    "env-secret",
  ]);
});
