/**
 * The compiler process in service, and a warm spare that takes over as soon as the first is killed: stopping a text
 * costs no other text the start of a process.
 */
import { describeShortage } from "../../../sandbox/index.ts";
import type { Log } from "../../log.ts";
import { tellingLine } from "../../telling-line.ts";
import {
  type CompilerChild,
  type CompilerChildOptions,
  type CompilerEnd,
  startCompilerChild,
} from "./compiler-child.ts";
import type { FromCompiler } from "./compiler-protocol.ts";

export interface CompilerSupplyOptions extends CompilerChildOptions {
  /** Milliseconds until the spare is started: the first programs need the processor more. */
  readonly spareAfterMs: number;
  readonly log: Log;
}

/** Events about the process in service; none is called after `dispose`. */
export interface CompilerSupplyEvents {
  /** A process is in service after there was none. */
  onReady(): void;
  onMessage(message: Exclude<FromCompiler, { type: "ready" }>): void;
  /** The process ended, but not by `replace`. The spare, if there was one, has taken its place already. */
  onLost(end: CompilerEnd): void;
  /** Several starts in a row failed, the last for this reason, and no process is in service. `ensure` tries again. */
  onGaveUp(reason: string): void;
}

/** For a start that hangs: on a busy machine a start may take a minute. */
const START_DEADLINE_MS = 120_000;
/** Failed starts in a row after which no other is tried. */
const MAX_START_FAILURES = 3;

export class CompilerSupply implements AsyncDisposable {
  readonly #options: CompilerSupplyOptions;
  readonly #events: CompilerSupplyEvents;
  /** Includes replaced processes that are not gone yet. */
  readonly #living = new Set<CompilerChild>();
  #serving: CompilerChild | undefined;
  #spare: CompilerChild | undefined;
  #starting: CompilerChild | undefined;
  #startDeadline: NodeJS.Timeout | undefined;
  #spareTimer: NodeJS.Timeout | undefined;
  #failures = 0;
  #replacements = 0;
  #disposed = false;

  constructor(options: CompilerSupplyOptions, events: CompilerSupplyEvents) {
    this.#options = options;
    this.#events = events;
  }

  /** The process that takes texts now. */
  get serving(): CompilerChild | undefined {
    return this.#serving;
  }

  /** The warm process that would replace it. */
  get spare(): CompilerChild | undefined {
    return this.#spare;
  }

  /** The number of times that the process in service was replaced. */
  get replacements(): number {
    return this.#replacements;
  }

  /** Starts a process unless one is in service or starting. */
  ensure(): void {
    if (this.#serving === undefined) this.#start();
  }

  /** Kills the process in service and puts the spare in its place. */
  replace(): void {
    const replaced = this.#serving;
    this.#promote();
    replaced?.kill();
  }

  #promote(): void {
    this.#replacements += 1;
    this.#serving = this.#spare;
    this.#spare = undefined;
    if (this.#serving === undefined) this.#start();
    else this.#startSpareLater();
  }

  #startSpareLater(): void {
    clearTimeout(this.#spareTimer);
    this.#spareTimer = setTimeout(() => this.#start(), this.#options.spareAfterMs);
    this.#spareTimer.unref();
  }

  #start(): void {
    clearTimeout(this.#spareTimer);
    if (this.#disposed || this.#starting !== undefined) return;
    let child: CompilerChild;
    try {
      child = startCompilerChild(this.#options, {
        onMessage: (message) => this.#onMessage(child, message),
        onExit: (end) => this.#onExit(child, end),
      });
    } catch (error) {
      const reason = describeShortage(error) ?? (error instanceof Error ? error.message : String(error));
      this.#onStartFailed({ cause: "other", reason, stderrTail: "" });
      return;
    }
    this.#living.add(child);
    this.#starting = child;
    // Only after its messages were read once more: if this process itself stood still, `ready` has already arrived.
    const giveUp = (): void => void setImmediate(() => child === this.#starting && child.kill());
    this.#startDeadline = setTimeout(giveUp, START_DEADLINE_MS);
  }

  #onMessage(child: CompilerChild, message: FromCompiler): void {
    if (message.type === "ready") this.#onReady(child);
    else if (child === this.#serving) this.#events.onMessage(message);
  }

  #onReady(child: CompilerChild): void {
    if (child !== this.#starting) return;
    clearTimeout(this.#startDeadline);
    this.#starting = undefined;
    this.#failures = 0;
    if (this.#serving !== undefined) {
      this.#spare = child;
      return;
    }
    this.#serving = child;
    this.#startSpareLater();
    this.#events.onReady();
  }

  #onExit(child: CompilerChild, end: CompilerEnd): void {
    this.#living.delete(child);
    if (this.#disposed) return;
    if (child === this.#starting) this.#onStartFailed(end);
    else if (child === this.#spare) {
      this.#spare = undefined;
      this.#startSpareLater();
    } else if (child === this.#serving) {
      const { reason, stderrTail: stderr } = end;
      this.#options.log.warn({ reason, stderr }, "the compiler process ended");
      this.#promote();
      this.#events.onLost(end);
    }
  }

  #onStartFailed(end: CompilerEnd): void {
    clearTimeout(this.#startDeadline);
    this.#starting = undefined;
    const said = tellingLine(end.stderrTail, "start");
    const reason = said === "" ? end.reason : `${end.reason}; it wrote: ${said}`;
    this.#options.log.warn({ reason }, "a compiler process did not start");
    this.#failures += 1;
    if (this.#failures < MAX_START_FAILURES) {
      this.#start();
      return;
    }
    this.#failures = 0;
    if (this.#serving === undefined) this.#events.onGaveUp(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    clearTimeout(this.#startDeadline);
    clearTimeout(this.#spareTimer);
    await Promise.all(
      [...this.#living].map((child) => {
        child.kill();
        return child.exited;
      }),
    );
  }
}
