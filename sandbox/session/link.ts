/** How a session and its worker are joined, and how a host lets go of a run. */
import type { LeaseId, ToWorker } from "../protocol.ts";

/** Reason of an abort that ends no run: its outcome is `suspended`, and a history of it can go on elsewhere. */
export const SUSPEND: unique symbol = Symbol("suspend");

/** The session's half of a lease. */
export interface Link {
  readonly lease: LeaseId;
  send(message: ToWorker): void;
  /** The worker broke the protocol in this session's name. */
  violate(reason: string): void;
}
