/** The command line: parses the arguments, runs one command, and turns every outcome into an exit code. */
import { createRequire } from "node:module";
import { z } from "zod";
import { describeShortage } from "../sandbox/index.ts";
import { type Command, parseCommand } from "./cli/command.ts";
import { usage } from "./cli/usage.ts";
import { errorTable, ToolariumError, toRefusal } from "./errors.ts";

/** Milliseconds after which a finished process is ended even if something still keeps it alive. */
const LINGER_MS = 2_000;

/** Runs the command of these arguments (without node and script) and sets the exit code of the process. */
export async function main(argv: readonly string[]): Promise<void> {
  // A reader that closes early, such as `| head`, is not a fault, and a terminal may close while a gateway runs.
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
  process.exitCode = await perform(argv);
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

async function perform(argv: readonly string[]): Promise<number> {
  try {
    return await dispatch(parseCommand(argv));
  } catch (error) {
    process.stderr.write(`toolarium: ${describe(error)}\n`);
    return errorTable[toRefusal(error).code].exit;
  }
}

/**
 * A refusal is for its reader, and a full machine for its operator. Any other error is a bug, and its stack helps most.
 */
function describe(error: unknown): string {
  if (error instanceof ToolariumError) return error.message;
  const shortage = describeShortage(error);
  if (shortage !== undefined) return `it cannot work here: ${shortage}.`;
  return error instanceof Error && error.stack !== undefined ? error.stack : String(error);
}

/** Each command loads only the parts it needs: `run` no HTTP server, `--help` nothing. */
async function dispatch(command: Command): Promise<number> {
  switch (command.type) {
    case "help":
      process.stdout.write(usage);
      return 0;
    case "version":
      process.stdout.write(`${readVersion()}\n`);
      return 0;
    case "serve": {
      const { serve } = await import("./cli/serve.ts");
      return await serve(command);
    }
    case "run": {
      const { runProgram } = await import("./cli/run-program.ts");
      return await runProgram(command);
    }
    case "mcp": {
      const { serveMcp } = await import("./cli/mcp.ts");
      return await serveMcp(command);
    }
    case "audit": {
      const { listCalls } = await import("./cli/audit.ts");
      return await listCalls(command);
    }
    case "verify": {
      const { verifyHistory } = await import("./cli/verify.ts");
      return await verifyHistory(command);
    }
    case "replay": {
      const { replay } = await import("./cli/replay.ts");
      return await replay(command);
    }
  }
}

function readVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)("toolarium/package.json");
  return z.object({ version: z.string() }).parse(manifest).version;
}
