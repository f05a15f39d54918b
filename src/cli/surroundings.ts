/**
 * Checks the system's limits before anything starts. Later, whatever hits a limit first would fail with a message of
 * its own, and below some limits Node itself only hangs.
 */
import { closeSync, openSync, readFileSync } from "node:fs";
import { devNull } from "node:os";
import { describeShortage } from "../../sandbox/index.ts";
import { ToolariumError } from "../errors.ts";
import type { Log } from "../log.ts";

/** Measured: with two workers, no server and no client a gateway holds 25 more than a fresh process. */
const DESCRIPTORS_NEEDED = 40;
/** Processes and threads. Measured: 60 are enough for two workers; with 45 the type checker cannot start. */
const TASKS_NEEDED = 64;
const LOOK_EVERY_MS = 1_000;

/** @throws `config_error`, `not_ready` with the remedy in the message */
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

/** Opens up to this many descriptors, and closes them again. */
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

/** Checks only limits that files show; others are found by the first start of a process. */
function checkTasks(): void {
  // The limit per user does not apply to root.
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
 * Logs once when no descriptor is left, and once when there are some again: in between the system drops new connections
 * silently. Returns a function that stops the watch.
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
