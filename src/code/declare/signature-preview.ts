/** A tool's signature on one line, for lists of tools: enough to call most of them, or to know which to look up. */
import type { CatalogTool } from "../../tools/catalog.ts";
import type { SchemaType } from "./json-schema-to-ts.ts";
import { allowsNoProperties } from "./schema-empty.ts";
import { typeOf } from "./schema-types.ts";
import { propertyKey } from "./type-text.ts";

const MAX_MEMBERS = 12;
/** Most characters of a type, and of a name. */
const MAX_CHARS = 60;

/** Omitted parts are written `…`, so the text is to be read, not compiled. */
export function previewSignature(tool: CatalogTool): string {
  const { callable, inputSchema, outputSchema } = tool;
  const result = outputSchema === undefined ? "any" : previewObject(typeOf(outputSchema, "output"));
  return `${callable}(${previewParameters(tool, typeOf(inputSchema, "input"))}): Promise<${result}>`;
}

function previewParameters({ inputSchema, positional }: CatalogTool, input: SchemaType): string {
  if (positional === undefined) {
    const optional = allowsNoProperties(inputSchema);
    return input.text === "{}" ? "" : `args${optional ? "?" : ""}: ${previewObject(input)}`;
  }
  return positional
    .map((name) => previewMember(input.members.find((member) => member.name === name) ?? { name }))
    .join(", ");
}

/** Shows its own properties by name, but not theirs. */
function previewObject({ text, members }: SchemaType): string {
  if (members.length === 0) return previewType(text);
  const shown = members.slice(0, MAX_MEMBERS).map(previewMember);
  return `{ ${[...shown, ...(members.length > MAX_MEMBERS ? ["…"] : [])].join("; ")} }`;
}

function previewMember(member: {
  readonly name: string;
  readonly optional?: boolean;
  readonly type?: { readonly text: string };
}): string {
  const { name, optional = true, type = { text: "unknown" } } = member;
  return `${cut(propertyKey(name))}${optional ? "?" : ""}: ${previewType(type.text)}`;
}

/** A type of several lines is an object, too large for a list. */
function previewType(text: string): string {
  const flat = text.replace(/\0\d+\0/g, "{…}");
  if (flat.includes("\n")) return flat.endsWith("[]") ? "{…}[]" : "{…}";
  return cut(flat);
}

function cut(text: string): string {
  return text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS - 1).trimEnd()}…`.toWellFormed() : text;
}
