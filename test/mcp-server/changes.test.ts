/** Clients hear that there are other tools than before, in both revisions and at both doors. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { startServer, tempFile } from "../e2e/cli-process.ts";
import { until } from "../helpers/until.ts";
import { connectLegacy, connectModern } from "./helpers/clients.ts";

const FIXTURE = fileURLToPath(new URL("../fixtures/mcp/speaks-2026.ts", import.meta.url));

test("a tool that a server adds is told to all who listen", {
  timeout: 60_000,
}, async () => {
  const config = {
    mcpServers: { modern: { command: process.execPath, args: [FIXTURE] } },
    store: { path: ":memory:" },
    sandbox: { workers: 1 },
    tools: { autoExecute: ["*"] },
  };
  const server = await startServer(["--config", tempFile("toolarium.json", JSON.stringify(config))]);
  const heard = new Set<string>();
  const hear = (who: string) => ({ onToolsChanged: () => void heard.add(who) });
  await using legacy = await connectLegacy(server.url, hear("legacy"));
  await using modern = await connectModern(server.url, { path: "/mcp/tools", ...hear("modern") });
  expect((await modern.list()).map(({ name }) => name)).toEqual(["modern__add_tool", "modern__double"]);
  expect((await legacy.list())[0].description).not.toContain("added(");

  await modern.call("modern__add_tool");
  await until("both heard of it", () => heard.size === 2);
  expect((await modern.list()).map(({ name }) => name)).toContain("modern__added");
  expect((await legacy.list())[0].description).toContain("added(");
});
