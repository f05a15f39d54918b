/** `toolarium serve`: the gateway with HTTP, until a signal ends it. */
import { createGateway, type Gateway } from "../gateway.ts";
import { createHttpServer } from "../http/server.ts";
import { countTokens } from "../tokens.ts";
import type { ServeCommand } from "./command.ts";
import { summarizeServers } from "./server-summary.ts";
import { aborted, createSession, readConfig } from "./session.ts";
import { checkSurroundings, watchDescriptors } from "./surroundings.ts";

/** Milliseconds from the first signal in which runs may finish; then they are cancelled. */
const DRAIN_MS = 10_000;
/** Further milliseconds for the responses, so that the clients of cancelled runs still get their reports. */
const LAST_WORDS_MS = 1_000;

/**
 * Prints its address as soon as it listens; a later log line says which MCP servers are ready. On the first signal it
 * stops accepting requests, lets runs finish, cancels the rest and closes everything it started. Returns the exit code.
 */
export async function serve(command: ServeCommand): Promise<number> {
  const { log, interrupted } = createSession("info", { hangup: "ignore" });
  checkSurroundings();
  const config = await readConfig(command, log);
  using watches = new DisposableStack();
  watches.defer(watchDescriptors(log));
  await using gateway = await createGateway({ config, log });
  const http = await createHttpServer(gateway);
  try {
    const { url } = await http.listen();
    if (!interrupted.aborted) process.stdout.write(`toolarium listening on ${url}\n`);
    await Promise.race([gateway.serversSettled, aborted(interrupted)]);
    if (!interrupted.aborted) afterStart(gateway);
    await aborted(interrupted);
    log.info({ drainMs: DRAIN_MS }, "shutting down");
  } finally {
    await Promise.all([http.close(DRAIN_MS + LAST_WORDS_MS), gateway.drain(DRAIN_MS)]);
  }
  return 0;
}

function afterStart({ hub, log }: Gateway): void {
  const summary = summarizeServers(hub.servers());
  if (summary !== undefined) log[summary.isComplete ? "info" : "warn"](summary.line);
  // Loads the tokenizer's table, which would delay the first program; the start does not need it.
  setImmediate(() => countTokens(""));
}
