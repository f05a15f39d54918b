/**
 * The declarations as a model sees them: all of them, or as many tools as fit a token budget, taken from every server
 * in turn, with a note about the others. Equal tools and budget give equal text, so that providers' prompt caches hit.
 */
import { countTokens } from "../../tokens.ts";
import type { CatalogTool } from "../../tools/catalog.ts";
import { declareTools, renderDeclarations } from "./declarations.ts";

export interface ShownDeclarations {
  /** The text of `renderDeclarations`; when tools are left out, comment lines above it say so. */
  readonly text: string;
  /**
   * Tokens of the text: at most the budget, unless it has no room for a single tool. Estimated for texts over 65,536
   * UTF-16 units.
   */
  readonly tokens: number;
  /** The tools in the text. */
  readonly tools: readonly CatalogTool[];
  /** The number of tools that can be called. */
  readonly total: number;
}

/** Servers whose hidden tools are counted in the text. */
const MAX_SERVERS = 40;
/** Tools of one server that may be skipped because they are too large for the remaining room. */
const MAX_MISSES = 3;

/** `tokenBudget` is for the whole text, including the declarations of the environment. */
export function showDeclarations(tools: readonly CatalogTool[], tokenBudget: number): ShownDeclarations {
  const callable = tools.filter(({ unavailable }) => unavailable === undefined);
  const total = callable.length;
  const whole = renderDeclarations(callable);
  const wholeTokens = countTokens(whole);
  if (wholeTokens <= tokenBudget || total === 0)
    return { text: whole, tokens: wholeTokens, tools: callable, total };

  const withTools = (shown: readonly CatalogTool[]): ShownDeclarations => {
    const text = `${tellOfOthers(shown, callable)}\n${renderDeclarations(shown)}`;
    return { text, tokens: countTokens(text), tools: shown, total };
  };
  const chosen = chooseFairly(callable, tokenBudget - withTools([]).tokens);
  for (let count = chosen.length; ; count -= 1) {
    const shown = withTools(chosen.slice(0, count));
    if (shown.tokens <= tokenBudget || count === 0) return shown;
  }
}

/** Takes one tool of each server in turn, in the order of ids, while there is room. */
function chooseFairly(tools: readonly CatalogTool[], room: number): readonly CatalogTool[] {
  const sorted = tools.toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  let waiting = [...Map.groupBy(sorted, ({ server }) => server).values()].map((queue) => ({
    queue,
    isDeclared: false,
    misses: 0,
  }));
  const chosen: CatalogTool[] = [];
  let left = room;
  while (waiting.length > 0) {
    for (const server of waiting) {
      const tool = server.queue.shift();
      if (tool === undefined) continue;
      const cost = costOf(tool, server.isDeclared);
      if (cost > left) {
        server.misses += 1;
        continue;
      }
      chosen.push(tool);
      server.isDeclared = true;
      left -= cost;
    }
    waiting = waiting.filter(({ queue, misses }) => queue.length > 0 && misses < MAX_MISSES);
  }
  return chosen;
}

/** Roughly the tokens that a tool adds to the text. */
function costOf(tool: CatalogTool, isDeclared: boolean): number {
  const { global, method, name, server, callable } = tool;
  const declared = countTokens(declareTools([tool]));
  const frame = method === null ? 0 : countTokens(`declare const ${global}: {\n};\n\n`);
  const entry = method === name ? 0 : countTokens(`readonly "${name}": typeof ${callable};\n`);
  return declared + entry + (isDeclared ? -frame : countTokens(`readonly "${server}": typeof ${global};\n`));
}

/** Two comment lines about the tools that are left out. */
function tellOfOthers(shown: readonly CatalogTool[], all: readonly CatalogTool[]): string {
  const isShown = new Set(shown);
  const missing = all.filter((tool) => !isShown.has(tool));
  const counts = [...Map.groupBy(missing, ({ server }) => server)]
    .map(([server, tools]) => [server, tools.length] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  const named = counts.slice(0, MAX_SERVERS).map(([server, count]) => `${server} ${count}`);
  const rest = counts.slice(MAX_SERVERS);
  const more = rest.reduce((sum, [, count]) => sum + count, 0);
  const tail = rest.length === 0 ? "" : `, and ${more} of ${rest.length} more servers`;
  return `// ${shown.length} of ${all.length} tools shown. The others can be called as well: search for them, then read their declarations.
// Not shown, by server: ${named.join(", ")}${tail}.`;
}
