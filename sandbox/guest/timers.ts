/**
 * Timers of a program. Each one is a request to the host, and its firing is an entry. An interval makes a new request
 * at each firing.
 */
interface Timers {
  /** Drops all timers without telling the host. */
  begin(): void;
  /** Fires a timer, from an entry of the host. */
  fire(n: number): void;
  /** The timers that have not fired. */
  armed(): readonly ArmedTimer[];
  /** The globals of the program, by name. */
  readonly globals: Record<string, unknown>;
}
interface ArmedTimer {
  readonly n: number;
  /** The number that the program holds. */
  readonly id: number;
  /** The place where it was set. */
  readonly trace: object;
  readonly kind: "timer" | "interval" | "sleep";
}
interface Host {
  /** The number of the next request. */
  issue(): number;
  emit(row: string): void;
}

({ issue, emit }: Host): Timers => {
  const MOST_ARMED = 1_000;
  /** Every timer stays in the run's history, so their number is bounded. */
  const MOST_TIMERS = 100_000;
  /** A returned number from here on is very likely a timer's id. */
  const FIRST_ID = 1_000_000;
  const LONGEST_MS = 2_147_483_647;
  const { apply, defineProperty } = Reflect;
  const { create, freeze } = Object;
  const { floor } = Math;
  const { isNaN } = Number;
  const GuestPromise = Promise;
  const GuestError = Error;
  const GuestRangeError = RangeError;
  const GuestTypeError = TypeError;
  const { then } = Promise.prototype;
  const settled = GuestPromise.resolve();

  interface Timer {
    readonly id: number;
    readonly run: unknown;
    readonly args: unknown[];
    readonly trace: object;
    readonly kind: ArmedTimer["kind"];
    /** Period of an interval; 0 for a timer that fires once. */
    readonly everyMs: number;
  }
  let timers: Record<number, Timer> = create(null);
  /** The number of an interval's current request, by its id. */
  let numbers: Record<number, number> = create(null);
  let armed = 0;
  let total = 0;

  const toDelay = (value: unknown): number => {
    const number = floor(+(value as number));
    if (isNaN(number) || number <= 0) return 0;
    return number < LONGEST_MS ? number : LONGEST_MS;
  };
  const request = (delayMs: number): number => {
    if (armed >= MOST_ARMED) throw new GuestRangeError(`more than ${MOST_ARMED} timers are armed`);
    if (total >= MOST_TIMERS) throw new GuestRangeError(`more than ${MOST_TIMERS} timers in one run`);
    total += 1;
    armed += 1;
    const n = issue();
    emit(`["timer",${n},${delayMs}]`);
    return n;
  };
  const arm = (
    run: unknown,
    delayMs: number,
    args: unknown[],
    kind: ArmedTimer["kind"],
    everyMs = 0,
  ): number => {
    const n = request(delayMs);
    const id = FIRST_ID + n;
    timers[n] = { id, run, args, trace: new GuestError(), kind, everyMs };
    numbers[id] = n;
    return id;
  };
  const disarm = (id: unknown): void => {
    const n = typeof id === "number" ? numbers[id] : undefined;
    if (n === undefined) return;
    delete timers[n];
    delete numbers[id as number];
    armed -= 1;
    emit(`["clear",${n}]`);
  };
  const needsFunction = (run: unknown, name: string): void => {
    if (typeof run !== "function") throw new GuestTypeError(`${name} needs a function`);
  };

  const globals = {
    setTimeout: (run: unknown, delay?: unknown, ...args: unknown[]): number => {
      const delayMs = toDelay(delay);
      needsFunction(run, "setTimeout");
      return arm(run, delayMs, args, "timer");
    },
    clearTimeout: disarm,
    setInterval: (run: unknown, delay?: unknown, ...args: unknown[]): number => {
      const delayMs = toDelay(delay) || 1;
      needsFunction(run, "setInterval");
      return arm(run, delayMs, args, "interval", delayMs);
    },
    clearInterval: disarm,
    setImmediate: (run: unknown, ...args: unknown[]): number => {
      needsFunction(run, "setImmediate");
      return arm(run, 0, args, "timer");
    },
    clearImmediate: disarm,
    sleep: (delay?: unknown): Promise<void> =>
      new GuestPromise((resolve) => void arm(resolve, toDelay(delay), [], "sleep")),
    queueMicrotask: (run: unknown): void => {
      needsFunction(run, "queueMicrotask");
      apply(then, settled, [() => void (run as () => unknown)()]);
    },
  };
  for (const name of Object.keys(globals)) freeze(globals[name as keyof typeof globals]);

  return {
    globals,
    begin() {
      timers = create(null);
      numbers = create(null);
      armed = total = 0;
    },
    fire(n) {
      const timer = timers[n];
      if (timer === undefined) return;
      const { id, run, args, everyMs } = timer;
      delete timers[n];
      armed -= 1;
      if (everyMs === 0) delete numbers[id];
      else {
        const next = request(everyMs);
        timers[next] = timer;
        numbers[id] = next;
      }
      apply(run as () => unknown, undefined, args);
    },
    armed() {
      const list: ArmedTimer[] = [];
      for (const n in timers) {
        const { id, trace, kind } = timers[n] as Timer;
        defineProperty(list, list.length, {
          __proto__: null,
          value: { n: +n, id, trace, kind },
          enumerable: true,
        } as never);
      }
      return list;
    },
  };
};

export {};
