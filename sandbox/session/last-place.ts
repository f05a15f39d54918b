/**
 * Finds the place in the program of a run that has to end, because its author needs it most. The search is short:
 * limits may be exceeded by half a second.
 */

import type { EngineFailure, EngineRun } from "../engine.ts";
import { originOfPlace, type Place, parsePlace } from "../origins.ts";
import type { FromWorker } from "../protocol.ts";
import { describeBroken } from "./failures.ts";
import { parsePosts } from "./guest-posts.ts";

export interface LastPlaceOptions {
  readonly run: EngineRun;
  readonly end: (failure: EngineFailure) => void;
  /** Asks the program where it waits. False when it has no worker. */
  readonly ask: () => boolean;
  /**
   * Runs the program again up to the current entry, each entry for at most so many milliseconds. False when the run has
   * no worker.
   */
  readonly repeat: (entryMs: number) => boolean;
}

const LONGEST_MS = { executing: 100, waiting: 300 };
/** Milliseconds for which the program is run again to find its place; an endless loop is reached by then. */
const MOST_LOOKING_MS = 40;

export class LastPlace {
  readonly #options: LastPlaceOptions;
  #failure: EngineFailure | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looksAgain = false;

  constructor(options: LastPlaceOptions) {
    this.#options = options;
  }

  /** True while the run is over except for its place: `hear` must then receive its worker's messages. */
  get isLookedFor(): boolean {
    return this.#failure !== undefined;
  }

  /** The program's time is over. */
  endLate(executing: boolean): void {
    const { run } = this.#options;
    const failure: EngineFailure = { code: "wall_timeout", message: describeBroken("wall_timeout", run, "") };
    // The worker's own clock stops the program at this moment, and then knows the place.
    if (executing) this.#lookFor(failure, LONGEST_MS.executing);
    else this.endWaiting(failure);
  }

  /** The program only waits, and nothing can end the wait. */
  endWaiting(failure: EngineFailure): void {
    if (this.#failure !== undefined) return;
    this.#lookFor(failure, LONGEST_MS.waiting);
    if (!this.#options.ask()) this.#options.end(failure);
  }

  /** The worker has stopped the program. `executingMs`: the duration of the last entry so far. */
  endBroken(
    { code, message, cpuMs, at }: Extract<FromWorker, { type: "broken" }>,
    executingMs: number,
  ): void {
    const { run, end } = this.#options;
    const failure: EngineFailure = { code, message: describeBroken(code, run, message) };
    const place = this.#authored(at);
    // An engine that lost control of its memory reports no CPU time. It is not asked again.
    const mayRepeat = place === undefined && cpuMs > 0 && run.history?.only !== true;
    if (mayRepeat && (code === "cpu_timeout" || code === "memory_exceeded"))
      this.#lookAgain(failure, executingMs);
    else end({ ...failure, ...place });
  }

  hear(message: Exclude<FromWorker, { type: "ready" | "stopped" }>): void {
    if (message.type === "broken") this.#found(this.#authored(message.at));
    if (message.type !== "posts" || this.#looksAgain) return;
    const posts = parsePosts(message.text);
    const at = posts.ok ? posts.value.findLast(({ type }) => type === "at") : undefined;
    if (at?.type === "at") this.#found(at.place);
  }

  /** No worker is left to ask. */
  giveUp(): void {
    this.#found(undefined);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  /**
   * The stopped engine cannot give the place. The program is run again, deterministically, and this time stopped by a
   * clock, which can. Its posts are ignored.
   */
  #lookAgain(failure: EngineFailure, executingMs: number): void {
    this.#looksAgain = true;
    this.#lookFor(failure, LONGEST_MS.executing);
    const entryMs = Math.min(MOST_LOOKING_MS, Math.ceil(executingMs / 2));
    if (!this.#options.repeat(entryMs)) this.#options.end(failure);
  }

  #lookFor(failure: EngineFailure, ms: number): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#timer = setTimeout(() => this.#options.end(failure), ms);
  }

  #found(place: Place | undefined): void {
    if (this.#failure !== undefined) this.#options.end({ ...this.#failure, ...place });
  }

  #authored(at: string): Place | undefined {
    const place = parsePlace(at);
    return place && originOfPlace(this.#options.run.program.origins, place);
  }
}
