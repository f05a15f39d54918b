/** The failed run that a corrected program builds on. */
import { ToolariumError } from "../../errors.ts";
import type { RunState } from "../record/run-state.ts";
import type { RunReader } from "./reading.ts";

/**
 * What a failed program of this principal did.
 *
 * @throws `not_found` when there is no such program, `invalid_request` when it has not failed
 */
export async function readFailedProgram(id: string, principal: string, reader: RunReader): Promise<RunState> {
  const param = "repair_of";
  const run = await reader.find(id, { principal, admin: false });
  if (run === undefined || run.kind !== "program") {
    const message = `There is no program ${JSON.stringify(id.slice(0, 80))} among yours.`;
    throw new ToolariumError("not_found", message, { param });
  }
  const state = await reader.state(id);
  const { status } = state;
  if (status === "failed") return state;
  const message = `Only a failed run can be repaired, and ${id} is ${status}.`;
  const errors = [{ pointer: `/${param}`, message }];
  throw new ToolariumError("invalid_request", message, { param, errors });
}
