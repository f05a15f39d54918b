/**
 * The limits of one run: each field with its unit, default, ceiling and the outcome when it is exceeded. Defined only
 * here. The isolate enforces them from inside; the pool and the gateway enforce them again from outside.
 */

/** Sizes are UTF-8 bytes of the JSON text (of the code after fences are removed, of a log entry's text). */
export interface RunLimits {
  /** Milliseconds on the clock, queueing and waiting for people excluded. Excess: `wall_timeout`. */
  readonly wallMs: number;
  /** Milliseconds of CPU, summed over all entries into the isolate. Excess: `cpu_timeout`. */
  readonly cpuMs: number;
  /** Megabytes of V8 heap. Excess: `memory_exceeded`. isolated-vm's own minimum is 8. */
  readonly memoryMb: number;
  /** Bytes of program text. Excess: `source_too_large`, before anything is compiled. */
  readonly sourceBytes: number;
  /** Bytes of the returned value. Excess: `result_too_large`. */
  readonly resultBytes: number;
  /** Bytes of all console output. Excess is cut with a visible mark. */
  readonly logBytes: number;
  /** Console entries. Excess is cut with a visible mark. */
  readonly logLines: number;
  /** Tool calls, refused ones included. Excess: `too_many_calls`; the excess call is not sent. */
  readonly toolCalls: number;
  /** Tool calls in flight at once; more are queued in the gateway. */
  readonly toolCallsInFlight: number;
  /** Bytes of one call's arguments. Excess: that call rejects with kind `too_large`. */
  readonly toolArgsBytes: number;
  /** Bytes of one call's result after unwrapping. Excess: that call rejects with kind `too_large`. */
  readonly toolResultBytes: number;
}

interface LimitRow {
  readonly default: number;
  readonly ceiling: number;
  readonly minimum: number;
}

const MIB = 1024 * 1024;

/**
 * Default, ceiling and minimum of each limit. A deployment may change the ceilings of wall time, CPU time and memory.
 */
export const limitTable: { readonly [K in keyof RunLimits]: LimitRow } = {
  wallMs: { default: 60_000, ceiling: 300_000, minimum: 1 },
  cpuMs: { default: 5_000, ceiling: 60_000, minimum: 1 },
  memoryMb: { default: 64, ceiling: 512, minimum: 8 },
  sourceBytes: { default: 65_536, ceiling: 65_536, minimum: 1 },
  resultBytes: { default: MIB, ceiling: 16 * MIB, minimum: 1 },
  logBytes: { default: 65_536, ceiling: MIB, minimum: 0 },
  logLines: { default: 1_000, ceiling: 10_000, minimum: 0 },
  toolCalls: { default: 256, ceiling: 10_000, minimum: 0 },
  toolCallsInFlight: { default: 32, ceiling: 256, minimum: 1 },
  toolArgsBytes: { default: MIB, ceiling: 16 * MIB, minimum: 2 },
  toolResultBytes: { default: 4 * MIB, ceiling: 32 * MIB, minimum: 2 },
};

/** The fields of `RunLimits`, in the order of the table. */
export const limitNames: readonly (keyof RunLimits)[] = Object.keys(limitTable) as (keyof RunLimits)[];

function column(field: keyof LimitRow): RunLimits {
  return Object.fromEntries(
    limitNames.map((name) => [name, limitTable[name][field]]),
  ) as unknown as RunLimits;
}

/** What a run gets that asks for nothing. */
export const defaultLimits: RunLimits = column("default");
/** What a run may ask for at most, unless its host says otherwise. */
export const defaultCeilings: RunLimits = column("ceiling");

/** A requested limit that cannot be granted: its name, the requested value, the possible values. */
export interface LimitProblem {
  readonly limit: keyof RunLimits;
  readonly asked: number;
  readonly bound: number;
  readonly kind: "above_ceiling" | "below_minimum" | "not_an_integer";
}

/**
 * Fills a partial request with defaults. A request above a ceiling is a problem to refuse, never clamped:
 * a program that asked for ten minutes must not die after five. Never throws.
 *
 * @example
 * import { resolveLimits } from "toolarium/sandbox";
 *
 * const granted = resolveLimits({ wallMs: 5_000 });
 * console.log(granted.ok && granted.limits.cpuMs); // 5000
 * const refused = resolveLimits({ wallMs: 600_000 });
 * console.log(refused.ok ? "" : `${refused.problem.kind}: at most ${refused.problem.bound}`); // above_ceiling: at most 300000
 */
export function resolveLimits(
  asked: Partial<RunLimits>,
  defaults: RunLimits = defaultLimits,
  ceilings: RunLimits = defaultCeilings,
):
  | { readonly ok: true; readonly limits: RunLimits }
  | { readonly ok: false; readonly problem: LimitProblem } {
  const limits: Record<keyof RunLimits, number> = { ...defaults };
  for (const name of limitNames) {
    const value = asked[name];
    if (value === undefined) continue;
    const { minimum } = limitTable[name];
    const ceiling = ceilings[name];
    if (!Number.isSafeInteger(value))
      return { ok: false, problem: { limit: name, asked: value, bound: minimum, kind: "not_an_integer" } };
    if (value < minimum)
      return { ok: false, problem: { limit: name, asked: value, bound: minimum, kind: "below_minimum" } };
    if (value > ceiling)
      return { ok: false, problem: { limit: name, asked: value, bound: ceiling, kind: "above_ceiling" } };
    limits[name] = value;
  }
  return { ok: true, limits };
}

/** The arguments of one call as they may leave: `args` is JSON text, `null` beside a fault. */
export interface BoundArguments {
  readonly args: string;
  readonly fault?: { readonly kind: "too_large"; readonly message: string };
}

/**
 * Bounds the arguments of one call by `toolArgsBytes`. When there is a fault, the caller settles the call with it. Never
 * throws.
 *
 * @example
 * import { boundArguments } from "toolarium/sandbox";
 *
 * const { args, fault } = boundArguments('{"text":"long"}', { toolArgsBytes: 10 });
 * console.log(args, fault?.message); // null the arguments are larger than 10 bytes
 */
export function boundArguments(
  args: string,
  { toolArgsBytes }: Pick<RunLimits, "toolArgsBytes">,
): BoundArguments {
  if (Buffer.byteLength(args) <= toolArgsBytes) return { args };
  const message = `the arguments are larger than ${toolArgsBytes} bytes`;
  return { args: "null", fault: { kind: "too_large", message } };
}
