/** A tool's parameter list: one argument object, or its properties in order where the tool was defined so. */
import type { SchemaType } from "./json-schema-to-ts.ts";

/** The text between the parentheses. `optional`: the argument object may be omitted. */
export function signatureParameters(
  input: SchemaType,
  positional: readonly string[] | undefined,
  optional: boolean,
): string {
  if (positional !== undefined) return positionalParameters(input, positional);
  // Arguments are always an object, even if the schema leaves that open.
  const type = input.text === "unknown" ? "Record<string, unknown>" : input.text;
  return `args${optional ? "?" : ""}: ${type}`;
}

function positionalParameters({ members }: SchemaType, positional: readonly string[]): string {
  const used = new Set<string>();
  const parameters = positional.map((property) => {
    const member = members.find(({ name }) => name === property);
    return {
      name: parameterName(property, used),
      type: member?.type.text ?? "unknown",
      optional: member?.optional ?? true,
    };
  });
  const lastRequired = parameters.findLastIndex(({ optional }) => !optional);
  return parameters
    .map(({ name, type, optional }, index) => {
      if (!optional) return `${name}: ${type}`;
      // An optional parameter may not precede a required one: there it is passed as undefined.
      return index < lastRequired ? `${name}: ${type} | undefined` : `${name}?: ${type}`;
    })
    .join(", ");
}

function parameterName(property: string, used: Set<string>): string {
  const clean = property.replace(/[^A-Za-z0-9_$]/g, "_") || "value";
  const base = RESERVED.has(clean) || /^\d/.test(clean) ? `_${clean}` : clean;
  let name = base;
  for (let n = 2; used.has(name); n += 1) name = `${base}_${n}`;
  used.add(name);
  return name;
}

const RESERVED: ReadonlySet<string> = new Set(
  "arguments await break case catch class const continue debugger default delete do else enum eval export extends false finally for function if implements import in instanceof interface let new null package private protected public return static super switch this throw true try typeof var void while with yield".split(
    " ",
  ),
);
