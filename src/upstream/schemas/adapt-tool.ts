/** A function in the form that a family of providers accepts. */
import { type Fields, isFields } from "../model.ts";
import { adaptSchema } from "./adapt-schema.ts";
import { type DialectName, dialectNames, dialects } from "./dialects.ts";

export interface AdaptedTool {
  readonly tool: Fields;
  readonly changes: readonly string[];
}

/** The changes for each family of providers. */
export type SchemaChanges = { readonly [name in DialectName]?: readonly string[] };

/** Tools are the same objects in every request. */
const adapted = new WeakMap<Fields, Map<DialectName, AdaptedTool>>();

export function adaptTool(tool: Fields, name: DialectName): AdaptedTool {
  const known = adapted.get(tool) ?? new Map<DialectName, AdaptedTool>();
  adapted.set(tool, known);
  const made = known.get(name) ?? makeTool(tool, name);
  known.set(name, made);
  return made;
}

/** The changes that each family needs; families that accept the tool as it is are absent. */
export function changesOfTool(tool: Fields): SchemaChanges {
  const changed = dialectNames.map((name) => [name, adaptTool(tool, name).changes] as const);
  return Object.fromEntries(changed.filter(([, changes]) => changes.length > 0));
}

function makeTool(tool: Fields, name: DialectName): AdaptedTool {
  const declared = tool["function"];
  if (!isFields(declared)) return { tool, changes: [] };
  const { omitsEmpty } = dialects[name];
  const { schema, changes } = adaptSchema(declared["parameters"], name);
  const { parameters: _, ...said } = declared;
  // Amazon refuses an empty description, Google requires one.
  const rest = isBlank(said["description"]) ? { ...said, description: said["name"] } : said;
  const cut = cutDescription(rest, schema, dialects[name].maxDescriptionChars);
  const isEmpty =
    omitsEmpty && isFields(schema["properties"]) && Object.keys(schema["properties"]).length === 0;
  return {
    tool: { ...tool, function: { ...cut.declared, ...(isEmpty ? {} : { parameters: cut.schema }) } },
    changes: cut.isCut
      ? [...changes, "/: the end of the tool's description is that of its parameters"]
      : changes,
  };
}

function isBlank(description: unknown): boolean {
  return typeof description !== "string" || description.trim() === "";
}

/** Cuts a tool's description. The descriptions inside schemas have no limit, so the rest is moved there. */
function cutDescription(
  declared: Fields,
  schema: Fields,
  maxChars: number,
): { readonly declared: Fields; readonly schema: Fields; readonly isCut: boolean } {
  const { description } = declared;
  if (typeof description !== "string" || description.length <= maxChars)
    return { declared, schema, isCut: false };
  const space = description.lastIndexOf(" ", maxChars - 2);
  const end = space > maxChars / 2 ? space : maxChars - 2;
  const own = schema["description"];
  const rest = `… ${description.slice(end).trimStart()}`;
  return {
    declared: { ...declared, description: `${description.slice(0, end).toWellFormed()} …` },
    schema: { ...schema, description: typeof own === "string" ? `${rest}\n\n${own}` : rest },
    isCut: true,
  };
}
