/**
 * What the journal of a run says so far. Each event is read once, when it is appended or loaded. Other code asks here
 * and never scans the events. Pure: the same events give the same state.
 */
import type { JournalEvent, LogLevel, RunStatus, RunUsage } from "../../journal.ts";
import type { PolicyLayer } from "../../tools/policy-layer.ts";
import { type CallRecord, createCallFold } from "./calls.ts";
import { parseCallId } from "./ids.ts";
import { createTurnFold, type ModelTokens, type TurnRecord } from "./turns.ts";
import { createUsageFold } from "./usage.ts";

type Event<T extends JournalEvent["type"]> = Extract<JournalEvent, { readonly type: T }>;

export type Mark = Event<"opened" | "resumed" | "reopened" | "waiting" | "ended">;

export interface Log {
  readonly level: LogLevel;
  readonly text: string;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
}

/** Lists are in the order of the journal. */
export interface RunState {
  /** Takes the next event; returns the call that it is about, as it stands after it. */
  apply(event: JournalEvent): CallRecord | undefined;

  readonly status: RunStatus;
  readonly opened: Event<"opened"> | undefined;
  readonly last: JournalEvent | undefined;
  /** How the run ended; undefined while it is active, also after it was reopened. */
  readonly end: Event<"ended"> | undefined;
  /** When it last ended, also if it was reopened since: milliseconds since the Unix epoch. */
  readonly lastEndedAt: number | undefined;
  readonly lastPause: Event<"waiting"> | undefined;
  /** Where it began, came to rest and resumed. */
  readonly marks: readonly Mark[];

  /** By its own id. */
  call(id: string): CallRecord | undefined;
  /** In the order in which they were requested. */
  readonly calls: readonly CallRecord[];
  /** Calls that have not settled and do not wait for a person. */
  readonly unfinished: readonly CallRecord[];
  /** Calls that wait for a person; none once the run has ended. */
  readonly asked: readonly CallRecord[];
  /** Goes up whenever `asked` changes. */
  readonly askedVersion: number;
  readonly settlements: readonly Event<"settled">[];
  /** How many calls were asked for: without those that only stand in the text of a program that was refused. */
  readonly callCount: number;
  /**
   * The highest number of a call, including numbers of the caller's own tools, which become no call here. 0 without
   * calls.
   */
  readonly lastCallNumber: number;
  /** Whether a call that is not read-only started, and was not held back at the last moment. */
  readonly hasEffects: boolean;

  readonly turns: readonly TurnRecord[];
  /** What the providers counted, over all turns that said so. */
  readonly tokens: ModelTokens;
  readonly logs: readonly Log[];
  /** The end of what a waiting program has printed. Its journal gets the output when the program is over. */
  readonly lastLogs: readonly Log[];

  /**
   * Policy layers of the requests that last resumed the run, and of decisions since. Undefined when there were none.
   * Once the run waits again, only decisions that nothing has followed yet count.
   */
  readonly layers: readonly PolicyLayer[] | undefined;
  /** Whether a client's request is being answered. A decision in between is no such request. */
  readonly isAnswering: boolean;
  /** Whether it ended while no request was being answered: it was cancelled, or it expired. */
  readonly restedBeforeItEnded: boolean;
  /**
   * Since when a run at rest waits, for the first of its calls to be decided or, a chat, for its client: milliseconds
   * since the Unix epoch. Undefined when it waits for nobody.
   */
  readonly waitsSince: number | undefined;
  /** `createdAt`: of the run, in milliseconds since the Unix epoch. Figures that nobody knows yet are 0. */
  usage(createdAt: number): RunUsage;
  /** Milliseconds that count against the limits of the program when it resumes. */
  readonly used: { readonly wallMs: number; readonly cpuMs: number };
}

export function createRunState(): RunState {
  return new FoldedRun();
}

/** The state after these events: all of a journal, or any beginning of it. */
export function readState(events: readonly JournalEvent[]): RunState {
  const state = createRunState();
  for (const event of events) state.apply(event);
  return state;
}

/** The status of a run after this event. An ended run stays ended; any event after `waiting` means that it resumed. */
export function statusAfter(event: JournalEvent | undefined): RunStatus {
  switch (event?.type) {
    case undefined:
      return "queued";
    case "waiting":
      return "waiting";
    case "ended":
      return event.status;
    default:
      return "running";
  }
}

class FoldedRun implements RunState {
  opened: Event<"opened"> | undefined;
  last: JournalEvent | undefined;
  lastEndedAt: number | undefined;
  lastPause: Event<"waiting"> | undefined;
  askedVersion = 0;
  isAnswering = true;
  restedBeforeItEnded = false;
  readonly marks: Mark[] = [];
  readonly settlements: Event<"settled">[] = [];
  readonly logs: Event<"log">[] = [];
  readonly #calls = createCallFold();
  readonly #turns = createTurnFold();
  readonly #asked = new Map<string, CallRecord>();
  readonly #usage = createUsageFold();
  /** Decisions that narrow the policy. */
  readonly #narrowing: Event<"decided">[] = [];
  /** How often calls that are not read-only started and were not held back. */
  #changes = 0;
  callCount = 0;
  #lastResume: Event<"resumed" | "waiting"> | undefined;
  #lastRest: Event<"resumed" | "waiting" | "ended"> | undefined;

  apply(event: JournalEvent): CallRecord | undefined {
    this.#usage.apply(event);
    this.last = event;
    this.restedBeforeItEnded = false;
    switch (event.type) {
      case "opened":
      case "resumed":
      case "reopened":
      case "waiting":
      case "ended":
        this.#applyMark(event);
        return undefined;
      case "log":
        this.logs.push(event);
        return undefined;
      case "turn":
      case "answered":
        this.#turns.apply(event);
        return undefined;
      case "timer":
        return undefined;
      default:
        return this.#applyToCall(event);
    }
  }

  #applyMark(event: Mark): void {
    this.marks.push(event);
    if (event.type === "opened") this.opened ??= event;
    if (event.type === "resumed" || event.type === "waiting") this.#lastResume = event;
    if (event.type === "waiting") this.lastPause = event;
    if (event.type === "ended") {
      this.lastEndedAt = event.at;
      this.restedBeforeItEnded = !this.isAnswering;
    }
    if (event.type === "resumed" || event.type === "waiting" || event.type === "ended")
      this.#lastRest = event;
    this.isAnswering = event.type !== "waiting" && event.type !== "ended";
  }

  #applyToCall(event: Event<"requested" | "decided" | "started" | "settled">): CallRecord | undefined {
    switch (event.type) {
      case "requested":
        if (event.inText !== true) this.callCount += 1;
        break;
      case "decided":
        if (event.layers !== undefined) this.#narrowing.push(event);
        if (event.heldBack === true) this.#changes -= 1;
        break;
      case "started":
        if (!event.readOnly) this.#changes += 1;
        break;
      case "settled":
        this.settlements.push(event);
        break;
    }
    const call = this.#calls.apply(event);
    if (call !== undefined) this.#noteAsked(call);
    return call;
  }

  #noteAsked(call: CallRecord): void {
    const isAsked = call.open?.step === "asked";
    if (!isAsked && !this.#asked.has(call.id)) return;
    this.#asked.delete(call.id);
    if (isAsked) this.#asked.set(call.id, call);
    this.askedVersion += 1;
  }

  get lastCallNumber(): number {
    const ofTurns = this.turns.flatMap(({ event }) => event.calls.flatMap(({ call }) => call ?? []));
    const ids = [...this.calls.map(({ id }) => id), ...ofTurns];
    return ids.reduce((highest, id) => Math.max(highest, parseCallId(id)?.n ?? 0), 0);
  }

  get status(): RunStatus {
    return statusAfter(this.last);
  }

  get end(): Event<"ended"> | undefined {
    return this.last?.type === "ended" ? this.last : undefined;
  }

  call(id: string): CallRecord | undefined {
    return this.#calls.call(id);
  }

  get calls(): readonly CallRecord[] {
    return this.#calls.calls();
  }

  get unfinished(): readonly CallRecord[] {
    return this.calls.filter(({ open }) => open !== undefined && open.step !== "asked");
  }

  get asked(): readonly CallRecord[] {
    return this.end === undefined ? [...this.#asked.values()] : [];
  }

  get turns(): readonly TurnRecord[] {
    return this.#turns.turns;
  }

  get tokens(): ModelTokens {
    return this.#turns.tokens;
  }

  get hasEffects(): boolean {
    return this.#changes > 0;
  }

  get lastLogs(): readonly Log[] {
    const rest = this.#lastRest;
    return rest?.type === "waiting" ? (rest.lastLogs ?? []).map((log) => ({ ...log, at: rest.at })) : [];
  }

  get layers(): readonly PolicyLayer[] | undefined {
    const mark = this.#lastResume;
    const decided = this.#narrowing.flatMap(({ seq, call, layers = [] }) =>
      seq > (mark?.seq ?? 0) || this.call(call)?.open?.step === "decided" ? layers : [],
    );
    const all = [...((mark?.type === "resumed" && mark.layers) || []), ...decided];
    return all.length === 0 ? undefined : all;
  }

  get waitsSince(): number | undefined {
    const { asked, last } = this;
    if (asked.length > 0) return Math.min(...asked.map(askedAt));
    return last?.type === "waiting" && this.turns.length > 0 ? last.at : undefined;
  }

  usage(createdAt: number): RunUsage {
    const { last } = this;
    const told = last?.type === "ended" || last?.type === "waiting" ? last.usage : undefined;
    return told ?? this.#usage.soFar(createdAt);
  }

  get used(): { readonly wallMs: number; readonly cpuMs: number } {
    return this.#usage.used();
  }
}

/** When a call that waits for a person was last asked about: milliseconds since the Unix epoch. */
export function askedAt({ decisions }: CallRecord): number {
  return decisions.at(-1)?.at ?? 0;
}
