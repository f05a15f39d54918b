/** The link between a session and its worker, and the way a host lets go of a run. */
import type { LeaseId, ToWorker } from "../protocol.ts";

/**
 * Abort reason that does not end a run: `controller.abort(SUSPEND)`. The outcome is `suspended`, and the run can be
 * resumed elsewhere from its history.
 */
export const SUSPEND: unique symbol = Symbol("suspend");

/** The session's half of a lease. */
export interface Link {
  readonly lease: LeaseId;
  send(message: ToWorker): void;
  /** The worker broke the protocol on this session's lease. */
  violate(reason: string): void;
}
