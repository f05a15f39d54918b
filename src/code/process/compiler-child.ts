/** One compiler process as the gateway sees it: start, messages, memory, and a kill that takes the whole group. */
import { fork } from "node:child_process";
import { parse } from "node:path";
import { describeShortage } from "../../../sandbox/index.ts";
import type { CheckLimits } from "../check/check-service.ts";
import { groupMemoryBytes } from "../check/group-usage.ts";
import { type FromCompiler, parseFromCompiler, type ToCompiler } from "./compiler-protocol.ts";

export interface CompilerChild {
  readonly pid: number | undefined;
  send(message: ToCompiler): void;
  /**
   * Turns the memory watch on or off; off at the start. While it is on, the group is measured every 25 ms and killed
   * above the limit.
   */
  watchMemory(on: boolean): void;
  /** SIGKILL to the process and everything it started. Idempotent. */
  kill(): void;
  /** Resolves when the process is gone and `onExit` was called. */
  readonly exited: Promise<void>;
}

export interface CompilerEnd {
  /** `memory`: its group was killed for exceeding the memory limit. */
  readonly cause: "memory" | "other";
  readonly reason: string;
  /** The last 4 kB that the process wrote. */
  readonly stderrTail: string;
}

export interface CompilerChildEvents {
  onMessage(message: FromCompiler): void;
  /** Called once. */
  onExit(end: CompilerEnd): void;
}

const STDERR_TAIL = 4096;
/** The fastest growth seen was 0.5 GB a second: between two measurements, some ten megabytes. */
const MEMORY_POLL_MS = 25;

export interface CompilerChildOptions {
  /** Bytes the group may hold while it is watched. */
  readonly memoryBytes: number;
  readonly check: CheckLimits;
}

/**
 * Starts a process; later failures are reported by `onExit`.
 * @throws the system's error when it refuses the start at once
 */
export function startCompilerChild(
  { memoryBytes, check }: CompilerChildOptions,
  events: CompilerChildEvents,
): CompilerChild {
  const entry = new URL(`./compiler-entry${import.meta.url.slice(-3)}`, import.meta.url);
  const child = fork(entry, [String(process.pid), JSON.stringify(check)], {
    cwd: parse(process.execPath).root,
    // Programs written in Go return memory sooner near this size; it limits nothing.
    env: { GOMEMLIMIT: "256MiB" },
    execArgv: ["--max-old-space-size=256"],
    // A group of its own: esbuild's service and the type checker join it, and one signal ends all of them.
    detached: true,
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let stderrTail = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderrTail = (stderrTail + text).slice(-STDERR_TAIL);
  });

  const kill = (): void => killGroup(child.pid);
  const memory = watchGroup(child.pid, memoryBytes, kill);
  const exited = new Promise<void>((resolve) => {
    let ended = false;
    const end = (reason: string): void => {
      if (ended) return;
      ended = true;
      memory.watch(false);
      // A process that died by itself leaves esbuild's service running.
      kill();
      const excess = memory.excessBytes();
      if (excess === undefined) events.onExit({ cause: "other", reason, stderrTail });
      else events.onExit({ cause: "memory", reason: `it held ${excess} bytes`, stderrTail });
      resolve();
    };
    child.on("exit", (code, signal) => end(signal ?? `exit code ${code}`));
    child.on("error", (error) => {
      // Without a pid there will be no exit event. Otherwise a message could not be sent, and the exit follows.
      if (child.pid === undefined) end(describeShortage(error) ?? error.message);
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
    watchMemory: memory.watch,
    kill,
    exited,
  };
}

interface MemoryWatch {
  watch(on: boolean): void;
  /** The bytes that the group held when it was killed for them. */
  excessBytes(): number | undefined;
}

function watchGroup(pid: number | undefined, memoryBytes: number, kill: () => void): MemoryWatch {
  let timer: NodeJS.Timeout | undefined;
  let excess: number | undefined;
  const look = (): void => {
    const held = pid === undefined ? 0 : groupMemoryBytes(pid);
    if (held <= memoryBytes) return;
    excess = held;
    kill();
  };
  return {
    watch(on) {
      if (on && timer === undefined) timer = setInterval(look, MEMORY_POLL_MS);
      if (on) return;
      clearInterval(timer);
      timer = undefined;
    },
    excessBytes: () => excess,
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
