import { type Fields, isFields } from "../upstream/model.ts";

/** Joins the fields of two deltas to what a whole message would hold: texts and lists go on, other values replace. */
export function mergeFields(earlier: Fields, later: Fields): Fields {
  const merged = Object.entries(later).map(([name, value]) => [name, mergeValue(earlier[name], value)]);
  return { ...earlier, ...Object.fromEntries(merged) };
}

function mergeValue(earlier: unknown, later: unknown): unknown {
  if (typeof earlier === "string" && typeof later === "string") return earlier + later;
  if (Array.isArray(earlier) && Array.isArray(later)) return [...earlier, ...later];
  if (isFields(earlier) && isFields(later)) return mergeFields(earlier, later);
  return later ?? earlier;
}
