/** The entries for MCP clients, in the document and on the page: each is read as its client would, and connects. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse as parseToml } from "smol-toml";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { startServer, type TestServer } from "../http/helpers/server.ts";
import { connectLegacy } from "../mcp-server/helpers/clients.ts";
import { placeInspector } from "../mcp-server/helpers/inspector.ts";

interface Entry {
  readonly client: string;
  readonly language: string;
  readonly text: string;
}

/** What a client takes from its settings. */
interface Remote {
  readonly url: string;
  readonly headers: Record<string, string>;
}

const root = join(import.meta.dirname, "../..");
const { clientEntries } = (await import(join(root, "src/playground/clients.js"))) as {
  clientEntries: (gateway: string, hasKeys: boolean) => readonly Entry[];
};
const tools = ["run_code", "search_tools", "describe_tools", "resume_run"];

let server: TestServer;
let open: TestServer;
beforeAll(async () => {
  server = await startServer({ keys: [{ key: "the-key" }] });
  open = await server.alongside({});
});
afterAll(async () => {
  await open[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

test("the document has each entry as the page shows it, and no other", () => {
  const document = readFileSync(join(root, "docs/clients.md"), "utf8");
  const blocks = [...document.matchAll(/^```(json|toml|sh)\n(.*?)^```$/gms)].map(([, language, text]) => ({
    language,
    text,
  }));
  const entries = clientEntries("http://127.0.0.1:8080", true);
  expect(blocks).toEqual(entries.map(({ language, text }) => ({ language, text })));
  expect([...document.matchAll(/^## (.+)$/gm)].map(([, title]) => title)).toEqual(
    expect.arrayContaining(entries.map(({ client }) => client)),
  );
});

test("the page shows each entry as text, with the address it was loaded from", async () => {
  vi.stubGlobal("document", { createElement: () => new FakeElement() });
  onTestFinished(() => void vi.unstubAllGlobals());
  const { renderClients } = (await import(join(root, "src/playground/use-it-from.js"))) as {
    renderClients: (gateway: string, hasKeys: boolean) => readonly FakeElement[];
  };
  const shown = renderClients("https://tools.example", true).map((each) => each.texts().join(""));
  const entries = clientEntries("https://tools.example", true);
  expect(shown).toEqual(entries.map(({ text }) => expect.stringContaining(text)));
  expect(shown.every((each) => each.includes("https://tools.example/mcp"))).toBe(true);
});

/** As much of an element as the panel uses. */
class FakeElement {
  readonly children: (FakeElement | string)[] = [];
  append(...children: (FakeElement | string)[]): void {
    this.children.push(...children);
  }
  texts(): readonly string[] {
    return this.children.flatMap((child) => (typeof child === "string" ? [child] : child.texts()));
  }
}

describe.each(Object.entries(readers()))("the entry for %s", (client, read) => {
  test("connects with the key that it names, and is refused with another", async () => {
    const entry = entryOf(client, server.url, true);
    expect(entry.text).not.toContain("the-key");
    const { url, headers } = read(entry.text, "the-key");
    await using connection = await connectLegacy(url, { path: "", headers });
    expect((await connection.list()).map(({ name }) => name)).toEqual(tools);
    await expect(connectLegacy(url, { ...read(entry.text, "another"), path: "" })).rejects.toThrow(
      "not known",
    );
  });

  test("names no key where the gateway asks for none", async () => {
    const { text } = entryOf(client, open.url, false);
    expect(text).not.toMatch(/key|authorization|bearer/i);
    const { url, headers } = read(text, "");
    await using connection = await connectLegacy(url, { path: "", headers });
    expect((await connection.list()).map(({ name }) => name)).toEqual(tools);
  });
});

test("the command for the Inspector lists the tools, with a key and without", {
  timeout: 60_000,
}, async () => {
  using inspector = placeInspector();
  for (const [gateway, hasKeys] of [
    [server, true],
    [open, false],
  ] as const) {
    const { text } = entryOf("MCP Inspector", gateway.url, hasKeys);
    const command = text.replace("npx @modelcontextprotocol/inspector", inspector.command);
    expect(command).not.toBe(text);
    const env = { ...process.env, TOOLARIUM_KEY: "the-key" };
    const { stdout } = await promisify(execFile)("/bin/sh", ["-c", command], { env });
    expect(JSON.parse(stdout).tools.map(({ name }: { name: string }) => name)).toEqual(tools);
  }
});

function entryOf(client: string, gateway: string, hasKeys: boolean): Entry {
  const entry = clientEntries(gateway, hasKeys).find((each) => each.client === client);
  if (entry === undefined) throw new Error(`there is no entry for ${client}`);
  return entry;
}

/** Each client's way from its settings to an address and headers. Unknown fields fail, as a client would ignore them. */
function readers(): { readonly [client: string]: (text: string, key: string) => Remote } {
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
