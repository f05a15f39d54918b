/**
 * Bounds the memory for results. A call that may change something is refused before it is sent, or its result is kept:
 * the result could not be requested again. A call that can safely be repeated is made, and its result is refused when
 * there is no room. Nothing is lost either way. The held memory can exceed the budget only by the results of calls that
 * were in flight when it was reached.
 */
import { KEPT_PER_CHAR, type MemoryBudget, SMALL_BYTES } from "../memory-budget.ts";
import type { CatalogTool } from "./catalog.ts";
import { type Refusal, refuseCall, type Settled } from "./settlement.ts";

const isRepeatable = ({ readOnly, idempotent }: CatalogTool): boolean => readOnly || idempotent;

const FULL = "The gateway holds as many bytes as server.memoryBudgetMb allows";

/** Checked before a call is sent. */
export function refuseWithoutRoom(tool: CatalogTool, budget: MemoryBudget | undefined): Refusal | undefined {
  if (budget === undefined || isRepeatable(tool) || budget.fits(SMALL_BYTES, "call")) return undefined;
  return refuseCall({ kind: "unavailable", message: `${FULL}, so the call was not made. Call again later.` });
}

/** Checked with the result of a call. */
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
