/** `toolarium serve`: the gateway behind HTTP until somebody ends it. */
import { createGateway } from "../gateway.ts";
import { createHttpServer } from "../http/server.ts";
import type { ServeCommand } from "./command.ts";
import { createSession, readConfig, untilServersSettled } from "./session.ts";

/** Milliseconds that runs get to finish after the first signal; then they are cancelled. */
const DRAIN_MS = 10_000;
/** Milliseconds more for the responses, so that those who waited for a cancelled run still hear what it had done. */
const LAST_WORDS_MS = 1_000;

/**
 * Prints the ready line once every MCP server is connected, failed, or has had its time. On the first signal stops
 * accepting, lets runs finish, cancels the rest and closes everything it started. Returns the exit code.
 */
export async function serve(command: ServeCommand): Promise<number> {
  const { log, interrupted } = createSession("info");
  const config = await readConfig(command, log);
  await using gateway = await createGateway({ config, log });
  const http = await createHttpServer(gateway);
  try {
    // Listening comes first: a port in use is known at once, and probes get an answer while servers connect.
    const { url } = await http.listen();
    await untilServersSettled(gateway, interrupted);
    if (!interrupted.aborted) process.stdout.write(`toolarium listening on ${url}\n`);
    await aborted(interrupted);
    log.info({ drainMs: DRAIN_MS }, "shutting down");
  } finally {
    await Promise.all([http.close(DRAIN_MS + LAST_WORDS_MS), gateway.drain(DRAIN_MS)]);
  }
  return 0;
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}
