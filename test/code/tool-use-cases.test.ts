/**
 * The declarations against recorded tool use: a folder of cases, named by `TOOL_USE_CASES`, each a set of tools and
 * the calls that were right (or wrong in one place) for it.
 */
import { describe, expect, it } from "vitest";
import { renderDeclarations } from "../../src/code/declarations.ts";
import type { CatalogTool, ToolSource } from "../../src/tools/catalog.ts";
import {
  type AnnouncedTool,
  type MultiTurnCase,
  readCaseServers,
  readCases,
  toolUseCases,
} from "../helpers/tool-use-cases.ts";
import { source, toolsOf } from "./helpers/tools.ts";
import { moduleOf, typecheck } from "./helpers/typecheck.ts";

interface Call {
  readonly server?: string;
  readonly tool: string;
  readonly arguments: unknown;
}
interface SingleTurn {
  readonly category: string;
  readonly tools: readonly AnnouncedTool[];
  readonly calls: readonly Call[];
}
interface Negative {
  readonly id: string;
  readonly category: string;
  readonly tool: AnnouncedTool;
  readonly arguments: unknown;
}

describe.skipIf(toolUseCases === undefined)("recorded tool use (TOOL_USE_CASES)", () => {
  it("type-checks for every single-turn case", { timeout: 60_000 }, async () => {
    const cases = await readCases<SingleTurn>("single-turn.jsonl");
    const files = cases.map(({ tools, calls, category }, at): [string, string] => {
      const known = toolsOf({ s: tools.map(announce) });
      return [`case-${at}.ts`, moduleOf(renderDeclarations(known), program(known, calls, category))];
    });
    expect(files.length).toBeGreaterThan(0);
    expect(await typecheck(new Map(files))).toEqual([]);
  });

  it("type-checks for every multi-turn case", { timeout: 60_000 }, async () => {
    const servers = await readCaseServers();
    const cases = await readCases<MultiTurnCase>("multi-turn.jsonl");
    const files = cases.map(({ servers: names, turns }, at): [string, string] => {
      const sources = Object.fromEntries(names.map((name) => [name, (servers[name] ?? []).map(announce)]));
      const known = toolsOf(sources);
      const calls = turns.flatMap((turn) => turn.calls);
      return [`case-${at}.ts`, moduleOf(renderDeclarations(known), program(known, calls, "sequential"))];
    });
    expect(files.length).toBeGreaterThan(0);
    expect(await typecheck(new Map(files))).toEqual([]);
  });

  // TypeScript has no integers, so fractions are refused when the call is made.
  it("refuses every wrong call but fractions", { timeout: 60_000 }, async () => {
    const cases = (await readCases<Negative>("negative.jsonl")).filter(
      ({ category }) => !/integer|fraction/.test(category),
    );
    const files = cases.map(({ tool, arguments: args }, at): [string, string] => {
      const known = toolsOf({ s: [announce(tool)] });
      const calls = [{ tool: tool.name, arguments: args }];
      return [`case-${at}.ts`, moduleOf(renderDeclarations(known), program(known, calls, "sequential"))];
    });
    const refused = new Set((await typecheck(new Map(files))).map(({ file }) => file));
    const accepted = cases.filter((_, at) => !refused.has(`case-${at}.ts`)).map(({ id }) => id);
    expect(accepted).toEqual([]);
  });
});

function announce({ name, inputSchema, ...rest }: AnnouncedTool): ToolSource {
  return source(name, inputSchema, rest);
}

/** One program with the literal arguments; parallel cases inside `Promise.all`. */
function program(tools: readonly CatalogTool[], calls: readonly Call[], category: string): string {
  const written = calls.map(({ server, tool, arguments: args }) => {
    const found = tools.find(
      (known) => known.name === tool && (server === undefined || known.server === server),
    );
    return `${found?.callable ?? `missing[${JSON.stringify(tool)}]`}(${JSON.stringify(args)})`;
  });
  if (category.includes("parallel")) return `return await Promise.all([${written.join(",\n")}]);`;
  return `${written.map((call, at) => `const r${at} = await ${call};`).join("\n")}\nreturn [${written.map((_, at) => `r${at}`).join(", ")}];`;
}
