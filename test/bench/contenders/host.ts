/**
 * The caller's process of one contender, each its own, so that none shares a heap, an event loop or a native module
 * with another. Times are taken here, around `run` and nothing else.
 */
import { type Contender, checkAnswer, type Task } from "./contender.ts";

export type FromHost =
  | { readonly type: "ready"; readonly createMs: number }
  | { readonly type: "ran"; readonly ms: number };

/** By the name in `start.ts`; only the one that is asked for is loaded. */
const contenders: { readonly [name: string]: () => Promise<{ createContender(): Promise<Contender> }> } = {
  engine: () => import("./engine.ts"),
  sandbox: () => import("./sandbox.ts"),
  "code-mode": () => import("./code-mode.ts"),
  quickjs: () => import("./quickjs.ts"),
  "worker-thread": () => import("./worker-thread.ts"),
  "child-process": () => import("./child-process.ts"),
};

const loadedAt = performance.now();
const contender = await open(process.argv[2] ?? "");

process.on("message", (task: Task | "end") => {
  if (task === "end") void end();
  else void run(task);
});
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
say({ type: "ready", createMs: performance.now() - loadedAt });

async function open(name: string): Promise<Contender> {
  const module = await contenders[name]?.();
  if (module === undefined) throw new Error(`"${name}" is no contender`);
  return module.createContender();
}

async function run(task: Task): Promise<void> {
  const startedAt = performance.now();
  const answer = await contender.run(task);
  const ms = performance.now() - startedAt;
  checkAnswer(task, answer);
  say({ type: "ran", ms });
}

async function end(): Promise<void> {
  await contender[Symbol.asyncDispose]();
  process.disconnect();
}

function say(message: FromHost): void {
  process.send?.(message);
}
