/** Messages of people to a run: handled here when this process owns the run or can claim it, else sent to its owner. */
import type { StoredRun } from "../store/store.ts";
import { type DecidingDeps, decideLent, seenBy, watched } from "./deciding.ts";
import type { Decided, Decision } from "./live/active-run.ts";
import { isTakenOver } from "./live/endings.ts";
import type { Mailbox, Message } from "./live/mailbox.ts";
import { orLost } from "./live/outcomes.ts";
import type { Loan, OwnedRun, OwnedRuns } from "./live/owned-runs.ts";
import { isElsewhere } from "./live/ownership.ts";

export interface TellingDeps extends DecidingDeps {
  readonly owned: OwnedRuns<OwnedRun>;
  readonly mailbox: Mailbox;
}

export interface Telling {
  /** Undefined when there is no such run. Rejects as `decideCall`. */
  decide(stored: StoredRun, decision: Decision): Promise<Decided | undefined>;
  /** Resolves when it has ended, and that is kept. */
  cancel(id: string): Promise<void>;
}

/** Also takes the messages that other processes send to runs of this one. */
export function createTelling(deps: TellingDeps): Telling {
  const { owned, mailbox, elsewhere } = deps;

  async function tell<T>(
    id: string,
    message: Message,
    { here, there }: { here: (loan: Loan<OwnedRun>) => Promise<T>; there: () => T },
  ): Promise<T | undefined> {
    for (;;) {
      const found = await owned.borrow(id);
      if (found === undefined) return undefined;
      try {
        if (!isElsewhere(found)) return await here(found);
        if ((await mailbox.post(id, message)) === "done") return there();
      } catch (error) {
        // The new owner of the run gets the message instead. A message that is sent twice takes effect once.
        if (!isTakenOver(error)) throw error;
      }
    }
  }

  mailbox.serve(async (id, message) => {
    const found = await owned.borrow(id);
    if (found === undefined || isElsewhere(found)) return "unowned";
    if (message.type === "cancel") await cancelLent(found);
    else await decideLent(found, message, deps);
    return "done";
  });

  return {
    async decide(stored, { viewer, ...said }) {
      const { call, decision, layers = [] } = said;
      const decided = await tell(
        stored.id,
        { type: "decide", call, decision, layers },
        {
          here: (loan) => decideLent(loan, said, deps),
          there: () => watched(elsewhere.decided(stored.id, call)),
        },
      );
      return decided && seenBy(viewer, stored, decided);
    },
    cancel: (id) => tell(id, { type: "cancel" }, { here: cancelLent, there: () => undefined }),
  };
}

async function cancelLent(loan: Loan<OwnedRun>): Promise<void> {
  using _ = loan;
  const { run } = loan;
  run.cancel();
  await run.rest();
  await orLost(run, run.journal.flush());
}
