/** Results that a person supplies in place of a call: held to the same schema as the tool's own. */
import { parseJson } from "../../json.ts";
import type { CatalogTool } from "../catalog.ts";
import { type CompiledSchema, compileSchema } from "../checking/schema-check.ts";

const compiled = new WeakMap<CatalogTool, CompiledSchema>();

/** What is wrong with this value as a result of the tool; undefined when nothing is, or nobody can tell. */
export function faultOfResult(tool: CatalogTool, value: unknown): string | undefined {
  const schema = outputSchemaOf(tool);
  if (schema === undefined || !schema.ok) return undefined;
  const verdict = schema.check(value);
  if (verdict.type !== "invalid") return undefined;
  return `The result does not fit the output schema of ${tool.id}: ${verdict.message}.`;
}

/** What the tool declares that it gives; undefined when it does not. */
export function outputSchemaOf(tool: CatalogTool): CompiledSchema | undefined {
  const { outputSchema } = tool;
  if (outputSchema === undefined) return undefined;
  const schema = compiled.get(tool) ?? compileSchema(outputSchema, "required");
  compiled.set(tool, schema);
  return schema;
}

/**
 * A text as the result of a tool, like one text block of its server: JSON objects and arrays are values, and so is any
 * JSON where the tool declares what it returns; everything else is the text itself.
 */
export function readSuppliedText(tool: Pick<CatalogTool, "outputSchema"> | undefined, text: string): unknown {
  if (tool?.outputSchema === undefined && !/^\s*[[{]/.test(text)) return text;
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}
