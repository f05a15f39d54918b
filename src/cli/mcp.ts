/** `toolarium mcp`: an MCP server on stdin and stdout, which is how clients start one. Logs go to stderr. */
import { once } from "node:events";
import type { Server } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { localCaller } from "../access/caller.ts";
import { createGateway, type Gateway } from "../gateway.ts";
import { createCodeFace } from "../mcp-server/code-face.ts";
import { createMcpServer } from "../mcp-server/create-server.ts";
import { tellOfChanges } from "../mcp-server/tell-of-changes.ts";
import { createToolsFace } from "../mcp-server/tools-face.ts";
import type { Visit } from "../mcp-server/visit.ts";
import type { McpCommand } from "./command.ts";
import { relayMcp } from "./relay-mcp.ts";
import { aborted, createSession, readConfig } from "./session.ts";
import { checkSurroundings } from "./surroundings.ts";

/** Milliseconds that runs get to finish after the client is gone; then they are left for the next start. */
const DRAIN_MS = 1_000;

/** Serves until the client closes stdin, or a signal. Returns the exit code. */
export async function serveMcp({ url, face, ...command }: McpCommand): Promise<number> {
  const { log, interrupted } = createSession("warn");
  const key = process.env["TOOLARIUM_KEY"];
  if (url !== undefined) {
    await relayMcp({ url: new URL(face === "code" ? "/mcp" : "/mcp/tools", url), key, log, interrupted });
    return 0;
  }
  checkSurroundings();
  const config = await readConfig(command, log);
  await using gateway = await createGateway({ config, log });
  const visit = await visitWith(gateway, key);
  const deps = { ...gateway, closing: interrupted };
  const shown = face === "code" ? createCodeFace(deps) : createToolsFace(deps);
  /** One, and one more while a client asks which revisions there are. */
  const servers = new Set<Server>();
  const left = once(process.stdin, "close");
  const connection = serveStdio(async () => {
    // The first list is the one that clients keep.
    await gateway.serversSettled;
    const server = createMcpServer(shown, () => visit, deps);
    servers.add(server);
    server.onclose = () => void servers.delete(server);
    return server;
  });
  const stop = tellOfChanges(gateway, () => {
    for (const server of servers) server.sendToolListChanged().catch(() => {});
  });
  await Promise.race([left, aborted(interrupted)]);
  stop();
  await connection.close();
  await gateway.drain(DRAIN_MS);
  return 0;
}

/** As `toolarium run`: whoever starts the process is who configures it. With a key, whoever the key is. */
async function visitWith({ access, config }: Gateway, key: string | undefined): Promise<Visit> {
  const caller =
    key === undefined || config.keys.length === 0 ? localCaller(config) : await access.admit({ token: key });
  return { caller, policy: { layers: caller.layers }, filters: [] };
}
