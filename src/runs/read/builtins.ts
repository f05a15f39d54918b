/** Implements the host functions that programs have besides their tools. */
import { describeTools, findTools } from "../../code/declare/discover.ts";
import type { Builtin, Builtins } from "../../tools/builtin.ts";
import { builtinTools, describedNames } from "../prepare/builtin-tools.ts";
import { readResult } from "./past-results.ts";
import type { RunReader } from "./reading.ts";

/** As the gate finds them, for the programs of one principal. */
export function createBuiltins(principal: string, reader: RunReader): Builtins {
  const all: readonly Builtin[] = [
    {
      tool: builtinTools.search,
      answer: async ({ query, options = {} }, view) => ({
        ok: true,
        value: findTools(query as string, options as { readonly limit?: number }, view),
      }),
    },
    {
      tool: builtinTools.describe,
      answer: async (args, view) => ({ ok: true, value: describeTools(describedNames(args), view) }),
    },
    {
      tool: builtinTools.result,
      answer: ({ id }, view) => readResult(id as string, principal, view, reader),
    },
  ];
  return new Map(all.map((builtin) => [builtin.tool.id, builtin]));
}
