/** The parts of a schema that a type cannot express, its description and its constraints, as one comment line. */
import { isSchema, own } from "./schema-refs.ts";
import { docText } from "./type-text.ts";

const MAX_DESCRIPTION = 200;
const MAX_TAG_VALUE = 80;

/** Keywords that become tags, in this order. */
const TAGS = [
  "format",
  "pattern",
  "minimum",
  "exclusiveMinimum",
  "maximum",
  "exclusiveMaximum",
  "multipleOf",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "uniqueItems",
  "default",
] as const;

/** Comment text for a schema, empty when it has none. A `default` appears only here, not in the type. */
export function schemaDoc(schema: unknown): string {
  if (!isSchema(schema)) return "";
  const description = own(schema, "description");
  const parts = typeof description === "string" ? [docText(description, MAX_DESCRIPTION)] : [];
  if (own(schema, "deprecated") === true) parts.push("@deprecated");
  if (own(schema, "type") === "integer") parts.push("@integer");
  for (const keyword of TAGS) {
    const value = own(schema, keyword);
    // Generators write these bounds for "any integer".
    if (typeof value === "number" && Math.abs(value) === Number.MAX_SAFE_INTEGER) continue;
    const text = tagValue(value);
    if (text !== undefined) parts.push(`@${keyword} ${text}`);
  }
  return parts.filter((part) => part !== "").join(" ");
}

function tagValue(value: unknown): string | undefined {
  if (value === undefined || value === false) return undefined;
  const text = typeof value === "string" && /^[\w:-]+$/.test(value) ? value : JSON.stringify(value);
  return text === undefined || text.length > MAX_TAG_VALUE ? undefined : docText(text, MAX_TAG_VALUE);
}
