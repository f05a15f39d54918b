/**
 * The `.d.ts` of a program's whole environment for a set of tools. A model reads it, and programs are checked against
 * it. Byte-stable: equal tools give equal text, in any order.
 */
import { type CatalogTool, promisedSchema } from "../../tools/catalog.ts";
import { declarePlatform, ENVIRONMENT_DECLARATIONS, TOOLS_FUNCTIONS } from "./environment.ts";
import type { SchemaType } from "./json-schema-to-ts.ts";
import { allowsNoProperties } from "./schema-empty.ts";
import { typeOf } from "./schema-types.ts";
import { signatureParameters } from "./signature.ts";
import { comment, docText, indent, propertyKey } from "./type-text.ts";

const MAX_DESCRIPTION = 1000;

/** A server without a tool to declare. */
export interface OtherServer {
  readonly name: string;
  readonly global: string;
  /** `any`: its tools are not known yet. `{}`: the program may use none of them. */
  readonly type: "any" | "{}";
}

/**
 * Declares every tool that can be called: one global per server, tools of `local` as functions, and all of them by
 * their original names under `tools`. The text compiles alone, with `lib: ["es2024"]` and no DOM. `others` are servers
 * without such tools. To `check` a program, the names of every platform are declared too; a reader knows those.
 */
export function renderDeclarations(
  tools: readonly CatalogTool[],
  others: readonly OtherServer[] = [],
  purpose: "read" | "check" = "read",
): string {
  const callable = tools.filter((tool) => tool.unavailable === undefined).toSorted(byId);
  const names = new Map<string, number>();
  const servers = [...Map.groupBy(callable, (tool) => tool.server)];
  const groups = servers.map(([, group]) => declareServer(group, names));
  const empty = others.map(({ global, type }) => `declare const ${global}: ${type};\n`);
  const taken = new Set([...callable, ...others].map(({ global }) => global));
  const platform = purpose === "check" ? [declarePlatform(taken)] : [];
  return [
    ENVIRONMENT_DECLARATIONS,
    ...groups.flat(),
    ...empty,
    declareAllTools(servers, others),
    ...platform,
  ].join("\n");
}

/** Declares these tools as `renderDeclarations` does, without the environment: a part to read, not to compile. */
export function declareTools(tools: readonly CatalogTool[]): string {
  const callable = tools.filter((tool) => tool.unavailable === undefined).toSorted(byId);
  const names = new Map<string, number>();
  const groups = [...Map.groupBy(callable, (tool) => tool.server).values()];
  return groups.flatMap((group) => declareServer(group, names)).join("\n");
}

function byId(a: CatalogTool, b: CatalogTool): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** Declarations of one server's tools, each ending in a line break. */
function declareServer(tools: readonly CatalogTool[], names: TakenNames): readonly string[] {
  const types: string[] = [];
  const functions: string[] = [];
  const methods: string[] = [];
  for (const tool of tools) {
    const signature = signatureOf(tool, names);
    types.push(...signature.types);
    const doc = comment(toolDoc(tool));
    if (tool.method === null) functions.push(`${doc}declare function ${tool.global}${signature.text};\n`);
    else methods.push(indent(`${doc}${methodKey(tool.method)}${signature.text};`));
  }
  const [first] = tools;
  const server =
    methods.length === 0 || first === undefined
      ? []
      : [`declare const ${first.global}: {\n${methods.join("\n")}\n};\n`];
  return [...types, ...functions, ...server];
}

/** In a type, `new(…)` would declare a constructor. */
function methodKey(method: string): string {
  return method === "new" ? '"new"' : propertyKey(method);
}

function toolDoc(tool: CatalogTool): string {
  const description = docText(tool.description, MAX_DESCRIPTION);
  if (promisedSchema(tool) !== undefined) return description;
  const known = tool.observedSchema === undefined ? "unknown" : "observed, not promised";
  return `${description} (result shape ${known})`.trim();
}

interface Signature {
  /** `(args: {…}): Promise<…>` */
  readonly text: string;
  /** The declarations of the named types that it uses. */
  readonly types: readonly string[];
}

function signatureOf(tool: CatalogTool, names: TakenNames): Signature {
  const input = typeOf(tool.inputSchema, "input");
  const promised = promisedSchema(tool);
  const outputSchema = promised ?? tool.observedSchema;
  const output = outputSchema === undefined ? undefined : typeOf(outputSchema, "output");
  const types: string[] = [];
  const parameters = settle(
    signatureParameters(input, tool.positional, allowsNoProperties(tool.inputSchema)),
    input,
    tool,
    names,
    types,
  );
  const result = output === undefined ? "any" : settle(output.text, output, tool, names, types);
  const origin = promised === undefined && output !== undefined ? "/* observed */ " : "";
  const otherwise =
    promised !== undefined && tool.observedSchema !== undefined ? " | /* observed */ string" : "";
  return { text: `(${parameters}): Promise<${origin}${result}${otherwise}>`, types };
}

/** Names and declares the types of a schema; each name is free among all in use. */
function settle(
  text: string,
  { named }: SchemaType,
  tool: CatalogTool,
  names: TakenNames,
  types: string[],
): string {
  const chosen = named.map(({ name }) => freeName(`${tool.callable}_${name}`, names));
  const fill = (open: string): string =>
    open.replace(/\0(\d+)\0/g, (_, index) => chosen[Number(index)] ?? "unknown");
  named.forEach((definition, index) => {
    types.push(`${comment(definition.doc)}type ${chosen[index]} = ${fill(definition.text)};\n`);
  });
  return fill(text);
}

/** A free name. `names`: the taken names, each with the next number to try for it. */
function freeName(wanted: string, names: TakenNames): string {
  const clean = wanted.replace(/[^A-Za-z0-9_$]/g, "_").slice(0, 100);
  const base = /^\d/.test(clean) ? `_${clean}` : clean;
  let name = base;
  let next = names.get(base) ?? 2;
  for (; names.has(name); next += 1) name = `${base}_${next}`;
  names.set(name, 2);
  if (name !== base) names.set(base, next);
  return name;
}

type TakenNames = Map<string, number>;

function declareAllTools(
  servers: readonly (readonly [string, readonly CatalogTool[]])[],
  others: readonly OtherServer[],
): string {
  // A server that a function on `tools` hides is still reachable by its global.
  const types = [
    ...servers.map(([server, tools]) => [server, serverType(tools)] as const),
    ...others.map(({ name, type }) => [name, type] as const),
  ].filter(([server]) => !TOOLS_FUNCTIONS.has(server));
  const entries = types.map(([server, type]) => `readonly ${propertyKey(server)}: ${type};\n`);
  const body = indent([...TOOLS_FUNCTIONS.values(), ...entries].join("").trimEnd());
  return `/** Every tool by its server's and its own original name. */\ndeclare const tools: {\n${body}\n};\n`;
}

function serverType(tools: readonly CatalogTool[]): string {
  const [first] = tools;
  if (first !== undefined && tools.every(({ method, name }) => method === name))
    return `typeof ${first.global}`;
  const lines = tools.map(({ name, callable }) =>
    indent(`readonly ${propertyKey(name)}: typeof ${callable};`),
  );
  return `{\n${lines.join("\n")}\n}`;
}
