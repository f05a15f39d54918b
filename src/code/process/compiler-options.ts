/** The compiler's limits and their defaults. */
import type { Log } from "../../log.ts";
import { type CheckLimits, defaultCheckLimits, PATIENCE } from "../check/check-service.ts";

export interface CompilerOptions {
  /**
   * Milliseconds of CPU for one text, from its arrival in the compiler process until only its type check is unfinished.
   * Default 1000: honest programs take 1 to 30.
   */
  readonly deadlineMs?: number;
  /** Milliseconds on the clock after which a compiler that gets no CPU is replaced. Default 60 000. */
  readonly stallMs?: number;
  /** Bytes that the process and its children may hold together. Default 500 MB; idle, they hold about 180. */
  readonly memoryBytes?: number;
  /**
   * Milliseconds from the readiness of the first process to the start of its spare. Default 2 000: a gateway has
   * started by then.
   */
  readonly spareAfterMs?: number;
  readonly check?: Partial<CheckLimits>;
  readonly log: Log;
}

export interface CompilerLimits {
  readonly deadlineMs: number;
  readonly stallMs: number;
  readonly memoryBytes: number;
  readonly spareAfterMs: number;
  readonly check: CheckLimits;
  /** Milliseconds of CPU once only the check is unfinished. */
  readonly checkMs: number;
}

/**
 * Milliseconds that a check may take beyond its own deadline: for a second try, after another program's check was
 * stopped.
 */
const CHECK_SLACK_MS = 3_000;

export function resolveCompilerLimits(options: CompilerOptions): CompilerLimits {
  const check = { ...defaultCheckLimits, ...options.check };
  return {
    deadlineMs: options.deadlineMs ?? 1_000,
    stallMs: options.stallMs ?? 60_000,
    memoryBytes: options.memoryBytes ?? 500 * 1024 * 1024,
    spareAfterMs: options.spareAfterMs ?? 2_000,
    check,
    checkMs: 2 * PATIENCE * check.deadlineMs + CHECK_SLACK_MS,
  };
}
