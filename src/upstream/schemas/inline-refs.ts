/** Replaces references inside a schema by their targets. */
import { type Fields, isFields } from "../model.ts";
import { below, type Changes } from "./changes.ts";

/** Most schemas of one document after inlining: each use of a definition is a copy of it. */
const MAX_NODES = 5_000;

interface Inlining {
  readonly document: Fields;
  readonly which: "all" | "broken";
  readonly changes: Changes;
  nodes: number;
}

/**
 * `broken`: only references without a target in the document, and that of the root. A recursive schema, and one that
 * would grow too large, allows any value.
 */
export function inlineRefs(document: Fields, which: "all" | "broken", changes: Changes): Fields {
  const inlined = inline(document, { document, which, changes, nodes: 0 }, [], "");
  return isFields(inlined) ? inlined : {};
}

/** Maps of schemas, whose keys are names instead of keywords; and values, which contain no schemas. */
const MAPS: ReadonlySet<string> = new Set([
  ...["properties", "patternProperties", "dependentSchemas", "$defs", "definitions"],
]);
const VALUES: ReadonlySet<string> = new Set(["default", "examples", "example", "enum", "const"]);

function inline(value: unknown, work: Inlining, inside: readonly string[], path: string): unknown {
  if (Array.isArray(value)) return value.map((item, index) => inline(item, work, inside, below(path, index)));
  if (!isFields(value)) return value;
  work.nodes += 1;
  if (work.nodes > MAX_NODES) {
    work.changes.add("", "too large: its deeper parts may be anything");
    return {};
  }
  const ref = value["$ref"] ?? value["$dynamicRef"] ?? value["$recursiveRef"];
  if (ref !== undefined) return resolve(value, String(ref), work, inside, path);
  const entries = Object.entries(value).filter(
    ([keyword]) => work.which === "broken" || !DEFINITIONS.has(keyword),
  );
  return Object.fromEntries(
    entries.map(([keyword, item]) => [
      keyword,
      inlineBelow(keyword, item, work, inside, below(path, keyword)),
    ]),
  );
}

const DEFINITIONS: ReadonlySet<string> = new Set(["$defs", "definitions"]);

function inlineBelow(
  keyword: string,
  value: unknown,
  work: Inlining,
  inside: readonly string[],
  path: string,
): unknown {
  if (VALUES.has(keyword)) return value;
  if (!MAPS.has(keyword) || !isFields(value)) return inline(value, work, inside, path);
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, inline(each, work, inside, below(path, name))]),
  );
}

function resolve(
  { $ref: _, $dynamicRef: __, $recursiveRef: ___, ...beside }: Fields,
  ref: string,
  work: Inlining,
  inside: readonly string[],
  path: string,
): unknown {
  const target = lookUp(work.document, ref);
  if (target === undefined) {
    work.changes.add(path, `${ref} leads nowhere: anything is allowed`);
    return inline(beside, work, inside, path);
  }
  if (work.which === "broken" && path !== "") return { ...beside, $ref: ref };
  if (inside.includes(ref)) {
    work.changes.add(path, `${ref} is inside itself: anything is allowed from there on`);
    return inline(beside, work, inside, path);
  }
  const found = inline(target, work, [...inside, ref], path);
  return isFields(found) ? { ...found, ...(inline(beside, work, inside, path) as Fields) } : found;
}

function lookUp(document: Fields, ref: string): unknown {
  if (!ref.startsWith("#")) return undefined;
  const steps = ref.slice(1).split("/").slice(1);
  return steps.reduce<unknown>((place, step) => {
    const key = decode(step).replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(place)) return place[Number(key)];
    return isFields(place) && Object.hasOwn(place, key) ? place[key] : undefined;
  }, document);
}

function decode(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}
