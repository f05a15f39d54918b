/** Which deaths of workers a run had a part in: the run that is the cause must end, and no other. */

export type Death = "crash" | "kill";

/**
 * How often a run may be found working in a worker that died before it is the cause. No program can send SIGKILL, but
 * the system ends whoever takes its last memory that way: it is a hint, and a weak one.
 */
const MOST_DEATHS: { readonly [death in Death]: number } = { crash: 2, kill: 5 };

export class Deaths {
  /** Whether the run must have a worker of its own: it may be why one died. */
  isSuspect = false;
  readonly #counts = { crash: 0, kill: 0 };

  /** Undefined while the run may be tried again; else why it ends. */
  count(death: Death): string | undefined {
    this.#counts[death] += 1;
    const deaths = this.#counts[death];
    this.isSuspect ||= death === "crash" || deaths > 1;
    if (deaths < MOST_DEATHS[death]) return undefined;
    const times = death === "crash" ? "died twice" : `was killed ${deaths} times`;
    return `The worker process ${times} while it ran this program.`;
  }
}
