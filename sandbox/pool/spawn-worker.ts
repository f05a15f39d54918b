/** The operating system's half of a worker's start: the command, and the message when the system refuses it. */
import { type ChildProcess, spawn } from "node:child_process";
import { parse } from "node:path";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { describeShortage } from "./shortage.ts";

export interface WorkerCommand {
  /** Command put before the worker, e.g. `["bwrap", …]`. */
  readonly wrapper: readonly string[];
  /** Memory limit of the isolate that is built in advance. */
  readonly slotMemoryMb: number;
}

export interface SpawnedWorker {
  readonly child: ChildProcess;
  readonly channel: Duplex;
}

/**
 * Starts the process with an empty environment, a neutral directory, and no descriptors but the channel and a drained
 * stderr. Failures that the system reports later arrive as the child's `error`.
 * @throws an Error whose message is for the operator
 */
export function spawnWorker({ wrapper, slotMemoryMb }: WorkerCommand): SpawnedWorker {
  const entry = fileURLToPath(new URL(`../worker/worker${import.meta.url.slice(-3)}`, import.meta.url));
  const command = [
    ...wrapper,
    process.execPath,
    // Halves the time to build an isolate; isolated-vm demands it from Node 20 on.
    "--no-node-snapshot",
    // stripTypeScriptTypes warns on stderr at every start in development.
    "--disable-warning=ExperimentalWarning",
    entry,
    String(slotMemoryMb),
  ];
  const [file = process.execPath, ...args] = command;
  let child: ChildProcess;
  try {
    // The root exists, whatever TMPDIR and the gateway's own directory have become.
    const cwd = parse(process.execPath).root;
    child = spawn(file, args, { cwd, env: {}, stdio: ["ignore", "ignore", "pipe", "pipe"] });
  } catch (error) {
    throw new Error(describeSpawnError(error, wrapper));
  }
  const channel = child.stdio?.[3];
  if (channel !== null && channel !== undefined) return { child, channel: channel as Duplex };
  // When descriptors run out, Node makes no streams and reports the error in its next turn.
  child.on("error", () => undefined);
  throw new Error(describeSpawnError(Object.assign(new Error("no channel"), { code: "EMFILE" }), wrapper));
}

export function describeSpawnError(error: unknown, [wrapper]: readonly string[]): string {
  const shortage = describeShortage(error);
  if (shortage !== undefined) return shortage;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const fault = commandFaults[code];
  if (wrapper !== undefined && fault !== undefined)
    return `the command ${JSON.stringify(wrapper)} of sandbox.wrapper ${fault} (${code})`;
  return error instanceof Error ? error.message : String(error);
}

const commandFaults: { readonly [code: string]: string } = {
  ENOENT: "was not found",
  ENOTDIR: "was not found",
  EACCES: "may not be executed",
  ENOEXEC: "is no program of this system",
};
