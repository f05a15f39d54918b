/** Advice how to correct a wrong argument, where the types or the text show it. */
import { fieldOf, type SyntaxNode } from "../syntax/parse.ts";

/** A sentence to add to the fault, or nothing. `node` is the value in the program, `written` its text. */
export function adviseOn(
  given: string,
  wanted: string,
  { node, written }: { readonly node: SyntaxNode | undefined; readonly written: string },
): string {
  const wants = (type: RegExp): boolean => wanted.split(" | ").some((member) => type.test(member));
  if (given === "null") return wants(/^undefined$/) ? ": leave it out." : ".";
  const advice = adviseOnValue(given, wants, node, written);
  return advice === undefined ? "." : `. ${advice}.`;
}

function adviseOnValue(
  given: string,
  wants: (type: RegExp) => boolean,
  node: SyntaxNode | undefined,
  written: string,
): string | undefined {
  if (given === "Date" && wants(/^number$/)) return "Write .getTime()";
  if (!wants(/^string$/) && isJsonText(node, written))
    return `Pass the ${wants(/\[\]$/) ? "array" : "object"} itself, not JSON text`;
  if (given === "string" && wants(/^number$/)) return adviseOnDigits(node);
  if (given === "number" && wants(/^string$/))
    return node?.type === "NumericLiteral"
      ? `Write ${JSON.stringify(String(node.value))}`
      : "Write String(…)";
  const isElement = given !== "" && wants(new RegExp(`^${escapeType(given)}\\[\\]$`));
  return isElement ? `Write [${written.length > 0 && written.length <= 40 ? written : "…"}]` : undefined;
}

function adviseOnDigits(node: SyntaxNode | undefined): string {
  const isNumber = node?.type === "StringLiteral" && /^-?\d{1,15}(?:\.\d+)?$/.test(node.value);
  return isNumber ? `Write ${node.value} without quotes` : "Write Number(…)";
}

export function isJsonText(node: SyntaxNode | undefined, written: string): boolean {
  if (/^JSON\s*\.\s*stringify\s*\(/.test(written)) return true;
  return node?.type === "StringLiteral" && /^\s*[{[]/.test(node.value);
}

/** The value at a fault; TypeScript may place the fault at its property's name. */
export function valueAt([first, parent]: readonly SyntaxNode[]): SyntaxNode | undefined {
  if (parent?.type !== "ObjectProperty" || fieldOf(parent, "key") !== first) return first;
  return fieldOf(parent, "value") as SyntaxNode;
}

function escapeType(type: string): string {
  return type.replace(/[^\w ]/g, "\\$&");
}
