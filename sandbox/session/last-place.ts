/**
 * A run that has to end, and the place in its program that is still looked for, as its author needs it most. Nobody
 * waits long for it: limits may be half a second late.
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
   * Runs the program again up to the entry that is under way, each entry for so many milliseconds at most. False when
   * it has no worker.
   */
  readonly repeat: (entryMs: number) => boolean;
}

const LONGEST_MS = { executing: 100, waiting: 300 };
/** A loop that does not end is met by then, when the program is run again to see where it is. */
const MOST_LOOKING_MS = 40;

export class LastPlace {
  readonly #options: LastPlaceOptions;
  #failure: EngineFailure | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looksAgain = false;

  constructor(options: LastPlaceOptions) {
    this.#options = options;
  }

  /** Then the run is over but for its place, and `hear` is to hear what its worker says. */
  get isLookedFor(): boolean {
    return this.#failure !== undefined;
  }

  /** The program's time is over. */
  endLate(executing: boolean): void {
    const { run } = this.#options;
    const failure: EngineFailure = { code: "wall_timeout", message: describeBroken("wall_timeout", run, "") };
    // The worker's own clock stops the program just now, and then it knows where.
    if (executing) this.#lookFor(failure, LONGEST_MS.executing);
    else this.endWaiting(failure);
  }

  /** It does nothing but wait. */
  endWaiting(failure: EngineFailure): void {
    if (this.#failure !== undefined) return;
    this.#lookFor(failure, LONGEST_MS.waiting);
    if (!this.#options.ask()) this.#options.end(failure);
  }

  /** Its worker has stopped it. `executingMs`: for how long the last entry had been under way. */
  endBroken(
    { code, message, cpuMs, at }: Extract<FromWorker, { type: "broken" }>,
    executingMs: number,
  ): void {
    const { run, end } = this.#options;
    const failure: EngineFailure = { code, message: describeBroken(code, run, message) };
    const place = this.#authored(at);
    // An engine that lost control of its memory has told of no CPU time, and is not asked again.
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

  /** There is nobody to ask any more. */
  giveUp(): void {
    this.#found(undefined);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  /**
   * The engine that was stopped cannot say where. What the program does is repeated by its nature: it is stopped by a
   * clock this time, which can. Nothing it says is heard.
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
