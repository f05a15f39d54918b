/**
 * What a run prints, held against what it printed before. A program that is run again prints again: the same lines,
 * which its host hears once.
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
  /** Of the present lease only. */
  #rowsSeen = 0;

  /** `diverge` ends the run: its program printed something else than its history says. */
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

  /** In words, what the history has and the program, which has repeated all of it, did not print; null: nothing. */
  missing(isOver: boolean): string | null {
    const missing = this.#run.history?.logs[this.#repeated];
    // The end of a long output comes when the program is over.
    if (missing === undefined || (this.#cap.isHolding && !isOver)) return null;
    return `its history says that the program printed ${cut(missing.text)}; this time it did not`;
  }

  /** What the host has not heard yet, of a run that parks. */
  rest(): readonly GuestLog[] {
    return this.#cap.rest();
  }

  /** The program is over: tells the end of a long output. */
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
