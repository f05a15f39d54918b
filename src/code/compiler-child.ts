/** One compiler process as the gateway sees it: start, messages, and a kill that takes the whole group. */
import { fork } from "node:child_process";
import { parse } from "node:path";
import { type FromCompiler, parseFromCompiler, type ToCompiler } from "./compiler-protocol.ts";

export interface CompilerChild {
  readonly pid: number | undefined;
  send(message: ToCompiler): void;
  /** SIGKILL to the process and everything it started. Idempotent. */
  kill(): void;
  /** Resolves when the process is gone and `onExit` was called. */
  readonly exited: Promise<void>;
}

export interface CompilerChildEvents {
  onMessage(message: FromCompiler): void;
  /** Called once. `stderrTail` holds the last 4 kB of what the process wrote. */
  onExit(end: { readonly reason: string; readonly stderrTail: string }): void;
}

const STDERR_TAIL = 4096;

/** Starts a process; whatever goes wrong is told by `onExit`. */
export function startCompilerChild(events: CompilerChildEvents): CompilerChild {
  const entry = new URL(`./compiler-entry${import.meta.url.slice(-3)}`, import.meta.url);
  const child = fork(entry, [String(process.pid)], {
    cwd: parse(process.execPath).root,
    env: {},
    execArgv: ["--max-old-space-size=256"],
    // A group of its own: esbuild's service joins it, and one signal ends both.
    detached: true,
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let stderrTail = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderrTail = (stderrTail + text).slice(-STDERR_TAIL);
  });

  const kill = (): void => killGroup(child.pid);
  const exited = new Promise<void>((resolve) => {
    let ended = false;
    const end = (reason: string): void => {
      if (ended) return;
      ended = true;
      // A process that died by itself leaves esbuild's service behind.
      kill();
      events.onExit({ reason, stderrTail });
      resolve();
    };
    child.on("exit", (code, signal) => end(signal ?? `exit code ${code}`));
    child.on("error", (error) => {
      // Without a pid there will be no exit. Otherwise a message could not be sent, and the exit follows.
      if (child.pid === undefined) end(error.message);
    });
  });

  child.on("message", (value) => {
    const message = parseFromCompiler(value);
    if (message === undefined) kill();
    else events.onMessage(message);
  });
  return {
    pid: child.pid,
    send: (message) => void child.send(message),
    kill,
    exited,
  };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === "win32" ? pid : -pid, "SIGKILL");
  } catch {
    // Already gone.
  }
}
