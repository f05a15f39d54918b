/** Type faults that arise because a promise is used in place of its result. */

import type { TypeFault } from "../check/checked.ts";
import type { Expression, SyntaxNode } from "../syntax/parse.ts";
import { writeReference } from "../syntax/references.ts";
import { type FaultContext, refuse, textOf, type Verdict, warn } from "./fault-context.ts";
import type { FaultSite } from "./fault-site.ts";

/** TypeScript's related remark: "Did you forget to use 'await'?" */
const FORGOT_AWAIT = 2773;

export function offersAwait({ related }: TypeFault): boolean {
  return related.includes(FORGOT_AWAIT);
}

export function isPromise(fault: TypeFault): boolean {
  return offersAwait(fault) || isOfPromise(fault);
}

/** An operator or a condition gets a promise; undefined when that is not the fault. */
export function promiseInstead(
  fault: TypeFault,
  site: FaultSite,
  context: FaultContext,
): Verdict | undefined {
  const isCondition = fault.code === ALWAYS_TRUE && isCall(site.path[0]);
  if (!isCondition && !offersAwait(fault)) return undefined;
  const [node] = site.path;
  if (node?.type !== "BinaryExpression") return unawaited(node as Expression | undefined, site, context);
  const message = `${textOf(node, context)} has a Promise where a value is meant: add await.`;
  return [node.left, node.right].some((side) => isReassigned(side as SyntaxNode, context))
    ? warn(message)
    : refuse(message);
}

/** "This condition will always return true since this 'Promise<…>' is always defined." */
const ALWAYS_TRUE = 2801;

function isCall(node: SyntaxNode | undefined): boolean {
  return node?.type === "CallExpression" || node?.type === "OptionalCallExpression";
}

/** TypeScript suggests `await` only where the awaited type has the member, and never for `any`. */
export function isOfPromise({ text }: TypeFault): boolean {
  const type = /(?:on type|index type|^Type) '(Promise<.*>)'/s.exec(text)?.[1]?.replaceAll("=>", "");
  if (type === undefined) return false;
  let depth = 0;
  for (const [at, char] of [...type].entries()) {
    if (char === "<") depth += 1;
    if (char === ">") depth -= 1;
    // A union continues after this part.
    if (char === ">" && depth === 0) return at === type.length - 1;
  }
  return false;
}

/** Types know the value that a variable was declared with: `r = await r` may have changed it. */
export function unawaited(receiver: Expression | undefined, site: FaultSite, context: FaultContext): Verdict {
  const message = sayAwait(receiver, site, context);
  return isReassigned(receiver, context) ? warn(message) : refuse(message);
}

function isReassigned(node: SyntaxNode | undefined, { sites }: FaultContext): boolean {
  return node?.type === "Identifier" && sites.reassigned.has(node.name);
}

function sayAwait(receiver: Expression | undefined, site: FaultSite, context: FaultContext): string {
  const called = receiver?.type === "CallExpression" ? receiver.callee : undefined;
  const reference = called && context.sites.toolReference(called as Expression, site);
  if (reference !== undefined) return `${writeReference(reference)}(…) returns a Promise: add await.`;
  const written = receiver === undefined ? "This" : textOf(receiver, context);
  return `${written} is a Promise: add await, or for an array of them await Promise.all(…).`;
}
