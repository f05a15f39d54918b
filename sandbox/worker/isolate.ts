/**
 * One run in one fresh isolate: build, harden, install, start, enter, dispose. Programs run on isolated-vm's thread
 * pool, so that this process's own thread stays free to watch their CPU time.
 *
 * Only strings and numbers cross. No isolated-vm handle is ever inside: the guest gets plain functions.
 */
import ivm from "isolated-vm";
import type { RunLimits } from "../limits.ts";
import { placeInStack } from "../origins.ts";
import type { BrokenCode, Entry } from "../protocol.ts";
import { A_THROWN_OBJECT } from "../protocol.ts";
import type { GuestCode } from "./guest-code.ts";

export interface IsolateEvents {
  posts(text: string): void;
  /** `rejection`: message of a promise that was rejected in this entry without a handler; empty when there was none. */
  entered(entry: {
    readonly k: number;
    readonly cpuMs: number;
    readonly heapBytes: number;
    readonly rejection: string;
    readonly rejectedAt: string;
  }): void;
  /** `at`: `line:column` of the code that was executing; empty when the engine does not know it. */
  broken(code: BrokenCode, message: string, cpuMs: number, at: string): void;
}

export interface IsolateStart {
  readonly js: string;
  /** JSON text the prelude reads: namespaces, input, seed, caps. */
  readonly config: string;
  readonly startedAt: number;
  readonly limits: RunLimits;
  /** Milliseconds for each entry; set when the program runs only to find its place. */
  readonly entryMs?: number;
}

/** A built and hardened isolate that waits for its one program. */
export interface Slot {
  readonly memoryMb: number;
  /** Starts the program; once per slot. */
  start(program: IsolateStart, events: IsolateEvents): void;
  enter(entry: Entry): void;
  /** Asks the program to report where it waits. */
  where(): void;
  /**
   * Stops the program when it has passed its CPU limit; the worker polls this.
   * @param processMs CPU time that this process has used since the previous poll
   */
  checkCpu(processMs: number): void;
  /** Resolves once nothing of the program runs any more. */
  dispose(): Promise<void>;
}

/** The name in stack frames of the program; the gateway maps its positions to the author's text. */
const PROGRAM_FILE = "program.js";
const MAX_WORDS = 4_096;
const WHERE_MS = 100;

export function createSlot(memoryMb: number, code: GuestCode): Slot {
  let events: IsolateEvents | undefined;
  let lastPost: string | undefined;
  const isolate = new ivm.Isolate({
    memoryLimit: memoryMb,
    // V8 has lost control here. Report the run while this thread still can; the gateway kills the process.
    onCatastrophicError: () => events?.broken("memory_exceeded", "V8 ran out of memory.", 0, ""),
  });
  const context = isolate.createContextSync();
  const enterGuest = code.install(isolate, context, (text, last) => {
    // The last post is of no use before its entry is over, and sending the two together wakes the gateway once.
    if (last) lastPost = text;
    else events?.posts(text);
  });
  const cpuAtStart = isolate.cpuTime;
  let state: "ready" | "running" | "broken" | "disposed" = "ready";
  let limits: RunLimits | undefined;
  let deadline = 0;
  let entryMs = Number.POSITIVE_INFINITY;
  let cpuBoundMs = 0;
  let running: Promise<void> = Promise.resolve();

  const cpuMs = (): number =>
    isolate.isDisposed ? 0 : Number((isolate.cpuTime - cpuAtStart) / 1_000n) / 1_000;
  const remainingMs = (): number => Math.max(1, Math.ceil(Math.min(entryMs, deadline - performance.now())));

  function breakWith(code: BrokenCode, message: string, usedMs: number, at = ""): void {
    if (state !== "running") return;
    state = "broken";
    events?.broken(code, message, usedMs, at);
    if (!isolate.isDisposed) isolate.dispose();
  }

  /**
   * Compiling and making the function happen on this thread: they take microseconds and run nothing of the program.
   * Each would otherwise pass through the thread pool before the program's first instruction.
   */
  async function begin({ js, config, startedAt }: IsolateStart): Promise<void> {
    const timeout = remainingMs();
    const script = isolate.compileScriptSync(js, { filename: PROGRAM_FILE });
    const main = script.runSync(context, { reference: true, timeout, release: true });
    const entry = ["start", 0, startedAt, config, main.derefInto({ release: true })];
    await enterGuest.apply(undefined, entry, { timeout });
  }

  /** Follows one entry after the other; isolated-vm keeps the order and drains microtasks between them. */
  function track(k: number, entered: Promise<unknown>): void {
    const over = entered.then(
      () => acknowledge(k),
      (error: unknown) => {
        const fatal = classify(error);
        if (fatal === undefined) acknowledge(k, messageOf(error), placeOf(error));
        else breakWith(fatal, messageOf(error), cpuMs(), placeOf(error));
      },
    );
    running = Promise.all([running, over]).then(() => undefined);
  }

  function acknowledge(k: number, rejection = "", rejectedAt = ""): void {
    if (state !== "running" || isolate.isDisposed) return;
    // Heap figures cost a call into the isolate, so they are read once, with the program's last post.
    const heap = lastPost === undefined ? undefined : isolate.getHeapStatisticsSync();
    const heapBytes = heap === undefined ? 0 : heap.used_heap_size + heap.externally_allocated_size;
    if (lastPost !== undefined) events?.posts(lastPost);
    lastPost = undefined;
    events?.entered({ k, cpuMs: cpuMs(), heapBytes, rejection, rejectedAt });
  }

  return {
    memoryMb,
    start(program, to) {
      events = to;
      state = "running";
      limits = program.limits;
      entryMs = program.entryMs ?? Number.POSITIVE_INFINITY;
      deadline = performance.now() + program.limits.wallMs;
      track(0, begin(program));
    },
    enter(entry) {
      if (state !== "running" || isolate.isDisposed) return;
      const { k, kind, n, at, text } = entry;
      track(k, enterGuest.apply(undefined, [kind, n, at, text], { timeout: remainingMs() }));
    },
    where() {
      if (state !== "running" || isolate.isDisposed) return;
      // If this fails, the session's own short time limit covers it.
      enterGuest.apply(undefined, ["where", 0, 0, ""], { timeout: WHERE_MS }).catch(() => undefined);
    },
    checkCpu(processMs) {
      if (state !== "running" || limits === undefined) return;
      // isolated-vm counts the current entry by the wall clock; on a busy machine that is more than the CPU time it
      // got.
      cpuBoundMs = Math.min(cpuMs(), cpuBoundMs + processMs);
      if (cpuBoundMs > limits.cpuMs)
        breakWith("cpu_timeout", `The program used more than ${limits.cpuMs} ms of CPU time.`, cpuBoundMs);
    },
    async dispose() {
      state = "disposed";
      if (!isolate.isDisposed) isolate.dispose();
      await running;
    },
  };
}

/**
 * isolated-vm distinguishes its failures only by their messages. A promise rejected before it is handled makes the
 * entry reject too, though the program may well continue: such an error is not a fault of the engine (undefined).
 */
function classify(error: unknown): BrokenCode | undefined {
  const message = messageOf(error);
  if (message.includes("due to memory limit")) return "memory_exceeded";
  if (message === "Script execution timed out.") return "wall_timeout";
  if (message.includes("Isolate is disposed") || message.includes("Isolate was disposed"))
    return "engine_crashed";
  if (error instanceof SyntaxError && message.includes(PROGRAM_FILE)) return "guest_error";
  return undefined;
}

/** isolated-vm's message for a thrown object: it copies messages of errors only. */
const NO_ERROR = "An object was thrown from supplied code within isolated-vm";

function placeOf(error: unknown): string {
  return error instanceof Error && error.stack !== undefined ? placeInStack(error.stack) : "";
}

/** Cut: the message may be as long as the program's heap allows, and it travels in a frame's header. */
function messageOf(error: unknown): string {
  const words = error instanceof Error ? error.message : String(error);
  return words.startsWith(NO_ERROR) ? A_THROWN_OBJECT : words.slice(0, MAX_WORDS);
}
