/**
 * Entry of the compiler process. It leads a process group of its own, with esbuild's service and the type checker: the
 * group ends as a whole, by the parent's SIGKILL or, when the parent is gone, by its own.
 */
import { Worker } from "node:worker_threads";
import { type CheckLimits, CheckService } from "../check/check-service.ts";
import { DeclarationStore } from "../check/declaration-store.ts";
import { type Compiled, compileProgram, type ProgramRequest } from "../compile-program.ts";
import { type FromCompiler, parseToCompiler } from "./compiler-protocol.ts";
import { died } from "./compiler-verdicts.ts";

const [parent, limits = ""] = process.argv.slice(2);
const parentPid = Number(parent);

const declarations = new DeclarationStore((hash) => say({ type: "needs", hash }));
const service = new CheckService(JSON.parse(limits) as CheckLimits, (reason) =>
  say({ type: "checker-down", reason }),
);

process.on("disconnect", endGroup);
// When the type checker dies during a write, the request is rejected, and a second rejection has no handler.
process.on("unhandledRejection", (error) => {
  if (!isBrokenPipe(error)) throw error;
});
process.on("message", (message) => void handle(message));
watchParent();
// esbuild's service starts with its first call, and the parser is slow until it is warm.
await compileProgram({
  code: "const warm: number = 1;\nreturn warm;",
  ...{ sourceBytes: 1000, globals: [], check: { mode: "off" } },
});
say({ type: "ready" });
// The checker starts last: until it is ready, programs run unchecked or wait as long as they would for a check.
service.warm();

async function handle(message: unknown): Promise<void> {
  const said = parseToCompiler(message);
  if (said.type === "declarations") declarations.put(said.hash, said.text);
  else await compile(said.id, said.request);
}

async function compile(id: number, request: ProgramRequest): Promise<void> {
  say({ type: "reading", id });
  const onEmitted = (): void => say({ type: "emitted", id });
  const compiling = compileProgram(request, { service, declarations }, onEmitted).catch(failed);
  // The call above returns once its synchronous part, the parsing, is done.
  say({ type: "read", id });
  const { outcome, lasting } = await compiling;
  say({ type: "done", id, outcome, lasting });
}

function failed(error: unknown): Compiled {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  return { outcome: died, lasting: false };
}

function isBrokenPipe(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "EPIPE" || code === "ERR_STREAM_DESTROYED";
}

function say(message: FromCompiler): void {
  // A closed channel is reported by `disconnect`; a message lost to it has no reader.
  process.send?.(message, () => {});
}

/** While this thread is stuck in a parser it cannot see the channel's end, so another thread watches the parent too. */
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
