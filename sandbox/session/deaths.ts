/** Counts the worker deaths that a run had a part in: the run that caused them must end, and no other. */

export type Death = "crash" | "kill";

/**
 * Deaths of its workers, while it was executing, at which a run counts as the cause. A `kill` is a weak hint: no
 * program can send SIGKILL, but the system kills processes that way when memory runs out.
 */
const MOST_DEATHS: { readonly [death in Death]: number } = { crash: 2, kill: 5 };

export class Deaths {
  /** Whether the run needs a worker of its own, because a worker may have died of it. */
  isSuspect = false;
  readonly #counts = { crash: 0, kill: 0 };

  /** Undefined while the run may try again; else the reason why it ends. */
  count(death: Death): string | undefined {
    this.#counts[death] += 1;
    const deaths = this.#counts[death];
    this.isSuspect ||= death === "crash" || deaths > 1;
    if (deaths < MOST_DEATHS[death]) return undefined;
    const times = death === "crash" ? "died twice" : `was killed ${deaths} times`;
    return `The worker process ${times} while it ran this program.`;
  }
}
