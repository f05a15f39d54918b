/**
 * Entry of a worker process: leases isolates to the gateway, one program each. It knows no tool, no secret and no
 * policy, and the gateway does not trust its messages. The process ends with its channel, whatever it is doing.
 */
import { writeFileSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { createFrameReader, encodeFrame } from "../frames.ts";
import type { FromWorker, LeaseId, ToWorker } from "../protocol.ts";
import { createGuestCode } from "./guest-code.ts";
import { loadGuestScripts } from "./guest-scripts.ts";
import { createSlot, type Slot } from "./isolate.ts";
import { createStepAside } from "./step-aside.ts";

/** The descriptor that the gateway opened for this process; stdout and stderr are not the channel. */
const CHANNEL_FD = 3;
/** Interval, in milliseconds, at which the CPU time of running programs is read. */
const CPU_POLL_MS = 10;
/** Isolates built and warmed up in advance: 1.25 MB each, and a start in a third of the time. */
const SPARE_SLOTS = 4;
/**
 * A slot is built this long after the last message, so that answers go first: building blocks this thread for 2 ms …
 */
const REFILL_AFTER_MS = 4;
/** … but no later than this, however busy the worker is. */
const REFILL_AT_LAST_MS = 50;

const channel = new Socket({ fd: CHANNEL_FD, readable: true, writable: true });
const leases = new Map<LeaseId, Slot>();
const { scripts, version } = loadGuestScripts();
const code = createGuestCode(scripts);
const slotMemoryMb = Number(process.argv[2] ?? 64);
const spares: Slot[] = [];
const outbox: Buffer[] = [];
let refillTimer: NodeJS.Timeout | undefined;
let refillDue = Number.POSITIVE_INFINITY;

process.env["TZ"] = "UTC";
refuseForeignLocale();
stayKillable();
channel.on("close", () => process.kill(process.pid, "SIGKILL"));
channel.on("error", () => undefined);
const reader = createFrameReader((header, text) => handle({ ...JSON.parse(header), text } as ToWorker));
channel.on("data", (bytes: Buffer) => reader.push(bytes));
let processCpuMs = readCpuMs();
let polledAt = performance.now();
const stepAside = createStepAside();
setInterval(() => {
  const before = { cpuMs: processCpuMs, at: polledAt };
  processCpuMs = readCpuMs();
  polledAt = performance.now();
  const usedMs = processCpuMs - before.cpuMs;
  stepAside(usedMs, polledAt - before.at);
  for (const slot of leases.values()) slot.checkCpu(usedMs);
}, CPU_POLL_MS);
// Ready means one slot, not all of them: a replacement must start fast.
spares.push(createSlot(slotMemoryMb, code));
refillSoon();
send({ type: "ready", preludeVersion: version, rssBytes: process.memoryUsage.rss() });

function handle(message: ToWorker): void {
  switch (message.type) {
    case "start":
      start(message);
      break;
    case "enter":
      leases.get(message.lease)?.enter(message);
      if (refillTimer !== undefined) refillSoon();
      break;
    case "where":
      leases.get(message.lease)?.where();
      break;
    case "stop":
      stop(message.lease);
      break;
    default:
      throw new Error(`unknown message ${(message satisfies never as ToWorker).type}`);
  }
}

function start(message: Extract<ToWorker, { type: "start" }>): void {
  const { lease, configChars, text, ...given } = message;
  try {
    const before = leases.get(lease);
    if (before !== undefined) void before.dispose();
    const slot = takeSlot(given.limits.memoryMb);
    leases.set(lease, slot);
    slot.start(
      { ...given, js: text.slice(configChars), config: text.slice(0, configChars) },
      {
        posts: (posts) => send({ type: "posts", lease, text: posts }),
        entered: (entry) => send({ type: "entered", lease, ...entry }),
        broken: (code, words, cpuMs, at) => send({ type: "broken", lease, code, message: words, cpuMs, at }),
      },
    );
    refillSoon();
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    send({ type: "broken", lease, code: "engine_crashed", message: words, cpuMs: 0, at: "" });
  }
}

function stop(lease: LeaseId): void {
  const slot = leases.get(lease);
  leases.delete(lease);
  const done = slot === undefined ? Promise.resolve() : slot.dispose();
  void done.then(() => {
    send({ type: "stopped", lease });
    refillSoon();
  });
}

/** A run with an unusual memory limit gets a slot built for it. */
function takeSlot(memoryMb: number): Slot {
  const slot = memoryMb === slotMemoryMb ? spares.pop() : undefined;
  return slot ?? createSlot(memoryMb, code);
}

function refillSoon(): void {
  if (spares.length >= SPARE_SLOTS) return;
  clearTimeout(refillTimer);
  refillDue = Math.min(refillDue, performance.now() + REFILL_AT_LAST_MS);
  refillTimer = setTimeout(refill, Math.min(REFILL_AFTER_MS, refillDue - performance.now()));
}

/** One at a time, so that a message never waits for more than one. */
function refill(): void {
  refillTimer = undefined;
  refillDue = Number.POSITIVE_INFINITY;
  spares.push(createSlot(slotMemoryMb, code));
  refillSoon();
}

/** All messages of one turn go out in one write and wake the gateway once. A lone program is sent at once. */
function send(message: FromWorker): void {
  const { text, ...header } = { text: "", ...message };
  if (outbox.length === 0) setImmediate(flush);
  outbox.push(encodeFrame(header, text));
  if (message.type === "entered" && leases.size === 1) flush();
}

/** Writes past the stream, which is slower than the system; the stream takes over what the system does not accept. */
function flush(): void {
  if (outbox.length === 0) return;
  const bytes = outbox.length === 1 && outbox[0] !== undefined ? outbox[0] : Buffer.concat(outbox);
  outbox.length = 0;
  const written = channel.writableLength === 0 ? writeNow(bytes) : 0;
  if (written < bytes.length) channel.write(bytes.subarray(written));
}

function writeNow(bytes: Buffer): number {
  try {
    return writeSync(CHANNEL_FD, bytes);
  } catch {
    // The buffer is full, or the gateway is gone: the stream finds out which.
    return 0;
  }
}

/** An empty environment means en-US. A locale set by a wrapper cannot be undone here: ICU has already read it. */
function refuseForeignLocale(): void {
  const { locale } = new Intl.NumberFormat().resolvedOptions();
  if (locale === "en-US" || process.platform === "win32") return;
  process.stderr.write(`programs need the locale en-US, not ${locale}: leave LC_ALL and LANG unset\n`);
  process.exit(1);
}

function readCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/**
 * Under memory pressure the kernel kills a worker, never the gateway, and a crash leaves no copy of a program's memory
 * behind. Where these files do not exist, nothing is set.
 */
function stayKillable(): void {
  for (const [file, value] of [
    ["/proc/self/oom_score_adj", "1000"],
    ["/proc/self/coredump_filter", "0"],
  ] as const) {
    try {
      writeFileSync(file, value);
    } catch {}
  }
}
