/** Results that a person supplies in place of a call: checked against the same schema as the tool's own. */
import { parseJson } from "../../json.ts";
import type { CatalogTool } from "../catalog.ts";
import { type CompiledSchema, compileSchema } from "../checking/schema-check.ts";

const compiled = new WeakMap<CatalogTool, CompiledSchema>();

/** The fault of this value as a result of the tool; undefined when it has none, or when there is no schema to tell. */
export function faultOfResult(tool: CatalogTool, value: unknown): string | undefined {
  const schema = outputSchemaOf(tool);
  if (schema === undefined || !schema.ok) return undefined;
  const verdict = schema.check(value);
  if (verdict.type !== "invalid") return undefined;
  return `The result does not fit the output schema of ${tool.id}: ${verdict.message}.`;
}

/** The tool's declared result schema; undefined when it declares none. */
export function outputSchemaOf(tool: CatalogTool): CompiledSchema | undefined {
  const { outputSchema } = tool;
  if (outputSchema === undefined) return undefined;
  const schema = compiled.get(tool) ?? compileSchema(outputSchema, "required");
  compiled.set(tool, schema);
  return schema;
}

/**
 * A text as the result of a tool, read like a text block of its server: JSON objects and arrays become values, and so
 * does any JSON where the tool declares a result. Any other text stays text.
 */
export function readSuppliedText(tool: Pick<CatalogTool, "outputSchema"> | undefined, text: string): unknown {
  if (tool?.outputSchema === undefined && !/^\s*[[{]/.test(text)) return text;
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}
