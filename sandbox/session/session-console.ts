/**
 * Compares what a run prints with what it printed before. A replayed program prints the same lines again, and its host
 * gets them once.
 */
import type { EngineRun, GuestLog } from "../engine.ts";
import type { GuestPost } from "./guest-posts.ts";
import { LogCap } from "./log-cap.ts";
import { cut } from "./timeline.ts";

export class SessionConsole {
  readonly #cap: LogCap;
  readonly #run: EngineRun;
  readonly #diverge: (difference: string) => void;
  /** Lines of the history that were printed again. */
  #repeated = 0;
  /** Of the current lease only. */
  #rowsSeen = 0;

  /** `diverge` ends the run: its program printed something other than its history says. */
  constructor(run: EngineRun, diverge: (difference: string) => void) {
    this.#run = run;
    this.#diverge = diverge;
    this.#cap = new LogCap(run.limits, (entry) => this.#emit(entry));
  }

  /** UTF-8 bytes kept so far. */
  get bytes(): number {
    return this.#cap.bytes;
  }

  /** The program starts again, in another worker. */
  restart(): void {
    this.#rowsSeen = 0;
  }

  take(post: Extract<GuestPost, { type: "log" | "skip" }>): void {
    this.#rowsSeen += 1;
    if (this.#rowsSeen <= this.#cap.rows) return;
    if (post.type === "log") this.#cap.take(post);
    else this.#cap.skip(post.lines, post.chars);
  }

  /** Describes lines of the history that the fully replayed program did not print; null when none is missing. */
  missing(isOver: boolean): string | null {
    const missing = this.#run.history?.logs[this.#repeated];
    // The end of a long output comes when the program is over.
    if (missing === undefined || (this.#cap.isHolding && !isOver)) return null;
    return `its history says that the program printed ${cut(missing.text)}; this time it did not`;
  }

  /** The output of a parking run that the host has not received. */
  rest(): readonly GuestLog[] {
    return this.#cap.rest();
  }

  /** The program is over: passes on the end of a long output. */
  close(): void {
    this.#cap.close();
  }

  #emit(entry: GuestLog): void {
    const known = this.#run.history?.logs[this.#repeated];
    if (known === undefined) {
      this.#run.host.log(entry);
      return;
    }
    this.#repeated += 1;
    if (known.level === entry.level && known.text === entry.text) return;
    this.#diverge(
      `the program printed ${cut(entry.text)}; its history says that it printed ${cut(known.text)}`,
    );
  }
}
