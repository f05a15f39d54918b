/** Whole numbers in a program's text that the language's numbers cannot hold: the program would run with others. */

import { fieldOf, nodesOf, type SyntaxNode, startOf } from "../syntax/parse.ts";
import type { Remark } from "../syntax/remark.ts";

const MAX_REMARKS = 20;

/** An error for each literal whose digits would be lost. A literal with an exponent is meant to be rounded. */
export function lossyLiterals(root: SyntaxNode): readonly Remark[] {
  const remarks: Remark[] = [];
  for (const node of nodesOf(root)) {
    if (node.type !== "NumericLiteral") continue;
    const written = writtenOf(node);
    const digits = integerOf(written);
    if (digits === undefined || isHeld(digits)) continue;
    remarks.push({ severity: "error", message: sayLossy(written, digits), offset: startOf(node) });
  }
  return remarks.toSorted((a, b) => a.offset - b.offset).slice(0, MAX_REMARKS);
}

function writtenOf(node: SyntaxNode): string {
  const extra = fieldOf(node, "extra") as { readonly raw?: unknown } | undefined;
  return typeof extra?.raw === "string" ? extra.raw : "";
}

/** The digits of a whole number, without a fraction; undefined for a literal in another notation. */
function integerOf(written: string): bigint | undefined {
  const plain = written.replaceAll("_", "");
  if (/^0[xob]/i.test(plain)) return BigInt(plain);
  const integer = /^(\d+)(?:\.\d*)?$/.exec(plain)?.[1];
  return integer === undefined ? undefined : BigInt(integer);
}

/** Whether the number is held exactly, or prints the same digits again. */
function isHeld(digits: bigint): boolean {
  const number = Number(digits);
  return Number.isFinite(number) && (BigInt(number) === digits || String(number) === String(digits));
}

function sayLossy(written: string, digits: bigint): string {
  const shown = shorten(written);
  const string = shorten(digits.toString());
  return `${shown} is too large for a number and would become ${Number(digits)}: write it as a string, "${string}", or to calculate with it as ${shorten(`${written.replace(/\..*$/, "")}n`)}.`;
}

function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 30)}…` : text;
}
