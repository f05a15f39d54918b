import { isFields, type Usage } from "../../upstream/model.ts";

/** The usage of an answer (reply to the user) for which no model was asked. */
export const NO_USAGE: Usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };

/** The sum over two turns: numbers are added at every depth (cached, reasoning …); of others the later value counts. */
export function addUsage(earlier: Usage | null, later: Usage | null): Usage | null {
  if (earlier === null || later === null) return earlier ?? later;
  const added = Object.entries(later).map(([name, value]) => [name, addValue(earlier[name], value)]);
  return { ...earlier, ...Object.fromEntries(added) };
}

function addValue(earlier: unknown, later: unknown): unknown {
  if (typeof earlier === "number" && typeof later === "number") return earlier + later;
  if (isFields(earlier) && isFields(later)) return addUsage(earlier, later);
  return later ?? earlier;
}
