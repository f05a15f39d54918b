/** The remarks that a program's author gets: the worst of each line, in order, and no more than can be read. */

import type { Diagnostic } from "./compile.ts";
import { RETURNS_NOTHING } from "./entry/missing-return.ts";

/** For a program that did not complete: its missing result is not its problem. */
export function withoutResultNotes<T extends Diagnostic>(diagnostics: readonly T[]): readonly T[] {
  return diagnostics.filter(
    ({ severity, message }) => severity !== "note" || !message.startsWith(RETURNS_NOTHING),
  );
}

/** Most remarks of each kind. */
const MAX_SHOWN = 5;

/** Errors, then warnings, each one per line and sorted by position, then notes. */
export function arrange<T extends Diagnostic>(diagnostics: readonly T[]): readonly (T | Diagnostic)[] {
  const notes = diagnostics.filter(({ severity }) => severity === "note");
  const faults = worstOfEachLine(diagnostics.filter(({ severity }) => severity !== "note"));
  return [
    ...shown(faults.filter(({ severity }) => severity === "error")),
    ...shown(faults.filter(({ severity }) => severity === "warning")),
    ...notes,
  ];
}

function worstOfEachLine<T extends Diagnostic>(faults: readonly T[]): readonly T[] {
  const byLine = new Map<number, T>();
  for (const fault of faults.toSorted(byWeight)) if (!byLine.has(fault.line)) byLine.set(fault.line, fault);
  return [...byLine.values()].sort((a, b) => a.line - b.line);
}

/** Errors first, then by position; at one position, TypeScript's remarks before others. */
function byWeight(a: Diagnostic, b: Diagnostic): number {
  if (a.severity !== b.severity) return a.severity === "error" ? -1 : 1;
  return a.line - b.line || a.column - b.column || Number(a.code === null) - Number(b.code === null);
}

function shown<T extends Diagnostic>(faults: readonly T[]): readonly (T | Diagnostic)[] {
  const [next, ...others] = faults.slice(MAX_SHOWN);
  if (next === undefined) return faults;
  const { severity, line, column } = next;
  const message = `and ${others.length + 1} more ${severity}${others.length === 0 ? "" : "s"}`;
  return [...faults.slice(0, MAX_SHOWN), { severity: "note", code: null, message, line, column }];
}
