/**
 * Room for results in the memory of the process. A call that may change something is refused before it leaves, or else
 * its result is kept: nobody could ask for it again. One that can be made again without harm is made, and only a result
 * for which there is no room is refused. Either way nothing is lost, and what is held grows past the budget by the
 * results of calls that were under way when it was reached.
 */
import { KEPT_PER_CHAR, type MemoryBudget, SMALL_BYTES } from "../memory-budget.ts";
import type { CatalogTool } from "./catalog.ts";
import { type Refusal, refuseCall, type Settled } from "./settlement.ts";

const isRepeatable = ({ readOnly, idempotent }: CatalogTool): boolean => readOnly || idempotent;

const FULL = "The gateway holds as many bytes as server.memoryBudgetMb allows";

/** Asked before a call leaves. */
export function refuseWithoutRoom(tool: CatalogTool, budget: MemoryBudget | undefined): Refusal | undefined {
  if (budget === undefined || isRepeatable(tool) || budget.fits(SMALL_BYTES, "call")) return undefined;
  return refuseCall({ kind: "unavailable", message: `${FULL}, so the call was not made. Call again later.` });
}

/** Asked of what a call gave. */
export function refuseBeyondRoom(
  result: Settled,
  tool: CatalogTool,
  budget: MemoryBudget | undefined,
): Settled {
  if (budget === undefined || !result.ok || !isRepeatable(tool)) return result;
  const { length } = result.value;
  if (length <= SMALL_BYTES || budget.fits(length * KEPT_PER_CHAR, "owed")) return result;
  const message = `${FULL}, so the result of ${length} characters was dropped. The call was made, and can be made again: later, or for less at once.`;
  return refuseCall({ kind: "too_large", message });
}
