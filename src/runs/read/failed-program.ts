/** The failed run that a corrected program builds on. */
import { ToolariumError } from "../../errors.ts";
import type { JournalEvent } from "../../journal.ts";
import { statusAfter } from "../record/report.ts";
import type { RunReader } from "./reading.ts";

/**
 * The journal of a failed program of this principal.
 *
 * @throws `not_found` when there is no such program, `invalid_request` when it has not failed
 */
export async function readFailedProgram(
  id: string,
  principal: string,
  reader: RunReader,
): Promise<readonly JournalEvent[]> {
  const param = "repair_of";
  const run = await reader.find(id, { principal, admin: false });
  if (run === undefined || run.kind !== "program") {
    const message = `There is no program ${JSON.stringify(id.slice(0, 80))} among yours.`;
    throw new ToolariumError("not_found", message, { param });
  }
  const events = await reader.journal(id);
  const status = statusAfter(events.at(-1));
  if (status === "failed") return events;
  const message = `Only a failed run can be repaired, and ${id} is ${status}.`;
  const errors = [{ pointer: `/${param}`, message }];
  throw new ToolariumError("invalid_request", message, { param, errors });
}
