/**
 * Decides about a fault that TypeScript found. A program is refused only for what is certainly wrong and whose cost it
 * cannot know: a name that does not exist, or a value that does not fit a tool. Everything else is a warning, and
 * faults that only types care about are dropped.
 */

import type { TypeFault } from "../check/checked.ts";
import { argumentFault, countFault } from "./argument-faults.ts";
import type { FaultContext, Verdict } from "./fault-context.ts";
import { missingName } from "./name-faults.ts";
import { promiseInstead } from "./promise-faults.ts";
import { missingElement, missingProperty, notCallable, notIterable } from "./result-faults.ts";

/** Undefined: not worth a remark. */
export async function judgeFault(fault: TypeFault, context: FaultContext): Promise<Verdict | undefined> {
  const { code } = fault;
  const site = context.sites.at(fault.start, fault.end);
  if (code === NO_INDEX) return missingElement(fault, site, context);
  if (isDropped(code)) return undefined;
  if (MISSING_NAME.has(code)) return missingName(fault, site, context);
  if (MISSING_PROPERTY.has(code)) return await missingProperty(fault, site, context);
  if (ARGUMENT.has(code)) return await argumentFault(fault, site, context);
  if (COUNT.has(code)) return countFault(fault, site, context);
  if (ITERATION.has(code)) return await notIterable(fault, site, context);
  if (code === NOT_CALLABLE) return notCallable(fault, site, context);
  if (OPERATION.has(code)) {
    const refused = promiseInstead(fault, site, context);
    if (refused !== undefined) return refused;
  }
  return { severity: "warning", message: plainWords(fault, context) };
}

/** Implicit `any`, unused, uninitialized, `this`, and modules, which the normalizer handles. */
function isDropped(code: number): boolean {
  return (code >= 7000 && code < 7100) || DROPPED.has(code);
}

const DROPPED: ReadonlySet<number> = new Set([1108, 2307, 2564, 2683, 6133, 6192, 6196]);
const MISSING_NAME: ReadonlySet<number> = new Set([
  ...[2304, 2552, 2580, 2581, 2582, 2583, 2584, 2591, 2592, 2593, 2693, 18004],
]);
const MISSING_PROPERTY: ReadonlySet<number> = new Set([2339, 2551]);
const ARGUMENT: ReadonlySet<number> = new Set([
  ...[2345, 2322, 2353, 2561, 2739, 2740, 2741, 2820, 2559, 2560, 2328, 2326],
]);
const COUNT: ReadonlySet<number> = new Set([2554, 2555]);
const ITERATION: ReadonlySet<number> = new Set([2488, 2461, 2495, 2504, 2548, 2549]);
/** Operators and conditions. */
const OPERATION: ReadonlySet<number> = new Set([2362, 2363, 2365, 2367, 2801]);
const NOT_CALLABLE = 2349;
/** An element by a name that the object does not have. */
const NO_INDEX = 7053;

const MAYBE_MISSING: ReadonlySet<number> = new Set([2531, 2532, 2533, 18047, 18048, 18049]);
const NEVER_EQUAL = 2367;

/** TypeScript's message without its descriptions of types, which may be longer than the program. */
function plainWords({ code, text, start, end }: TypeFault, { program }: FaultContext): string {
  const written = quote(program.slice(start, end));
  if (MAYBE_MISSING.has(code)) return `${written} can be missing: test it first, or use ?. on it.`;
  if (code === NEVER_EQUAL) return `${written} is never true: the two sides have no value in common.`;
  return text.replace(/'[^']{60,}'/g, "'…'").replace(/ Do you need to .*$/s, "");
}

function quote(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length > 60 ? `${line.slice(0, 60)}…` : line;
}
