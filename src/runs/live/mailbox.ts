/**
 * Port: messages to the owner of a run, from a process that does not own it. The sender has checked who may send them.
 */
import type { HumanDecision } from "../../tools/gate/gate-call.ts";
import type { PolicyLayer } from "../../tools/policy-layer.ts";

/** Plain JSON values. */
export type Message =
  | { readonly type: "cancel" }
  | {
      readonly type: "decide";
      readonly call: string;
      readonly decision: HumanDecision;
      /** What the deciding request adds to the run's policy. */
      readonly layers: readonly PolicyLayer[];
    };

export interface Mailbox {
  /**
   * Resolves with `done` when the owner has carried the message out, durably; with `unowned` when the run has no owner:
   * then the sender may claim the run and act itself. Rejects with the owner's refusal.
   */
  post(run: string, message: Message): Promise<"done" | "unowned">;
  /** Sets what this process does with messages for runs that it owns. Called once. */
  serve(take: (run: string, message: Message) => Promise<"done" | "unowned">): void;
}

/** For a process that has the store to itself: it owns all runs and receives no messages. */
export const noMailbox: Mailbox = {
  post: async () => "unowned",
  serve: () => undefined,
};
