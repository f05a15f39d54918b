/**
 * The compiler's time for one text, counted in CPU time. On a busy machine the compiler may wait long for its turn, and
 * a program is not to blame for that.
 */
export interface CompileClock {
  stop(): void;
}

export interface ClockOptions {
  /** Milliseconds of CPU. */
  readonly cpuLimitMs: number;
  /** Milliseconds on the clock after which a process that gets no CPU is abandoned. */
  readonly stallMs: number;
  /** CPU time of the processes that work on the text. Undefined: it cannot be read, and the clock counts instead. */
  readonly readCpuMs: () => number | undefined;
  readonly onUsedUp: () => void;
  readonly onStalled: () => void;
}

/** The system counts CPU time in steps of 10 ms. */
const SHORTEST_WAIT_MS = 10;

/** Calls one of the two callbacks, once, unless it is stopped first. */
export function startCompileClock(options: ClockOptions): CompileClock {
  const { cpuLimitMs, stallMs, readCpuMs } = options;
  const startedAt = performance.now();
  const cpuAtStart = readCpuMs();
  let timer: NodeJS.Timeout;

  const look = (): void => {
    const wallMs = performance.now() - startedAt;
    const cpuMs = readCpuMs();
    // Parallel threads use more CPU time than passes on the clock, and an honest text only waits for most of them.
    const usedMs =
      cpuMs === undefined || cpuAtStart === undefined ? wallMs : Math.min(wallMs, cpuMs - cpuAtStart);
    if (usedMs >= cpuLimitMs) options.onUsedUp();
    else if (wallMs >= stallMs) options.onStalled();
    else wait(Math.min(cpuLimitMs - usedMs, stallMs - wallMs));
  };
  const wait = (ms: number): void => {
    timer = setTimeout(look, Math.max(SHORTEST_WAIT_MS, Math.ceil(ms)));
  };
  wait(cpuLimitMs);
  return { stop: () => clearTimeout(timer) };
}
