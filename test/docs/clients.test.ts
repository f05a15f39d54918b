/** The entries for MCP clients, in the document and on the page: each is read as its client would, and connects. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { tempFile } from "../e2e/cli-process.ts";
import { startServer, type TestServer } from "../http/helpers/server.ts";
import { connectLegacy, startLegacy } from "../mcp-server/helpers/clients.ts";
import { placeInspector } from "../mcp-server/helpers/inspector.ts";
import { addressReaders, processReaders } from "./helpers/client-settings.ts";

interface Entry {
  readonly client: string;
  readonly way: "address" | "process";
  readonly language: string;
  readonly text: string;
}

interface Setting {
  readonly gateway: string;
  readonly hasKeys: boolean;
  readonly checkout?: string;
  readonly config?: string;
}

const root = join(import.meta.dirname, "../..");
const { clientEntries } = (await import(join(root, "src/playground/clients.js"))) as {
  clientEntries: (setting: Setting) => readonly Entry[];
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
  const entries = clientEntries({ gateway: "http://127.0.0.1:8080", hasKeys: true });
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
  const gateway = "https://tools.example";
  const shown = renderClients(gateway, true).flatMap((each) => each.texts());
  const entries = clientEntries({ gateway, hasKeys: true });
  expect(shown).toEqual(expect.arrayContaining(entries.map(({ text }) => text)));
  expect(shown.join("")).not.toContain("127.0.0.1");
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

describe.each(Object.entries(addressReaders()))("the address for %s", (client, read) => {
  test("connects with the key that it names, and is refused with another", async () => {
    const entry = entryOf(client, "address", { gateway: server.url, hasKeys: true });
    expect(entry.text).not.toContain("the-key");
    const { url, headers } = read(entry.text, "the-key");
    await using connection = await connectLegacy(url, { path: "", headers });
    expect((await connection.list()).map(({ name }) => name)).toEqual(tools);
    await expect(connectLegacy(url, { ...read(entry.text, "another"), path: "" })).rejects.toThrow(
      "not known",
    );
  });

  test("names no key where the gateway asks for none", async () => {
    const { text } = entryOf(client, "address", { gateway: open.url, hasKeys: false });
    expect(text).not.toMatch(/key|authorization|bearer/i);
    const { url, headers } = read(text, "");
    await using connection = await connectLegacy(url, { path: "", headers });
    expect((await connection.list()).map(({ name }) => name)).toEqual(tools);
  });
});

describe.each(Object.entries(processReaders()))("the process for %s", (client, read) => {
  test("starts, lists the tools and runs a program", { timeout: 60_000 }, async () => {
    const { text } = entryOf(client, "process", { ...setting(), hasKeys: client !== "Claude Desktop" });
    await using connection = await startLegacy(read(text));
    expect((await connection.list()).map(({ name }) => name)).toEqual(tools);
    const answer = await connection.call("run_code", { code: "return 6 * 7" });
    expect(answer.structuredContent).toMatchObject({ status: "completed", result: 42 });
  });
});

test("a variable of the configuration is in env of a process, or the process does not start", {
  timeout: 60_000,
}, async () => {
  const config = tempFile(
    "toolarium.json",
    JSON.stringify({ keys: [{ name: "editor", key: "${TOOLARIUM_KEY}" }] }),
  );
  const { text } = entryOf("Cursor", "process", { ...setting(), config });
  const { toolarium } = JSON.parse(text).mcpServers;
  await expect(startLegacy(toolarium)).rejects.toThrow("Connection closed");
  const env = { ...toolarium.env, TOOLARIUM_KEY: "the-key" };
  await using connection = await startLegacy({ ...toolarium, env });
  expect((await connection.list()).map(({ name }) => name)).toEqual(tools);
});

test("the process for Claude Desktop passes on the gateway, with the key that is put in", {
  timeout: 60_000,
}, async () => {
  const { text } = entryOf("Claude Desktop", "process", { ...setting(), gateway: server.url });
  const { mcpServers } = JSON.parse(text.replace("<the key>", "the-key"));
  await using connection = await startLegacy(mcpServers.toolarium);
  const answer = await connection.call("run_code", { code: `return await files.read({ path: "a" })` });
  expect(answer.structuredContent.result).toBe("the text");
  await expect(startLegacy(JSON.parse(text).mcpServers.toolarium)).rejects.toThrow("TOOLARIUM_KEY");
});

test("the commands for the Inspector list the tools", { timeout: 120_000 }, async () => {
  using inspector = placeInspector();
  const entries = [
    entryOf("MCP Inspector", "address", { gateway: server.url, hasKeys: true }),
    entryOf("MCP Inspector", "address", { gateway: open.url, hasKeys: false }),
    entryOf("MCP Inspector", "process", setting()),
  ];
  for (const { text } of entries) {
    const command = text.replace("npx @modelcontextprotocol/inspector", inspector.command);
    expect(command).not.toBe(text);
    const env = { ...process.env, TOOLARIUM_KEY: "the-key" };
    const { stdout } = await promisify(execFile)("/bin/sh", ["-c", command], { env });
    expect(JSON.parse(stdout).tools.map(({ name }: { name: string }) => name)).toEqual(tools);
  }
});

/** This checkout, with a configuration that has no servers. */
function setting(): Setting {
  return { gateway: open.url, hasKeys: true, checkout: root, config: tempFile("toolarium.json", "{}") };
}

function entryOf(client: string, way: Entry["way"], setting: Setting): Entry {
  const entry = clientEntries(setting).find((each) => each.client === client && each.way === way);
  if (entry === undefined) throw new Error(`there is no ${way} for ${client}`);
  return entry;
}
