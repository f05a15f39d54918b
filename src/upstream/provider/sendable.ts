/** Refuses a request that no provider can be sent, before any provider is tried, so that it counts against none. */
import { ToolariumError } from "../../errors.ts";
import type { Fields } from "../model.ts";

/** Deepest nesting of arrays and objects. Writing it as JSON would survive a few thousand levels. */
const MAX_DEPTH = 1_000;

/** @throws `invalid_request` with the first field that is nested too deeply as `param` */
export function checkDepth(fields: Fields): void {
  const deep = Object.keys(fields).find((name) => isDeep(fields[name]));
  if (deep === undefined) return;
  throw new ToolariumError(
    "invalid_request",
    `${deep} is nested more than ${MAX_DEPTH} levels deep, or holds itself. Send it flatter, or deep parts of it as text.`,
    { param: deep },
  );
}

/** @throws `invalid_request` for a body with a value that JSON cannot express */
export function writeBody(body: Fields): string {
  try {
    return JSON.stringify(body);
  } catch (cause) {
    if (!(cause instanceof TypeError) && !(cause instanceof RangeError)) throw cause;
    throw new ToolariumError(
      "invalid_request",
      "The request cannot be written as JSON: it holds a BigInt, or an object that throws when it is written.",
      { cause },
    );
  }
}

/** Level by level, not by recursion. A value that occurs several times in one level is examined once. */
function isDeep(value: unknown): boolean {
  let level: readonly unknown[] = [value];
  for (let depth = 0; depth <= MAX_DEPTH; depth += 1) {
    const inner = new Set<unknown>();
    for (const item of level)
      if (typeof item === "object" && item !== null)
        for (const field of Object.values(item)) if (typeof field === "object") inner.add(field);
    if (inner.size === 0) return false;
    level = [...inner];
  }
  return true;
}
