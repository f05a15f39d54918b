/**
 * How each MCP client is told of a gateway, in the form of its own settings: by address, or as a process that the client
 * starts. The page shows these entries with the address it was loaded from, `docs/clients.md` with the default one.
 */

/**
 * @typedef {object} Entry
 * @property {string} client
 * @property {"address" | "process"} way
 * @property {string} place where the text goes: a file, or a terminal
 * @property {"json" | "toml" | "sh"} language
 * @property {string} text
 */

/**
 * @typedef {object} Setting
 * @property {string} gateway its address without a path: `http://127.0.0.1:8080`
 * @property {boolean} hasKeys whether it asks for a key
 * @property {string} [checkout] the folder of a checkout after `npm ci`
 * @property {string} [config] the configuration of a gateway that a client starts
 */

/** The environment variable in which clients, and `toolarium mcp`, find the key. */
const KEY = "TOOLARIUM_KEY";

/** Stands for the key where a client reads no variable. */
const KEY_HERE = "<the key>";

/**
 * Entries of one client stand together.
 * @param {Setting} setting
 * @returns {readonly Entry[]}
 */
export function clientEntries({
  gateway,
  hasKeys,
  checkout = "/path/to/toolarium",
  config = "/path/to/toolarium.json",
}) {
  const url = `${gateway}/mcp`;
  /** @param {string} reference the client's way to name the key */
  const headers = (reference) => (hasKeys ? { headers: { Authorization: `Bearer ${reference}` } } : {});
  const command = `${checkout}/node_modules/.bin/node`;
  const script = `${checkout}/src/bin.ts`;
  const own = { command, args: [script, "mcp"], env: { TOOLARIUM_CONFIG: config } };
  const relay = {
    command,
    args: [script, "mcp", "--url", gateway],
    ...(hasKeys ? { env: { [KEY]: KEY_HERE } } : {}),
  };
  const places = {
    desktop: "claude_desktop_config.json, from Settings, Developer, Edit Config",
    claude: ".mcp.json in the project",
    cursor: ".cursor/mcp.json in the project, or ~/.cursor/mcp.json",
    code: ".vscode/mcp.json in the project",
    codex: "~/.codex/config.toml",
    inspector: "a terminal",
  };
  return [
    json("Claude Desktop", "process", places.desktop, { mcpServers: { toolarium: relay } }),
    json("Claude Code", "address", places.claude, {
      mcpServers: { toolarium: { type: "http", url, ...headers(`\${${KEY}}`) } },
    }),
    json("Claude Code", "process", places.claude, {
      mcpServers: { toolarium: { type: "stdio", ...own } },
    }),
    json("Cursor", "address", places.cursor, {
      mcpServers: { toolarium: { url, ...headers(`\${env:${KEY}}`) } },
    }),
    json("Cursor", "process", places.cursor, { mcpServers: { toolarium: own } }),
    json("VS Code", "address", places.code, {
      ...(hasKeys ? { inputs: [vsCodeInput] } : {}),
      servers: { toolarium: { type: "http", url, ...headers(`\${input:${vsCodeInput.id}}`) } },
    }),
    json("VS Code", "process", places.code, { servers: { toolarium: { type: "stdio", ...own } } }),
    {
      client: "Codex",
      way: "address",
      place: places.codex,
      language: "toml",
      text: lines(
        "[mcp_servers.toolarium]",
        `url = ${quote(url)}`,
        ...(hasKeys ? [`bearer_token_env_var = ${quote(KEY)}`] : []),
      ),
    },
    {
      client: "Codex",
      way: "process",
      place: places.codex,
      language: "toml",
      text: lines(
        "[mcp_servers.toolarium]",
        `command = ${quote(command)}`,
        `args = [${own.args.map(quote).join(", ")}]`,
        `env = { TOOLARIUM_CONFIG = ${quote(config)} }`,
        // Servers that are fetched at their first start take longer than its default of 10.
        "startup_timeout_sec = 60",
      ),
    },
    {
      client: "MCP Inspector",
      way: "address",
      place: places.inspector,
      language: "sh",
      text: lines(
        `npx @modelcontextprotocol/inspector --cli ${url} --transport http \\`,
        ...(hasKeys ? [`  --header "Authorization: Bearer $${KEY}" \\`] : []),
        "  --method tools/list",
      ),
    },
    {
      client: "MCP Inspector",
      way: "process",
      place: places.inspector,
      language: "sh",
      text: lines(
        `npx @modelcontextprotocol/inspector --cli -e TOOLARIUM_CONFIG=${config} \\`,
        `  ${command} ${script} mcp --method tools/list`,
      ),
    },
  ];
}

/** VS Code asks for it once and keeps it in its secret storage. */
const vsCodeInput = {
  type: "promptString",
  id: "toolarium-key",
  description: "Key of Toolarium",
  password: true,
};

/** @param {string} client @param {Entry["way"]} way @param {string} place @param {object} value @returns {Entry} */
function json(client, way, place, value) {
  return { client, way, place, language: "json", text: lines(JSON.stringify(value, null, 2)) };
}

/** A basic string of TOML is one of JSON. @param {string} text */
function quote(text) {
  return JSON.stringify(text);
}

/** @param {...string} texts */
function lines(...texts) {
  return texts.map((text) => `${text}\n`).join("");
}
