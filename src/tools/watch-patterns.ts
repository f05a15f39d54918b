/**
 * Logs patterns of the configuration that match no tool: once the servers have settled, and again when that changes.
 */
import type { Log } from "../log.ts";
import type { Hub } from "../mcp/server.ts";
import type { Catalog } from "./catalog.ts";
import { describeUnmatched, knownTools, type PatternList } from "./unmatched.ts";

export interface PatternWatch {
  /** The patterns of the configuration. */
  readonly config: {
    readonly tools: {
      readonly [list in "allow" | "autoExecute" | "readOnly" | "idempotent"]: readonly string[];
    };
    readonly keys: readonly {
      readonly name: string;
      readonly tools: { readonly allow?: readonly string[]; readonly autoExecute?: readonly string[] };
    }[];
  };
  readonly hub: Pick<Hub, "onChange">;
  readonly catalog: () => Catalog;
  /** Until then no pattern is judged. */
  readonly settled: Promise<void>;
  readonly log: Log;
}

/** Ends when the returned function is called. */
export function watchPatterns({ config, hub, catalog, settled, log }: PatternWatch): () => void {
  const lists = patternsOf(config);
  let told = "";
  let isAsked = false;
  let stop: (() => void) | undefined = () => {};
  const look = (): void => {
    isAsked = false;
    if (stop === undefined) return;
    const line = describeUnmatched(lists, knownTools(catalog())).join(" ");
    if (line !== "" && line !== told) log.warn(line);
    told = line;
  };
  const lookSoon = (): void => {
    // Servers that list their tools at the same time are checked together.
    if (!isAsked) setImmediate(look);
    isAsked = true;
  };
  void settled.then(() => {
    if (stop === undefined) return;
    lookSoon();
    stop = hub.onChange(lookSoon);
  });
  return () => {
    stop?.();
    stop = undefined;
  };
}

/** Patterns without "/" are reported when the configuration is read. */
function patternsOf({ tools, keys }: PatternWatch["config"]): readonly PatternList[] {
  const all: readonly PatternList[] = [
    ...(["allow", "autoExecute", "readOnly", "idempotent"] as const).map((list) => ({
      rule: `tools.${list}`,
      patterns: tools[list],
    })),
    ...keys.flatMap(({ name, tools: { allow = [], autoExecute = [] } }) => [
      { rule: `tools.allow of the key ${JSON.stringify(name)}`, patterns: allow },
      { rule: `tools.autoExecute of the key ${JSON.stringify(name)}`, patterns: autoExecute },
    ]),
  ];
  return all.map(({ rule, patterns = [] }) => ({
    rule,
    patterns: patterns.filter((pattern) => pattern.includes("/")),
  }));
}
