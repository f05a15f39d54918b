/**
 * How each MCP client is told of a gateway, in the form of its own settings. The page shows these entries with the
 * address it was loaded from, `docs/clients.md` with the default one.
 */

/**
 * @typedef {object} Entry
 * @property {string} client
 * @property {string} place where the text goes: a file, or a terminal
 * @property {"json" | "toml" | "sh"} language
 * @property {string} text
 */

/** The environment variable in which clients find the key. */
const KEY = "TOOLARIUM_KEY";

/**
 * @param {string} gateway its address without a path: `http://127.0.0.1:8080`
 * @param {boolean} hasKeys whether it asks for a key; the entries name where the client finds it, and never hold it
 * @returns {readonly Entry[]}
 */
export function clientEntries(gateway, hasKeys) {
  const url = `${gateway}/mcp`;
  /** @param {string} reference the client's way to name the key */
  const headers = (reference) => (hasKeys ? { headers: { Authorization: `Bearer ${reference}` } } : {});
  return [
    json("Claude Code", ".mcp.json in the project", {
      mcpServers: { toolarium: { type: "http", url, ...headers(`\${${KEY}}`) } },
    }),
    json("Cursor", ".cursor/mcp.json in the project, or ~/.cursor/mcp.json", {
      mcpServers: { toolarium: { url, ...headers(`\${env:${KEY}}`) } },
    }),
    json("VS Code", ".vscode/mcp.json in the project", {
      ...(hasKeys ? { inputs: [vsCodeInput] } : {}),
      servers: { toolarium: { type: "http", url, ...headers(`\${input:${vsCodeInput.id}}`) } },
    }),
    {
      client: "Codex",
      place: "~/.codex/config.toml",
      language: "toml",
      text: lines(
        "[mcp_servers.toolarium]",
        `url = "${url}"`,
        ...(hasKeys ? [`bearer_token_env_var = "${KEY}"`] : []),
      ),
    },
    {
      client: "MCP Inspector",
      place: "a terminal",
      language: "sh",
      text: lines(
        `npx @modelcontextprotocol/inspector --cli ${url} --transport http \\`,
        ...(hasKeys ? [`  --header "Authorization: Bearer $${KEY}" \\`] : []),
        "  --method tools/list",
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

/** @param {string} client @param {string} place @param {object} value @returns {Entry} */
function json(client, place, value) {
  return { client, place, language: "json", text: lines(JSON.stringify(value, null, 2)) };
}

/** @param {...string} texts */
function lines(...texts) {
  return texts.map((text) => `${text}\n`).join("");
}
