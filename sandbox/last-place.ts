/** A run that has to end, and the place in its program that is still looked for: nobody waits long for it. */
import type { EngineFailure } from "./index.ts";
import type { Place } from "./origins.ts";

export class LastPlace {
  readonly #end: (failure: EngineFailure) => void;
  #failure: EngineFailure | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(end: (failure: EngineFailure) => void) {
    this.#end = end;
  }

  get isLookedFor(): boolean {
    return this.#failure !== undefined;
  }

  /** Ends the run when the place is found, and after so many milliseconds without it. The first failure counts. */
  lookFor(failure: EngineFailure, ms: number): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#timer = setTimeout(() => this.#end(failure), ms);
  }

  found(place: Place | undefined): void {
    if (this.#failure !== undefined) this.#end({ ...this.#failure, ...place });
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
