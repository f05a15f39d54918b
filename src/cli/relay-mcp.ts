/**
 * The MCP server of a running gateway, passed on to a client that can only start a process. Messages go through as they
 * are; a session that the gateway lost, as by a restart, is opened again without the client knowing.
 */
import type { JSONRPCMessage, RequestId } from "@modelcontextprotocol/server";
import { StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import type { Log } from "../log.ts";
import { type GatewayLink, linkToGateway } from "../mcp/gateway-link.ts";
import { aborted } from "./session.ts";

export interface RelayOptions {
  /** Of the face: `http://127.0.0.1:8080/mcp`. */
  readonly url: URL;
  readonly key: string | undefined;
  readonly log: Log;
  readonly interrupted: AbortSignal;
}

/** JSON-RPC: a fault of the server's side. */
const UNREACHABLE = -32_000;
const METHOD_NOT_FOUND = -32_601;

/** Resolves when the client closes stdin, or at the signal. */
export async function relayMcp({ url, key, log, interrupted }: RelayOptions): Promise<void> {
  const stdio = new StdioServerTransport();
  const left = Promise.withResolvers<void>();
  const answer = (message: JSONRPCMessage): void => {
    stdio.send(message).catch((error: unknown) => log.debug({ err: error }, "the client is gone"));
  };
  const refuse = (id: RequestId, code: number, message: string): void =>
    answer({ jsonrpc: "2.0", id, error: { code, message } });

  await using link: GatewayLink = linkToGateway({
    url,
    key,
    onMessage: answer,
    onLost: (id) => refuse(id, UNREACHABLE, lostAnswer(url)),
  });
  stdio.onclose = () => left.resolve();
  stdio.onerror = (error) => log.warn({ err: error }, "a line of the client could not be read");
  stdio.onmessage = (message) => {
    const id = "id" in message && "method" in message ? message.id : undefined;
    // This revision has no sessions to relay. Clients that ask which there are take the next older one.
    if (id !== undefined && "method" in message && message.method === "server/discover")
      return refuse(id, METHOD_NOT_FOUND, "This relay speaks revisions to 2025-11-25: send initialize.");
    link.send(message).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      log.warn(`the gateway did not take a message: ${why}`);
      if (id !== undefined) refuse(id, UNREACHABLE, why);
    });
  };
  await stdio.start();
  await Promise.race([left.promise, aborted(interrupted)]);
  await stdio.close();
}

function lostAnswer({ origin }: URL): string {
  return `The connection to the gateway at ${origin} was lost before the answer came. A call may have been made, and a program resumes when the gateway is back. Look at its run, on the page or by GET /v1/runs, before you send the request again.`;
}
