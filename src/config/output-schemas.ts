/**
 * `tools.outputSchemas`: result schemas that an operator declares for tools. Checked here, because a mistake in a
 * schema would silently declare `any`.
 */
import { isRecord } from "../json.ts";
import type { JsonSchema } from "../tools/tool-source.ts";
import type { Path } from "./document.ts";
import { didYouMean } from "./problems.ts";
import type { ConfigRemark } from "./servers.ts";

export type OutputSchemas = { readonly [id: string]: JsonSchema };

/** The faults in the schemas, each with its place. */
export function faultsOfOutputSchemas(schemas: OutputSchemas): readonly ConfigRemark[] {
  return Object.entries(schemas).flatMap(([id, schema]) => {
    const path = ["tools", "outputSchemas", id];
    const message = "names no tool: write server/tool; patterns are not for schemas";
    const isTool = /^[^/*]+\/[^*]+$/.test(id);
    return [...(isTool ? [] : [{ path, part: "key" as const, message }]), ...faultsAt(schema, path)];
  });
}

/** Schemas of servers that do not exist: not an error, but probably a mistake. */
export function strangersAmong(schemas: OutputSchemas, servers: readonly string[]): readonly ConfigRemark[] {
  return Object.keys(schemas).flatMap((id): readonly ConfigRemark[] => {
    const server = id.slice(0, Math.max(0, id.indexOf("/")));
    if (server === "" || server === "local" || servers.includes(server)) return [];
    const message = `there is no server ${JSON.stringify(server)}${didYouMean(server, servers)}`;
    return [{ path: ["tools", "outputSchemas", id], part: "key", message }];
  });
}

const TYPES = ["object", "array", "string", "number", "integer", "boolean", "null"];

function faultsAt(schema: unknown, path: Path): readonly ConfigRemark[] {
  if (typeof schema === "boolean") return [];
  if (!isRecord(schema)) return [fault(path, "expected a JSON Schema: an object, true or false")];
  return Object.entries(schema).flatMap(([keyword, value]) => {
    const at = [...path, keyword];
    return keyword === "type" ? faultsOfType(value, at) : faultsOfKeyword(keyword, value, at);
  });
}

function faultsOfType(value: unknown, path: Path): readonly ConfigRemark[] {
  const types: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (types.every((type) => typeof type === "string" && TYPES.includes(type))) return [];
  return [fault(path, `expected ${TYPES.map((type) => JSON.stringify(type)).join(", ")}, or a list of them`)];
}

/** Keywords that decide the declared type. */
function faultsOfKeyword(keyword: string, value: unknown, path: Path): readonly ConfigRemark[] {
  switch (keyword) {
    case "items":
      // Older dialects write tuples as a list of items.
      return Array.isArray(value) ? faultsOfList(value, path) : faultsAt(value, path);
    case "additionalProperties":
    case "not":
      return faultsAt(value, path);
    case "anyOf":
    case "oneOf":
    case "allOf":
    case "prefixItems":
      return faultsOfList(value, path);
    case "properties":
    case "patternProperties":
    case "$defs":
    case "definitions":
      if (!isRecord(value)) return [fault(path, "expected an object of JSON Schemas")];
      return Object.entries(value).flatMap(([name, inner]) => faultsAt(inner, [...path, name]));
    case "required":
      if (Array.isArray(value) && value.every((name) => typeof name === "string")) return [];
      return [fault(path, "expected a list of names")];
    case "enum":
      return Array.isArray(value) ? [] : [fault(path, "expected a list of values")];
    default:
      return [];
  }
}

function faultsOfList(value: unknown, path: Path): readonly ConfigRemark[] {
  if (!Array.isArray(value)) return [fault(path, "expected a list of JSON Schemas")];
  return value.flatMap((inner: unknown, index) => faultsAt(inner, [...path, index]));
}

function fault(path: Path, message: string): ConfigRemark {
  return { path, part: "value", message };
}
