/** `TOOLARIUM_*` variables as settings: `TOOLARIUM_SERVER__PORT` is `server.port`. */
import { z } from "zod";
import { isRecord } from "../json.ts";
import type { Path } from "./document.ts";
import { childOf, didYouMean, keysOf, type Override, unwrap } from "./problems.ts";

const PREFIX = "TOOLARIUM_";

/** Short names, and names that are read elsewhere: by the command line, and the key by MCP clients of a gateway. */
const shortNames: ReadonlyMap<string, Path> = new Map([
  ["TOOLARIUM_HOST", ["server", "host"]],
  ["TOOLARIUM_PORT", ["server", "port"]],
]);
const readElsewhere: readonly string[] = ["TOOLARIUM_CONFIG", "TOOLARIUM_KEY", "TOOLARIUM_LOG"];

export interface EnvironmentSettings {
  /** Settings of whole sections come before settings inside them. */
  readonly overrides: readonly Override[];
  readonly problems: readonly string[];
}

/**
 * Matches each variable to a setting by the schema, ignoring case and `_`. An empty variable counts as unset. Values
 * are parsed as JSON where the schema wants no text; invalid JSON is left for the schema to refuse.
 */
export function readEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  schema: z.core.$ZodType,
  file: unknown,
): EnvironmentSettings {
  const overrides: Override[] = [];
  const problems: string[] = [];
  const settings = Object.entries(env).filter(
    ([name]) => name.startsWith(PREFIX) && !readElsewhere.includes(name),
  );
  for (const [label, text] of settings.toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (text === undefined || text === "") continue;
    const found = findSetting(shortNames.get(label) ?? label.slice(PREFIX.length).split("__"), schema, file);
    if (found === undefined) {
      problems.push(`${label}: unknown variable${didYouMean(label, knownVariables(schema))}`);
      continue;
    }
    const twin = overrides.find(({ path }) => path.join("\0") === found.path.join("\0"));
    if (twin === undefined)
      overrides.push({ label, path: found.path, value: wantsText(found.schema) ? text : parseLoosely(text) });
    else problems.push(`${label}: sets the same as ${twin.label}; keep one of them`);
  }
  return { overrides: overrides.sort((a, b) => a.path.length - b.path.length), problems };
}

function findSetting(
  segments: Path,
  schema: z.core.$ZodType,
  file: unknown,
): { readonly path: readonly string[]; readonly schema: z.core.$ZodType } | undefined {
  const path: string[] = [];
  let place: z.core.$ZodType = schema;
  let given = file;
  for (const segment of segments) {
    const key = findKey(String(segment), place, given);
    const child = key === undefined ? undefined : childOf(place, key);
    if (key === undefined || child === undefined) return undefined;
    path.push(key);
    place = child;
    given = isRecord(given) ? given[key] : undefined;
  }
  return { path, schema: place };
}

/** In a map of names the file's spelling counts. A new name is lower case, except in maps of texts such as `env`. */
function findKey(segment: string, schema: z.core.$ZodType, given: unknown): string | undefined {
  const holder = unwrap(schema);
  const isMap = holder instanceof z.ZodRecord;
  const keys = isMap ? Object.keys(isRecord(given) ? given : {}) : keysOf(holder);
  const known = keys.find((key) => fold(key) === fold(segment));
  if (known !== undefined || !isMap || segment === "") return known;
  return wantsText(holder.valueType) ? segment : segment.toLowerCase();
}

function fold(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
}

function wantsText(schema: z.core.$ZodType): boolean {
  const inner = unwrap(schema);
  return inner instanceof z.ZodString || inner instanceof z.ZodEnum;
}

function parseLoosely(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function knownVariables(schema: z.core.$ZodType): readonly string[] {
  const sections = keysOf(schema).flatMap((section) => {
    const child = childOf(schema, section);
    return [section, ...(child === undefined ? [] : keysOf(child).map((key) => `${section}__${key}`))];
  });
  return [...readElsewhere, ...shortNames.keys(), ...sections.map((name) => PREFIX + name.toUpperCase())];
}
