/**
 * What the system has to give before anything is started. Looked at first: later whatever needs it first would fail, in
 * words of its own, and below some of these limits Node itself only stands still.
 */
import { closeSync, openSync, readFileSync } from "node:fs";
import { devNull } from "node:os";
import { describeShortage } from "../../sandbox/index.ts";
import { ToolariumError } from "../errors.ts";
import type { Log } from "../log.ts";

/** Measured: with two workers, no server and no client a gateway holds 25 more than a process that has just begun. */
const DESCRIPTORS_NEEDED = 40;
/** Processes and threads. Measured: 60 are enough for two workers; of 45 none is left for the type checker. */
const TASKS_NEEDED = 64;
const LOOK_EVERY_MS = 1_000;

/** @throws `config_error`, `not_ready` in a sentence with the remedy */
export function checkSurroundings(): void {
  checkFolder();
  checkDescriptors();
  checkTasks();
}

function checkFolder(): void {
  try {
    process.cwd();
  } catch {
    throw new ToolariumError(
      "config_error",
      "The working directory does not exist any more. Start Toolarium in one that does.",
    );
  }
}

function checkDescriptors(): void {
  const free = countFreeDescriptors(DESCRIPTORS_NEEDED);
  if (free >= DESCRIPTORS_NEEDED) return;
  throw new ToolariumError(
    "not_ready",
    `This process may open only ${free} more files and connections, and Toolarium needs at least ${DESCRIPTORS_NEEDED}. ` +
      "Raise the limit: `ulimit -n 4096`, or nofile of the service or container.",
  );
}

/** Opens as many as it can, up to this many, and gives them back. */
function countFreeDescriptors(most: number): number {
  const opened: number[] = [];
  try {
    while (opened.length < most) opened.push(openSync(devNull, "r"));
  } catch (error) {
    if (describeShortage(error) === undefined) return most;
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
  return opened.length;
}

/** Only limits that are told by files; others are found by whoever needs a process first. */
function checkTasks(): void {
  // The limit of a user does not hold for root.
  const ofUser = process.getuid?.() === 0 ? null : /^Max processes +(\d+)/m.exec(read("/proc/self/limits"));
  const ofGroup = /^\d+/.exec(read("/sys/fs/cgroup/pids.max"));
  const allowed = Math.min(Number(ofUser?.[1] ?? Infinity), Number(ofGroup?.[0] ?? Infinity));
  if (allowed >= TASKS_NEEDED) return;
  throw new ToolariumError(
    "not_ready",
    `The system allows ${allowed} processes and threads, and Toolarium needs at least ${TASKS_NEEDED}. ` +
      "Raise the limit: `ulimit -u 4096`, or pids of the service or container.",
  );
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/**
 * Says once when no descriptor is left, and once when there are some again: the system then drops new connections
 * without a word. Returns how to stop.
 */
export function watchDescriptors(log: Pick<Log, "error" | "info">): () => void {
  let isOut = false;
  const look = (): void => {
    const wasOut = isOut;
    isOut = countFreeDescriptors(1) === 0;
    if (isOut && !wasOut)
      log.error(
        "no file descriptor is left: new connections are dropped, and no server or worker can be started. " +
          "Raise the limit: `ulimit -n`, or nofile of the service or container.",
      );
    if (wasOut && !isOut) log.info("file descriptors are free again");
  };
  const timer = setInterval(look, LOOK_EVERY_MS).unref();
  return () => clearInterval(timer);
}
