/**
 * The compiler process's entry. Leader of a process group of its own, which esbuild's service is in: the group ends
 * as one, by the parent's SIGKILL or, when the parent is gone, by its own.
 */
import { Worker } from "node:worker_threads";
import type { CompileOutcome } from "./compile.ts";
import { compileProgram } from "./compile-program.ts";
import { type FromCompiler, parseToCompiler } from "./compiler-protocol.ts";
import { died } from "./compiler-verdicts.ts";

const parentPid = Number(process.argv[2]);

process.on("disconnect", endGroup);
process.on("message", (message) => void handle(message));
watchParent();
// esbuild's service starts with its first call, and the parser is slow until it is warm.
await compileProgram({ code: "const warm: number = 1;\nreturn warm;", sourceBytes: 1000, globals: [] });
say({ type: "ready" });

async function handle(message: unknown): Promise<void> {
  const { id, request } = parseToCompiler(message);
  say({ type: "reading", id });
  const compiling = compileProgram(request).catch(failed);
  // The call above returns once its synchronous part, the parsing, is done.
  say({ type: "read", id });
  say({ type: "done", id, outcome: await compiling });
}

function failed(error: unknown): CompileOutcome {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  return died;
}

function say(message: FromCompiler): void {
  // A closed channel is reported by `disconnect`; a message lost to it has no reader.
  process.send?.(message, () => {});
}

/** The channel's end goes unseen while this thread is stuck in a parser, so another thread looks for the parent too. */
function watchParent(): void {
  const watchdog = new Worker(new URL(`./compiler-watchdog${import.meta.url.slice(-3)}`, import.meta.url), {
    workerData: { parentPid },
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 16 },
  });
  watchdog.unref();
}

function endGroup(): void {
  try {
    process.kill(-process.pid, "SIGKILL");
  } catch {
    process.exit(1);
  }
}
