/** `createSandbox` as a program that embeds Toolarium uses it: gate, schema check, compiler (cache warm), journal. */
import { z } from "zod";
import { createSandbox, defineTool, type LocalTool, type Report } from "../../../src/index.ts";
import { type Contender, hostTools, programOf } from "./contender.ts";

export const benchTools: readonly LocalTool[] = [
  defineTool({
    name: "echo",
    description: "Answers with its value.",
    input: z.object({ value: z.number() }),
    readOnly: true,
    execute: ({ value }) => hostTools.echo(value),
  }),
  defineTool({
    name: "slow",
    description: "Answers after 100 ms.",
    input: z.object({}),
    readOnly: true,
    execute: () => hostTools.slow(),
  }),
];

export async function createContender(): Promise<Contender> {
  const sandbox = await createSandbox({ tools: benchTools });
  return {
    run: async (task) => reportedResult(await sandbox.run(programOf(task))),
    [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose](),
  };
}

export function reportedResult(report: Report): unknown {
  if (report.status === "completed") return report.result;
  throw new Error(`the run ended as ${report.status}: ${report.error?.message ?? ""}`);
}
