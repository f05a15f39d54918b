/**
 * One worker process seen from the gateway: start, handshake, frames both ways, memory watch, kill. Every message from
 * it is parsed here; a violation of the protocol ends the worker.
 */
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { createFrameReader, encodeFrame } from "../frames.ts";
import { type FromWorker, parseFromWorker, type ToWorker } from "../protocol.ts";
import { describeSpawnError, type SpawnedWorker, spawnWorker, type WorkerCommand } from "./spawn-worker.ts";

/**
 * For a start that hangs. A worker starts in 115–160 ms on an idle machine; on a busy one a start may take a minute.
 */
const START_TIMEOUT_MS = 120_000;
/** Growth of 2 GB/s was measured for allocations V8 does not count: 20 ms bound the damage to tens of megabytes. */
const MEMORY_POLL_MS = 20;
const STDERR_TAIL_CHARS = 8_000;
const PAGE_BYTES = 4_096;
/** Longest time for which one worker's frames may hold the gateway's thread before others get it. */
const TURN_MS = 2;

export interface WorkerProcessOptions extends WorkerCommand {
  /** Aborting ends a worker that is still starting. */
  readonly signal: AbortSignal;
}

export type WorkerDeath =
  | { readonly type: "exit"; readonly signal: NodeJS.Signals | null; readonly detail: string }
  | { readonly type: "killed"; readonly reason: string }
  | { readonly type: "violation"; readonly reason: string }
  | { readonly type: "memory"; readonly rssBytes: number };

export interface WorkerProcessEvents {
  message(message: Exclude<FromWorker, { type: "ready" }>): void;
  /** Called once, whatever the cause; nothing is delivered after it. */
  died(death: WorkerDeath): void;
}

export interface WorkerProcess {
  readonly pid: number;
  readonly preludeVersion: string;
  send(message: ToWorker): void;
  /** Growth of resident memory, in bytes above the fresh process, at which it is killed; 0 = do not watch. */
  watchMemory(growthBytes: number): void;
  /** SIGKILL: only this ends a running builtin. */
  kill(reason: string): void;
  /** Resolves when the process is gone. */
  readonly gone: Promise<void>;
}

/**
 * Starts a worker and waits until it can take a program. Rejects with the reason when that fails: isolated-vm does not
 * load, the wrapper is missing, or no answer came in time.
 */
export async function startWorkerProcess(
  options: WorkerProcessOptions,
  events: WorkerProcessEvents,
): Promise<WorkerProcess> {
  const { child, channel } = beginWorker(options);
  let death: WorkerDeath | undefined;
  let ready: ((hello: Extract<FromWorker, { type: "ready" }>) => void) | undefined;
  let baseRssBytes = 0;
  let growthBytes = 0;

  const stderrTail = keepTail(child);
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const kill = (why: WorkerDeath): void => {
    if (death === undefined) {
      death = why;
      child.kill("SIGKILL");
      // A wrapper may have taken the signal in the worker's place: the worker ends when its channel does.
      channel.destroy();
      events.died(why);
    }
  };
  const watch = setInterval(() => {
    if (growthBytes === 0 || death !== undefined) return;
    const rssBytes = readRssBytes(child.pid);
    if (rssBytes > baseRssBytes + growthBytes) kill({ type: "memory", rssBytes });
  }, MEMORY_POLL_MS);
  watch.unref();

  const reader = createFrameReader((header, text) => {
    if (death !== undefined) return;
    const parsed = parseFromWorker(header, text);
    if (!parsed.ok) kill({ type: "violation", reason: parsed.reason });
    else if (parsed.value.type !== "ready") events.message(parsed.value);
    else if (ready === undefined) kill({ type: "violation", reason: "ready was said twice" });
    else ready(parsed.value);
  });
  channel.on("data", (bytes: Buffer) => {
    const startedAt = performance.now();
    const fault = death === undefined ? reader.push(bytes) : undefined;
    if (fault !== undefined) kill({ type: "violation", reason: fault });
    if (performance.now() - startedAt < TURN_MS) return;
    channel.pause();
    setImmediate(() => channel.resume());
  });
  channel.on("error", () => undefined);

  const hello = await new Promise<Extract<FromWorker, { type: "ready" }>>((resolve, reject) => {
    // Only after the channel was read once more: if this process itself stood still, the answer has already arrived.
    const giveUpLate = (): void => {
      setImmediate(() => ready && fail(`it did not answer within ${START_TIMEOUT_MS} ms`));
    };
    const timer = setTimeout(giveUpLate, START_TIMEOUT_MS);
    const fail = (reason: string): void => {
      clearTimeout(timer);
      options.signal.removeEventListener("abort", giveUp);
      kill({ type: "killed", reason });
      // A process that never started leaves nothing behind; for any other, `gone` waits for its end.
      const left = child.pid === undefined ? Promise.resolve() : gone;
      void left.then(() => reject(new Error(`${NOT_STARTED}: ${reason}${stderrTail.text()}`)));
    };
    const giveUp = (): void => fail("it is not wanted any more");
    options.signal.addEventListener("abort", giveUp, { once: true });
    ready = (message) => {
      clearTimeout(timer);
      options.signal.removeEventListener("abort", giveUp);
      ready = undefined;
      resolve(message);
    };
    child.once("error", (error) => fail(describeSpawnError(error, options.wrapper)));
    child.once("close", (code, signal) => {
      clearInterval(watch);
      const detail = signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`;
      if (ready !== undefined) fail(detail);
      else kill({ type: "exit", signal, detail });
    });
  });
  // The worker's own figure counts only where the system gives none.
  baseRssBytes = readRssBytes(child.pid) || hello.rssBytes;

  return {
    pid: child.pid ?? 0,
    preludeVersion: hello.preludeVersion,
    send(message) {
      if (death !== undefined) return;
      const { text, ...header } = { text: "", ...message };
      channel.write(encodeFrame(header, text));
      if (channel.writableCorked > 0) return;
      // The first message of a turn is sent at once, the others together.
      channel.cork();
      setImmediate(() => channel.uncork());
    },
    watchMemory(bytes) {
      growthBytes = bytes;
    },
    kill: (reason) => kill({ type: "killed", reason }),
    gone,
  };
}

const NOT_STARTED = "a worker process could not be started";

function beginWorker(options: WorkerCommand): SpawnedWorker {
  // Other systems have no /proc, so the worker's own figure is used there.
  if (process.platform === "linux" && readRssBytes(process.pid) === 0)
    throw new Error(`${NOT_STARTED}: /proc cannot be read, and so no worker's memory watched; mount it`);
  try {
    return spawnWorker(options);
  } catch (error) {
    throw new Error(`${NOT_STARTED}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Keeps the end of stderr. Only the line that names a failure is reported; without one, the last line. */
function keepTail(child: ChildProcess): { text(): string } {
  let tail = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    tail = (tail + text).slice(-STDERR_TAIL_CHARS);
  });
  const text = (): string => {
    // V8 frames its last message with `#`.
    const lines = tail.split("\n").flatMap((line) => line.replace(/^#/, "").trim() || []);
    const telling = lines.find((line) => NAMES_FAILURE.test(line)) ?? lines.at(-1);
    return telling === undefined ? "" : `; it said: ${telling.slice(0, SAID_CHARS)}`;
  };
  return { text };
}

/** Longest part of that line in a message. */
const SAID_CHARS = 500;
const NAMES_FAILURE = /^(?:\w*Error(?: \[\w+\])?|Fatal [\w ]+): /;

/** 0 where /proc is missing or the process has gone: then memory is not watched. */
function readRssBytes(pid: number | undefined): number {
  try {
    // With this encoding alone Node reads without a buffer; for files without a size the buffer has 64 kB.
    return Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * PAGE_BYTES;
  } catch {
    return 0;
  }
}
