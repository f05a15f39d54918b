/** What a completed program left undone, described with the place and the remedy. */

import type { EngineWarning } from "../engine.ts";
import type { Place } from "../origins.ts";
import { A_THROWN_OBJECT } from "../protocol.ts";
import type { Undone } from "./guest-posts.ts";

/** A promise that was rejected without a handler. */
export interface Rejection {
  readonly message: string;
  readonly place: Place | undefined;
}

/** Most that are reported of each kind; a loop makes hundreds. */
const MOST_TOLD = 5;
const MOST_KEPT = 200;
/** The prelude cuts its part of a rejection to the same length. */
const MOST_KEY_CHARS = 200;
const WAIT =
  "To wait for it: `await sleep(ms)`, or `await new Promise((resolve) => setTimeout(resolve, ms))`.";

/** Rejections of one execution, in order. */
export class Rejections {
  #kept: Rejection[] = [];

  /** The program is executed again, and rejects again. */
  restart(): void {
    this.#kept = [];
  }

  add(rejection: Rejection): void {
    if (this.#kept.length < MOST_KEPT) this.#kept.push(rejection);
  }

  /**
   * The rejections left unhandled to the end. `handled`: those that the program handled late, as the prelude names
   * them.
   */
  describe(handled: readonly string[]): readonly EngineWarning[] {
    const left = [...handled];
    const warnings = new Map<string, EngineWarning>();
    for (const rejection of this.#kept) {
      const at = left.indexOf(keyOf(rejection));
      if (at >= 0) left.splice(at, 1);
      else warnings.set(keyOf(rejection), describeRejection(rejection));
    }
    return [...warnings.values()].slice(0, MOST_TOLD);
  }
}

function keyOf({ message, place }: Rejection): string {
  const key =
    message === A_THROWN_OBJECT ? "@" : `${message}@${place ? `${place.line}:${place.column}` : ""}`;
  return key.slice(0, MOST_KEY_CHARS);
}

function describeRejection({ message, place }: Rejection): EngineWarning {
  const words = message.replace(/\.$/, "");
  return warning(`Nothing handled an error: ${words}. Await every promise, and catch in callbacks.`, place);
}

/** `nameOf` gives the tool of a call by its number. */
export function describeUndone(
  undone: readonly Undone[],
  calls: readonly { readonly n: number; readonly name: string }[],
): readonly EngineWarning[] {
  const placeOf = (n: number): Place | undefined => undone.find((each) => each.n === n)?.place;
  const open = calls
    .slice(0, MOST_TOLD)
    .map(({ n, name }) =>
      warning(
        `The call of ${name} was still open when the program returned: its result is lost, and what was not done yet was cancelled. Await every call.`,
        placeOf(n),
      ),
    );
  const more = calls.length - open.length;
  const others = more > 0 ? [warning(`${more} more calls were still open when the program returned.`)] : [];
  const timers = undone.flatMap(({ kind, place }) => describeTimer(kind, place) ?? []).slice(0, MOST_TOLD);
  return [...open, ...others, ...timers];
}

function describeTimer(kind: Undone["kind"], place: Place | undefined): EngineWarning | undefined {
  switch (kind) {
    case "call":
      return undefined;
    case "returned":
      return warning(
        `The program returned the number of a timer, which is all that setTimeout gives: its callback never ran. ${WAIT}`,
        place,
      );
    case "timer":
      return warning(
        `A timer was still armed when the program returned: its callback never ran. ${WAIT}`,
        place,
      );
    case "interval":
      return note(
        "An interval was still armed when the program returned, and ended with it. Await what it waits for first.",
        place,
      );
    case "sleep":
      return note(
        "A timer that a promise stands on was still armed when the program returned. If something was to follow it, await that promise.",
        place,
      );
  }
}

function warning(message: string, place?: Place): EngineWarning {
  return { severity: "warning", message, ...place };
}

function note(message: string, place: Place | undefined): EngineWarning {
  return { severity: "note", message, ...place };
}
