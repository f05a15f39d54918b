/**
 * Joins the thoughts in `reasoning_details`, which come in pieces. Providers want each back whole, with its signature:
 * https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks
 */
import { type Fields, isFields } from "../../upstream/model.ts";

/** Fields that are appended from piece to piece; all others come whole. */
const GROWING: ReadonlySet<string> = new Set(["text", "summary"]);

/** Whether the item is the next piece of the last thought. */
export function continuesThought(last: Fields, item: unknown): item is Fields {
  if (!isFields(item)) return false;
  const isThought = item["type"] === "reasoning.text" || item["type"] === "reasoning.summary";
  if (!isThought || last["type"] !== item["type"] || last["index"] !== item["index"]) return false;
  // Without an index, a signature ends a thought.
  const isOver = last["index"] === undefined && (isSaid(last["signature"]) || isSaid(last["metadata"]));
  return !isOver && (!isSaid(last["id"]) || !isSaid(item["id"]) || last["id"] === item["id"]);
}

export function addToThought(thought: Record<string, unknown>, item: Fields): void {
  for (const [name, value] of Object.entries(item)) {
    const known = thought[name];
    const grows = GROWING.has(name) && typeof known === "string" && typeof value === "string";
    thought[name] = grows ? known + value : (value ?? known);
  }
}

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}
