/**
 * Finds tools by words: BM25 over their names, servers, parameters and descriptions. An index holds usable tools only,
 * so that neither a result nor its rank reveals others.
 */

import MiniSearch from "minisearch";
import { isRecord } from "../json.ts";
import type { Catalog, CatalogTool } from "./catalog.ts";
import { compareBytes } from "./names.ts";
import { visible } from "./policy.ts";
import type { Policy } from "./policy-layer.ts";
import type { JsonSchema } from "./tool-source.ts";
import { wordsOf } from "./words.ts";

export interface ToolSearch {
  /**
   * The tools that match these words, best first; of equal ones the first by id. A query without a word, like `*`,
   * lists all by id. `limit`: 10 unless given, at most 50. Total: any text is a query.
   */
  search(query: string, options?: { readonly limit?: number }): readonly CatalogTool[];
}

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 50;

/** Longest query that is read; the work grows with its words. */
const MAX_QUERY_CHARS = 1_000;
const MAX_QUERY_WORDS = 32;
/** In a query of more words, an unknown word is not corrected. */
const MAX_FUZZY_WORDS = 8;
/** Characters of a tool's description, and of a parameter's, as in declarations; and of all of them together. */
const MAX_DESCRIPTION_CHARS = 1_000;
const MAX_PARAMETER_CHARS = 200;
const MAX_TEXT_CHARS = 4_000;
const MAX_PARAMETERS = 200;
const MAX_SCHEMA_DEPTH = 8;

const FIELDS = ["name", "server", "parameters", "description"] as const;
/** Weight of a word by its field. A tool's name says more than a sentence about it. */
const BOOST: { readonly [F in (typeof FIELDS)[number]]: number } = {
  name: 4,
  server: 2,
  parameters: 1.5,
  description: 1,
};

/** A shorter word is the beginning of too many others. */
const MIN_PREFIX_CHARS = 3;

/** Indexes kept per catalog, the latest ones: 2,000 tools take about 2.5 MB. */
const MAX_KEPT = 8;

const kept = new WeakMap<Catalog, Map<string, ToolSearch>>();

/**
 * Searches the tools that this policy allows. The index is built at the first use; policies that allow the same tools
 * share it.
 */
export function toolSearch(catalog: Catalog, policy: Policy): ToolSearch {
  const bySet = kept.get(catalog) ?? new Map<string, ToolSearch>();
  kept.set(catalog, bySet);
  const tools = visible(catalog, policy);
  const set = tools.map(({ id }) => id).join("\n");
  const search = bySet.get(set) ?? createToolSearch(tools);
  bySet.delete(set);
  bySet.set(set, search);
  const [oldest] = bySet.keys();
  if (bySet.size > MAX_KEPT && oldest !== undefined) bySet.delete(oldest);
  return search;
}

/**
 * Searches these tools, except those that cannot be called. Builds the index at once: 2,000 tools take about 100 ms.
 */
export function createToolSearch(tools: readonly CatalogTool[]): ToolSearch {
  const callable = tools
    .filter(({ unavailable }) => unavailable === undefined)
    .toSorted((a, b) => compareBytes(a.id, b.id));
  const entries = callable.map(toWords);
  const vocabulary = new Set(entries.flatMap((entry) => FIELDS.flatMap((field) => entry[field].split(" "))));
  const index = new MiniSearch<ToolWords>({
    fields: [...FIELDS],
    // Fields and queries are words already, joined by blanks.
    tokenize: (words) => words.split(" "),
    processTerm: (word) => word,
    searchOptions: {
      boost: BOOST,
      prefix: (word) => word.length >= MIN_PREFIX_CHARS,
      // A word that exists is not misspelt.
      fuzzy: (word, _, { length }) =>
        vocabulary.has(word) || length > MAX_FUZZY_WORDS ? false : editsOf(word),
    },
  });
  index.addAll(entries);
  return {
    search(query, { limit = DEFAULT_LIMIT } = {}) {
      const most = Math.min(Math.max(Math.floor(limit) || 1, 1), MAX_LIMIT);
      const words = [...new Set(wordsOf(query.slice(0, MAX_QUERY_CHARS)))].slice(0, MAX_QUERY_WORDS);
      if (words.length === 0) return callable.slice(0, most);
      return index
        .search(words.join(" "))
        .sort((a, b) => b.score - a.score || a.id - b.id)
        .flatMap(({ id }) => callable[id] ?? [])
        .slice(0, most);
    },
  };
}

/** Letters of a word that may be wrong. Two swapped letters count as two. */
function editsOf({ length }: string): number {
  return length < 5 ? 0 : length < 6 ? 1 : 2;
}

interface ToolWords {
  /** Its position in the order of ids. */
  readonly id: number;
  readonly name: string;
  readonly server: string;
  readonly parameters: string;
  readonly description: string;
}

function toWords({ name, server, description, inputSchema }: CatalogTool, id: number): ToolWords {
  const { names, descriptions } = propertiesIn(inputSchema);
  return {
    id,
    name: joined(name),
    server: joined(server),
    parameters: joined(names.join(" ")),
    description: joined(
      [description.slice(0, MAX_DESCRIPTION_CHARS), ...descriptions].join(" ").slice(0, MAX_TEXT_CHARS),
    ),
  };
}

function joined(text: string): string {
  return wordsOf(text).join(" ");
}

/** Names and descriptions of properties at any level of a schema, which may be malformed. */
function propertiesIn(root: JsonSchema): {
  readonly names: readonly string[];
  readonly descriptions: readonly string[];
} {
  const names: string[] = [];
  const descriptions: string[] = [];
  const visit = (schema: unknown, depth: number): void => {
    if (depth > MAX_SCHEMA_DEPTH || names.length >= MAX_PARAMETERS) return;
    if (Array.isArray(schema)) for (const part of schema) visit(part, depth + 1);
    if (!isRecord(schema)) return;
    const { properties } = schema;
    if (isRecord(properties)) {
      for (const [name, property] of Object.entries(properties)) {
        names.push(name);
        const said = isRecord(property) ? property["description"] : undefined;
        if (typeof said === "string") descriptions.push(said.slice(0, MAX_PARAMETER_CHARS));
        visit(property, depth + 1);
      }
    }
    for (const keyword of NESTING) visit(schema[keyword], depth + 1);
  };
  visit(root, 0);
  return { names: names.slice(0, MAX_PARAMETERS), descriptions: descriptions.slice(0, MAX_PARAMETERS) };
}

/** Keywords that contain schemas. */
const NESTING = ["items", "prefixItems", "additionalProperties", "allOf", "anyOf", "oneOf"];
