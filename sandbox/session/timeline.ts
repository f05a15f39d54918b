/**
 * A program's requests and entries, in order: the part of a run that every execution must follow exactly. It lives
 * through all leases of a session, and begins with the stored history of a run that an earlier process left.
 */
import type { EngineHistory, EngineRequest } from "../engine.ts";
import type { Entry } from "../protocol.ts";

/** What a request of the program means. */
export type Asked =
  /** It is new. */
  | { readonly type: "new" }
  /** The history holds it without its settlement: it must be taken up again. */
  | { readonly type: "open" }
  /** The history holds its settlement, and that entry follows. */
  | { readonly type: "settled" }
  /** An earlier lease of this session made the same request. */
  | { readonly type: "repeated" }
  | { readonly type: "diverged"; readonly difference: string }
  /** No prelude numbers its requests like this. */
  | { readonly type: "out-of-sequence" };

const MAX_SHOWN_CHARS = 200;

export class Timeline {
  readonly #history: EngineHistory | undefined;
  readonly #settledBefore: ReadonlySet<number>;
  /** By n - 1: the requests that this session received, in any lease. */
  readonly #requests: EngineRequest[] = [];
  readonly #entries: Entry[];
  readonly #lastRecorded: number;
  #chars = 0;
  /** Of the current lease. */
  #asked = 0;
  #acked = -1;

  constructor(history: EngineHistory | undefined) {
    this.#history = history;
    this.#entries = (history?.entries ?? []).map((entry, index) => ({ ...entry, k: index + 1 }));
    this.#settledBefore = new Set(this.#entries.map(({ n }) => n));
    for (const { text } of this.#entries) this.#chars += text.length;
    this.#lastRecorded = lastOf(history);
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** The number of calls and timers that the session knows. */
  get requests(): number {
    return this.#requests.length;
  }

  /** True while the worker executes an entry. */
  get executing(): boolean {
    return this.#acked < this.#entries.length;
  }

  /** The entry that the worker executes, or would execute next. */
  get underWay(): number {
    return this.#acked + 1;
  }

  /** Characters of all arguments and results; they are kept for the next execution. */
  get chars(): number {
    return this.#chars;
  }

  /** The number of entries sent to the worker and not finished. */
  get ahead(): number {
    return this.#entries.length - this.#acked;
  }

  /**
   * True until the stored history has been replayed to its end. Before that, nothing may happen in the outside world.
   */
  get repeatsHistory(): boolean {
    return this.#history !== undefined && this.#acked < this.#history.entries.length;
  }

  /** The program's clock in the entry that is being executed, in milliseconds since the Unix epoch. */
  clock(startedAt: number): number {
    return this.#entries[this.#acked]?.at ?? startedAt;
  }

  /** The tool of a requested call, for messages. */
  nameOf(n: number): string {
    const request = this.#requests[n - 1];
    return request?.type === "call" ? cut(nameOf(request)) : "a tool";
  }

  /** A worker starts the program from its beginning. */
  restart(): void {
    this.#asked = 0;
    this.#acked = -1;
  }

  /** Calls and timers come numbered without a gap. A known number must make the same request as before. */
  ask(n: number, request: EngineRequest): Asked {
    this.#asked += 1;
    if (n !== this.#asked) return { type: "out-of-sequence" };
    const isRepeated = n <= this.#requests.length;
    const recorded = isRepeated ? this.#requests[n - 1] : this.#history?.requests.get(n);
    if (recorded !== undefined && !isSame(recorded, request)) {
      const difference = `at step ${n} the program ${describe(request)}; its history says that it ${describe(recorded)}`;
      return { type: "diverged", difference };
    }
    if (isRepeated) return { type: "repeated" };
    this.#requests.push(request);
    if (request.type === "call") this.#chars += request.args.length;
    if (this.#settledBefore.has(n)) return { type: "settled" };
    return { type: recorded === undefined ? "new" : "open" };
  }

  /** Fixes the place of a settlement or timer among the entries, before it is sent to the worker. */
  tell(body: Pick<Entry, "n" | "kind" | "text">, at: number, startedAt: number): Entry {
    const before = this.#entries.at(-1)?.at ?? startedAt;
    const entry = { ...body, k: this.#entries.length + 1, at: Math.max(before, at) };
    this.#entries.push(entry);
    this.#chars += entry.text.length;
    return entry;
  }

  /** Entry k is over. Undefined when no entry of that number is due. */
  acknowledge(k: number): { readonly difference: string | null } | undefined {
    if (k !== this.#acked + 1 || k > this.#entries.length) return undefined;
    this.#acked = k;
    return { difference: this.#history === undefined ? null : this.#missingNow(this.#history) };
  }

  /** Requests of its history that the program has not made though it is over. */
  missingAtEnd(): string | null {
    return this.#history === undefined ? null : this.#missing(this.#history, this.#lastRecorded);
  }

  /**
   * The request that the history settles next must have been made by now; at the history's end, all of its requests.
   */
  #missingNow(history: EngineHistory): string | null {
    const atEnd = this.#acked === history.entries.length;
    return this.#missing(history, history.entries[this.#acked]?.n ?? (atEnd ? this.#lastRecorded : 0));
  }

  #missing(history: EngineHistory, due: number): string | null {
    if (due <= this.#asked) return null;
    const recorded = history.requests.get(due);
    const words = recorded === undefined ? `asked for step ${due}` : describe(recorded);
    return `its history says that the program ${words}; this time it did not come to that`;
  }
}

/** The number of the last call or timer that a history holds. */
function lastOf(history: EngineHistory | undefined): number {
  let last = 0;
  for (const n of history?.requests.keys() ?? []) last = Math.max(last, n);
  for (const { n } of history?.entries ?? []) last = Math.max(last, n);
  return last;
}

function isSame(one: EngineRequest, other: EngineRequest): boolean {
  if (one.type === "timer" || other.type === "timer")
    return one.type === "timer" && other.type === "timer" && one.delayMs === other.delayMs;
  // A journal joins server and tool, and either may hold a slash when the program asked for a tool that does not exist.
  return nameOf(one) === nameOf(other) && one.args === other.args;
}

function describe(request: EngineRequest): string {
  if (request.type === "timer") return `set a timer of ${request.delayMs} ms`;
  return `called ${cut(nameOf(request))} with ${cut(request.args)}`;
}

function nameOf({ server, tool }: Extract<EngineRequest, { type: "call" }>): string {
  return `${server}/${tool}`;
}

/** Cuts a text to a length fit for a message. */
export function cut(text: string): string {
  return text.length <= MAX_SHOWN_CHARS ? text : `${text.slice(0, MAX_SHOWN_CHARS)}…`;
}
