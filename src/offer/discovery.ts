/**
 * `search_tools` and `describe_tools`: answered at once, from the tools that the request may use. They have no effects.
 */
import { describeTools, findTools, type ToolView } from "../code/declare/discover.ts";
import { countTokens } from "../tokens.ts";
import { isFields } from "../upstream/model.ts";
import { DESCRIBE_TOOLS, SEARCH_TOOLS } from "./meta-tools.ts";
import { describeProblem, describeValue } from "./tool-message.ts";

export interface Discovery extends ToolView {
  /** Most tokens of one answer, which is the reply to the call. */
  readonly resultTokens: number;
}

/** The text for the model; undefined for a call of another function. `args`: what the model sent, JSON or not. */
export function discover(name: string, args: string, context: Discovery): string | undefined {
  switch (name) {
    case SEARCH_TOOLS:
      return search(readArguments(args), context);
    case DESCRIBE_TOOLS:
      return describe(readArguments(args), context);
    default:
      return undefined;
  }
}

function search(args: unknown, { catalog, policy, resultTokens }: Discovery): string {
  const { query = args, limit }: { readonly query?: unknown; readonly limit?: unknown } = isFields(args)
    ? args
    : {};
  if (typeof query !== "string")
    return describeProblem(`${SEARCH_TOOLS} got no query. Call it with {"query": "a few words"}.`);
  const tools = findTools(query, typeof limit === "number" ? { limit } : {}, { catalog, policy });
  const advice = `No tool fits these words. Try others: one word of what it does or of what it is about. {"query": "*"} lists tools by name.`;
  return describeValue(tools.length === 0 ? { tools, advice } : { tools }, resultTokens);
}

function describe(args: unknown, { catalog, policy, resultTokens }: Discovery): string {
  const names = namesIn(isFields(args) ? (args["names"] ?? args["name"]) : args);
  if (names.length === 0)
    return describeProblem(`${DESCRIBE_TOOLS} got no names. Call it with {"names": ["server/tool"]}.`);
  const view = { catalog, policy };
  for (let count = Math.min(names.length, MAX_NAMES); ; count -= 1) {
    const rest = names.slice(count);
    const later =
      rest.length === 0 ? "" : `\n// No room for ${rest.length} more: ask for the others again.\n`;
    const text = describeTools(names.slice(0, count), view) + later;
    if (count === 1 || countTokens(text) <= resultTokens) return describeValue(text, resultTokens);
  }
}

/** Most names in one call; further ones are ignored. */
const MAX_NAMES = 50;

/** Accepts one name instead of a list. */
function namesIn(names: unknown): readonly string[] {
  return (Array.isArray(names) ? names : [names]).filter((name) => typeof name === "string");
}

/** A text that is not JSON is taken as a string, because models also send bare words. */
function readArguments(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text.trim() === "" ? {} : text;
  }
}
