/**
 * A tool's schema in the form that a family of providers accepts. It may allow more than the original but never less. A
 * restriction that the provider's dialect cannot express is written into the description, and the gate checks calls
 * against the original anyway.
 */
import { type Fields, isFields } from "../model.ts";
import { adaptNode } from "./adapt-node.ts";
import { createChanges } from "./changes.ts";
import { type Dialect, type DialectName, dialects } from "./dialects.ts";
import { inlineRefs } from "./inline-refs.ts";
import { mergeUnions } from "./merge-unions.ts";

export interface AdaptedSchema {
  readonly schema: Fields;
  /**
   * One sentence for each change, with its place as a JSON pointer. Empty when the schema has the same meaning as
   * before.
   */
  readonly changes: readonly string[];
}

/** The root becomes an object with properties, without a union: no provider accepts any other root. */
export function adaptSchema(original: unknown, name: DialectName): AdaptedSchema {
  const dialect: Dialect = dialects[name];
  const changes = createChanges();
  const root = isFields(original) ? original : {};
  const { $schema: _, $id: __, ...document } = root;
  const resolved = inlineRefs(document, dialect.refs ? "broken" : "all", changes);
  const merged = mergeUnions(resolved, changes, "");
  const { type, ...node } = adaptNode(asObject(merged, changes), dialect, changes, "");
  return {
    schema: { type: type ?? "object", ...node, properties: node["properties"] ?? {} },
    changes: changes.list,
  };
}

const NOT_AT_ROOT = ["enum", "const", "not", "if", "then", "else"];

function asObject(schema: Fields, changes: ReturnType<typeof createChanges>): Fields {
  const dropped = NOT_AT_ROOT.filter((keyword) => keyword in schema);
  const kept = Object.fromEntries(Object.entries(schema).filter(([keyword]) => !dropped.includes(keyword)));
  const told = changes.tell(
    kept,
    Object.fromEntries(dropped.map((keyword) => [keyword, schema[keyword]])),
    "",
  );
  const { nullable: _, ...root } = told;
  return { ...root, type: "object" };
}
