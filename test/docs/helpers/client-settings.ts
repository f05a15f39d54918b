/** How each MCP client reads its settings. Fields that it does not know fail here, where the client would ignore them. */
import { parse as parseToml } from "smol-toml";
import { expect } from "vitest";
import type { ServerProcess } from "../../mcp-server/helpers/clients.ts";

/** What a client takes from its settings. */
interface Remote {
  readonly url: string;
  readonly headers: Record<string, string>;
}

/** From the text of an entry, and the key that its client finds, to an address. */
export function addressReaders(): { readonly [client: string]: (text: string, key: string) => Remote } {
  return {
    "Claude Code": (text, key) => {
      const { type, url, headers = {}, ...others } = JSON.parse(text).mcpServers.toolarium;
      expect([type, others]).toEqual(["http", {}]);
      return { url, headers: expand(headers, "${TOOLARIUM_KEY}", key) };
    },
    Cursor: (text, key) => {
      const { url, headers = {}, ...others } = JSON.parse(text).mcpServers.toolarium;
      expect(others).toEqual({});
      return { url, headers: expand(headers, "${env:TOOLARIUM_KEY}", key) };
    },
    "VS Code": (text, key) => {
      const { servers, inputs = [] } = JSON.parse(text);
      const { type, url, headers = {}, ...others } = servers.toolarium;
      expect([type, others]).toEqual(["http", {}]);
      const [input] = inputs;
      if (input === undefined) return { url, headers };
      expect(input).toMatchObject({ type: "promptString", password: true, description: expect.any(String) });
      return { url, headers: expand(headers, `\${input:${input.id}}`, key) };
    },
    Codex: (text, key) => {
      const { mcp_servers } = parseToml(text) as { mcp_servers: { toolarium: { [field: string]: string } } };
      const { url = "", bearer_token_env_var, ...others } = mcp_servers.toolarium;
      expect(others).toEqual({});
      if (bearer_token_env_var === undefined) return { url, headers: {} };
      expect(bearer_token_env_var).toBe("TOOLARIUM_KEY");
      return { url, headers: { Authorization: `Bearer ${key}` } };
    },
  };
}

function expand(headers: Record<string, string>, reference: string, key: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, value.replaceAll(reference, key)]),
  );
}

export function processReaders(): { readonly [client: string]: (text: string) => ServerProcess } {
  return {
    "Claude Desktop": (text) => processOf(JSON.parse(text).mcpServers.toolarium),
    "Claude Code": (text) => {
      const { type, ...rest } = JSON.parse(text).mcpServers.toolarium;
      expect(type).toBe("stdio");
      return processOf(rest);
    },
    Cursor: (text) => processOf(JSON.parse(text).mcpServers.toolarium),
    "VS Code": (text) => {
      const { type, ...rest } = JSON.parse(text).servers.toolarium;
      expect(type).toBe("stdio");
      return processOf(rest);
    },
    Codex: (text) => {
      const { mcp_servers } = parseToml(text) as { mcp_servers: { toolarium: Record<string, unknown> } };
      const { startup_timeout_sec, ...rest } = mcp_servers.toolarium;
      expect(startup_timeout_sec).toBeGreaterThan(10);
      return processOf(rest);
    },
  };
}

function processOf({ command, args, env = {}, ...others }: Record<string, unknown>): ServerProcess {
  expect(others).toEqual({});
  return { command, args, env } as ServerProcess;
}
