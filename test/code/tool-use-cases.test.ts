/**
 * The declarations against recorded tool use: a folder of cases, named by `TOOL_USE_CASES`, each a set of tools and
 * the calls that were right (or wrong in one place) for it.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CompileOutcome } from "../../src/code/compile.ts";
import { renderDeclarations } from "../../src/code/declare/declarations.ts";
import type { CompilerProcess } from "../../src/code/process/compiler-process.ts";
import { environmentNames } from "../../src/code/syntax/environment-names.ts";
import type { CatalogTool } from "../../src/tools/catalog.ts";
import { createArgumentChecker } from "../../src/tools/checking/arguments.ts";
import type { ToolSource } from "../../src/tools/tool-source.ts";
import {
  type AnnouncedTool,
  type MultiTurnCase,
  readCaseServers,
  readCases,
  toolUseCases,
} from "../helpers/tool-use-cases.ts";
import { declare, openChecked, said } from "./helpers/checked.ts";
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

describe.skipIf(toolUseCases === undefined)(
  "recorded tool use, as programs are compiled (TOOL_USE_CASES)",
  () => {
    let compiler: CompilerProcess;
    beforeAll(async () => {
      // What is asked here is what is refused, not how fast a loaded machine is.
      compiler = await openChecked({ deadlineMs: 60_000, check: { deadlineMs: 60_000 } });
    });
    afterAll(() => compiler[Symbol.asyncDispose]());

    const compile = (tools: readonly CatalogTool[], code: string): Promise<CompileOutcome> => {
      const declarations = declare(renderDeclarations(tools));
      const globals = [...new Set(tools.map(({ global }) => global)), ...environmentNames];
      const request = {
        code,
        sourceBytes: 1_000_000,
        globals,
        check: { mode: "error", declarations } as const,
      };
      return compiler.compile(request, { principal: "cases" });
    };

    it("passes every right call", { timeout: 900_000 }, async () => {
      const servers = await readCaseServers();
      const single = (await readCases<SingleTurn>("single-turn.jsonl")).map(({ tools, calls, category }) => ({
        ...{ known: toolsOf({ s: tools.map(announce) }), calls, category },
      }));
      const multi = (await readCases<MultiTurnCase>("multi-turn.jsonl")).map(({ servers: names, turns }) => ({
        known: toolsOf(Object.fromEntries(names.map((name) => [name, (servers[name] ?? []).map(announce)]))),
        ...{ calls: turns.flatMap((turn) => turn.calls), category: "sequential" },
      }));
      const refused: string[] = [];
      const cases = [...single, ...multi];
      let unchecked = 0;
      for (const [at, { known, calls, category }] of cases.entries()) {
        const outcome = await compile(known, program(known, calls, category));
        unchecked += said(outcome).filter((text) => text.includes("Not type-checked")).length;
        if (!outcome.ok) refused.push(`${at}: ${said(outcome).join(" ")}`);
      }
      console.log(
        `recorded tool use: ${cases.length} cases, ${cases.reduce((sum, { calls }) => sum + calls.length, 0)} calls compiled`,
      );
      expect(refused).toEqual([]);
      expect(unchecked).toBe(0);
      expect(cases.length).toBeGreaterThan(0);
    });

    it("refuses every wrong call, by its types or when it is made", { timeout: 900_000 }, async () => {
      const cases = await readCases<Negative>("negative.jsonl");
      const checker = createArgumentChecker();
      const accepted: string[] = [];
      let byTypes = 0;
      for (const { id, tool, arguments: args } of cases) {
        const known = toolsOf({ s: [announce(tool)] });
        const [only] = known;
        if (only === undefined) throw new Error(`${id} has no tool`);
        const outcome = await compile(
          known,
          program(known, [{ tool: tool.name, arguments: args }], "sequential"),
        );
        if (!outcome.ok) byTypes += 1;
        else if (checker.check(only, JSON.stringify(args)).ok) accepted.push(id);
      }
      console.log(
        `recorded tool use: ${byTypes} of ${cases.length} wrong calls refused by types, the others when made`,
      );
      expect(accepted).toEqual([]);
      expect(cases.length).toBeGreaterThan(0);
    });
  },
);

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
