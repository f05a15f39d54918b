/**
 * Runs of the bare engine written down by their host, cut as a crash would cut them, and told again: the record is
 * the history of another run, whose host then gives the recorded answers in the recorded order, without waiting.
 */
import {
  defaultLimits,
  type EngineHistory,
  type EngineOutcome,
  type EngineProgram,
  type EngineRequest,
  type GuestCall,
  type GuestLog,
  type HistoryEntry,
  type RunLimits,
  type Settlement,
  type WorkerPool,
} from "../../sandbox/index.ts";

/** What the host of a run sees, in the order in which it sees it. */
export type Seen =
  | ({ readonly type: "asked"; readonly n: number } & { readonly request: EngineRequest })
  | { readonly type: "told"; readonly entry: HistoryEntry }
  | { readonly type: "said"; readonly log: GuestLog };

export interface Recording {
  readonly program: EngineProgram;
  readonly startedAt: number;
  readonly seen: readonly Seen[];
  readonly outcome: EngineOutcome;
}

export type Answers = (call: GuestCall) => Settlement | Promise<Settlement>;

/** A program over local tools, as text of the body of an async function. */
export function programOf(body: string, tools: readonly string[], seed = "seed"): EngineProgram {
  const locals = tools.map((name) => ({ name, global: name }));
  return { js: `(async () => {${body}\n})`, namespaces: { servers: [], locals }, input: "null", seed };
}

export function entriesOf({ seen }: Pick<Recording, "seen">): readonly HistoryEntry[] {
  return seen.flatMap((each) => (each.type === "told" ? [each.entry] : []));
}

const textOf = (settlement: Settlement): Pick<HistoryEntry, "kind" | "text"> =>
  settlement.type === "value"
    ? { kind: "value", text: settlement.value }
    : { kind: "error", text: JSON.stringify(settlement.error) };

/** Runs the program for real: tools take the time they take, timers theirs. */
export async function record(pool: WorkerPool, program: EngineProgram, answers: Answers): Promise<Recording> {
  const seen: Seen[] = [];
  let startedAt = 0;
  const outcome = await pool.run({
    principal: "tester",
    limits: defaultLimits,
    program,
    host: {
      started: () => {
        startedAt = Date.now();
        return startedAt;
      },
      async call(call) {
        seen.push(askedCall(call));
        return await answers(call);
      },
      arm({ n, delayMs }, leftMs, fire) {
        seen.push({ type: "asked", n, request: { type: "timer", delayMs } });
        const timeout = setTimeout(fire, leftMs);
        return () => clearTimeout(timeout);
      },
      timer({ n }) {
        const at = Date.now();
        seen.push({ type: "told", entry: { n, kind: "timer", at, text: "" } });
        return at;
      },
      deliver(n, settlement) {
        const at = Date.now();
        seen.push({ type: "told", entry: { n, at, ...textOf(settlement) } });
        return at;
      },
      log: (log) => void seen.push({ type: "said", log }),
    },
  });
  return { program, startedAt, seen, outcome };
}

function askedCall({ n, server, tool, args }: GuestCall): Seen {
  return { type: "asked", n, request: { type: "call", server, tool, args } };
}

/** What is known after the first `length` things that were seen. A timer is known once it has fired, as in a journal. */
export function historyOf({ startedAt, seen }: Recording, length: number = seen.length): EngineHistory {
  const known = seen.slice(0, length);
  const entries = entriesOf({ seen: known });
  const fired = new Set(entries.filter(({ kind }) => kind === "timer").map(({ n }) => n));
  const requests = new Map<number, EngineRequest>();
  const logs: GuestLog[] = [];
  for (const each of known) {
    if (each.type === "said") logs.push(each.log);
    if (each.type === "asked" && (each.request.type === "call" || fired.has(each.n)))
      requests.set(each.n, each.request);
  }
  return { startedAt, requests, entries, logs, used: { wallMs: 0, cpuMs: 0 } };
}

export interface Retold {
  readonly outcome: EngineOutcome;
  /** What was new to the host: nothing of it was in the history. */
  readonly asked: ReadonlyMap<number, EngineRequest>;
  readonly logs: readonly GuestLog[];
  /** The numbers of the entries in the order in which the program learned of them. */
  readonly told: readonly number[];
  /** Timers that fired in the recording, and now were cleared before. */
  readonly skipped: ReadonlySet<number>;
}

/** A program that was going to arm this timer has done so by now. */
const NEVER_ARMED_MS = 10_000;

export interface Retelling {
  readonly history: EngineHistory;
  readonly program?: EngineProgram;
  readonly limits?: Partial<RunLimits>;
}

/**
 * Runs the recorded program again from this history, and answers what it asks then as recorded: each answer is given
 * once everything was asked that the recording's host had heard by then.
 */
export async function retell(
  pool: WorkerPool,
  recording: Recording,
  { history, program = recording.program, limits = {} }: Retelling,
): Promise<Retold> {
  const asked = new Map<number, EngineRequest>();
  const logs: GuestLog[] = [];
  const told: number[] = [];
  const skipped = new Set<number>();
  const plan = planOf(recording, history);
  const open = new Map<number, () => void>();
  let next = 0;
  let giveUp: NodeJS.Timeout | undefined;

  const goOn = (): void => {
    clearTimeout(giveUp);
    const step = plan[next];
    if (step === undefined) return;
    const { n, kind } = step.entry;
    const answer = open.get(n);
    if (answer !== undefined && step.after.every((other) => asked.has(other))) {
      open.delete(n);
      answer();
    } else if (kind === "timer" && answer === undefined) {
      // It fired while the program was clearing it; this time it was cleared before, perhaps in the history.
      if (asked.has(n) || isPassedOver(n)) skip(n);
      else giveUp = setTimeout(skip, NEVER_ARMED_MS, n);
    }
  };
  /** Requests come in the order of their numbers. */
  const isPassedOver = (n: number): boolean => [...asked.keys()].some((later) => later > n);
  const skip = (n: number): void => {
    skipped.add(n);
    next += 1;
    goOn();
  };
  const wasTold = (n: number): number | undefined => {
    const entry = plan[next]?.entry;
    told.push(n);
    next += 1;
    queueMicrotask(goOn);
    return entry?.n === n ? entry.at : undefined;
  };

  const outcome = await pool.run({
    principal: "tester",
    limits: { ...defaultLimits, ...limits },
    program,
    history,
    host: {
      call: (call) =>
        new Promise((resolve) => {
          const { n, server, tool, args } = call;
          asked.set(n, { type: "call", server, tool, args });
          open.set(n, () => resolve(settlementOf(plan.find(({ entry }) => entry.n === n)?.entry)));
          queueMicrotask(goOn);
        }),
      arm({ n, delayMs }, _leftMs, fire) {
        asked.set(n, { type: "timer", delayMs });
        open.set(n, fire);
        queueMicrotask(goOn);
        return () => open.delete(n);
      },
      timer: ({ n }) => wasTold(n),
      deliver: (n) => wasTold(n),
      log: (log) => void logs.push(log),
    },
  });
  clearTimeout(giveUp);
  return { outcome, asked, logs, told, skipped };
}

interface Step {
  readonly entry: HistoryEntry;
  /** Calls of which the host had heard before, and that the history does not settle. */
  readonly after: readonly number[];
}

function planOf({ seen }: Recording, history: EngineHistory): readonly Step[] {
  const settled = new Set(history.entries.map(({ n }) => n));
  const plan: Step[] = [];
  const after: number[] = [];
  for (const each of seen) {
    // Not timers: of one that was cleared the host may hear nothing this time.
    if (each.type === "asked" && each.request.type === "call" && !settled.has(each.n)) after.push(each.n);
    if (each.type === "told" && !settled.has(each.entry.n))
      plan.push({ entry: each.entry, after: [...after] });
  }
  return plan;
}

function settlementOf(entry: HistoryEntry | undefined): Settlement {
  if (entry === undefined) throw new Error("the recording has no answer to this call");
  return entry.kind === "value"
    ? { type: "value", value: entry.text }
    : { type: "error", error: JSON.parse(entry.text) };
}
