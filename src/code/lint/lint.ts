/** Finds faults in the text of a program without types, in one pass; the certain ones are errors. */

import type { SyntaxNode } from "../syntax/parse.ts";
import type { Remark } from "../syntax/remark.ts";
import { assignedGlobal, misusedName } from "./declaration-order.ts";
import { Evaluation } from "./evaluation.ts";
import type { GlobalNames } from "./evaluator.ts";
import { forgottenAwait } from "./forgotten-awaits.ts";
import { type HiddenTool, hiddenTools } from "./hidden-tools.ts";
import { lostPromise, unusedPromise } from "./lost-promises.ts";
import type { Binding, ProgramTree } from "./tree.ts";

export interface Findings {
  readonly remarks: readonly Remark[];
  readonly hidden: readonly HiddenTool[];
}

/** `last`: the statement whose value is the program's result. */
export function lint(tree: ProgramTree, globals: GlobalNames, last: SyntaxNode | undefined): Findings {
  const evaluation = new Evaluation(tree, globals);
  const remarks: Remark[] = [];
  const add = (remark: Remark | undefined): void => {
    if (remark !== undefined) remarks.push(remark);
  };
  const bindings = new Set<Binding>();
  for (const place of tree.places) {
    add(forgottenAwait(place, evaluation));
    add(lostPromise(place, last, evaluation));
    if (place.node.type !== "Identifier") continue;
    const binding = tree.bindingOf(place.node);
    if (binding !== undefined) bindings.add(binding);
  }
  for (const place of tree.free) add(assignedGlobal(place, globals.all));
  const hidden: HiddenTool[] = [];
  for (const binding of bindings) {
    add(unusedPromise(binding, evaluation));
    remarks.push(...misusedName(binding, evaluation));
    hidden.push(...hiddenTools(binding, evaluation));
  }
  return { remarks: oneEach(remarks), hidden };
}

/** Keeps the worst remark for each place: a promise in a condition is also one in its `!`. */
function oneEach(remarks: readonly Remark[]): readonly Remark[] {
  const byOffset = new Map<number, Remark>();
  for (const remark of remarks) {
    const known = byOffset.get(remark.offset);
    if (known === undefined || (known.severity !== "error" && remark.severity === "error"))
      byOffset.set(remark.offset, remark);
  }
  return [...byOffset.values()];
}
