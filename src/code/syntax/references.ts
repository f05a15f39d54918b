/** Calls by name in a program's text. */
import { type Expression, withoutAssertions } from "./parse.ts";

/** A call by name: `github.list({})` is root `github`, path `["list"]`. */
export interface ReferenceInText {
  readonly root: string;
  readonly path: readonly string[];
  /** Its first offset in the inspected text. */
  readonly offset: number;
  /** Its other offsets; absent when there are none. */
  readonly others?: readonly number[];
}

export type Reference = Pick<ReferenceInText, "root" | "path">;

/** The chain of plain names of a callee, or undefined when a part of it is computed. */
export function referenceOf(callee: Expression): Reference | undefined {
  const path: string[] = [];
  let node = callee;
  for (;;) {
    node = withoutAssertions(node);
    if (node.type === "Identifier") return { root: node.name, path: path.reverse() };
    if (node.type !== "MemberExpression" && node.type !== "OptionalMemberExpression") return undefined;
    const name = propertyName(node.property as Expression, node.computed);
    if (name === undefined) return undefined;
    path.push(name);
    node = node.object as Expression;
  }
}

/** A property's name when the text shows it; undefined when it is computed. */
export function propertyName(property: Expression, computed: boolean): string | undefined {
  if (!computed) return property.type === "Identifier" ? property.name : undefined;
  if (property.type === "StringLiteral") return property.value;
  if (property.type === "TemplateLiteral" && property.expressions.length === 0)
    return property.quasis[0]?.value.cooked ?? undefined;
  return undefined;
}

/** The same for a member that may be an array's element: `pair[0]`. */
export function memberName(property: Expression, computed: boolean): string | undefined {
  return computed && property.type === "NumericLiteral"
    ? String(property.value)
    : propertyName(property, computed);
}

/** As a program would write it. */
export function writeReference({ root, path }: Reference): string {
  return (
    root + path.map((name) => (/^[\w$]+$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`)).join("")
  );
}

/** The first of each call, with the places of the others: only a few, because people read them. */
export function distinct(references: readonly ReferenceInText[]): readonly ReferenceInText[] {
  return [...Map.groupBy(references, writeReference).values()].flatMap(([first, ...others]) => {
    if (first === undefined || others.length === 0) return first ?? [];
    return { ...first, others: others.slice(0, MAX_OTHERS).map(({ offset }) => offset) };
  });
}

const MAX_OTHERS = 50;
