/** Recorded tool use: a folder of cases, named by `TOOL_USE_CASES`. Tests of it are skipped without. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ToolSource } from "../../src/tools/tool-source.ts";

export const toolUseCases: string | undefined = process.env["TOOL_USE_CASES"];

export type AnnouncedTool = Pick<ToolSource, "name" | "description" | "inputSchema" | "outputSchema">;

export interface RecordedCall {
  readonly server: string;
  readonly tool: string;
  readonly arguments: unknown;
  readonly result: unknown;
}

export interface MultiTurnCase {
  readonly id: string;
  readonly servers: readonly string[];
  readonly turns: readonly { readonly calls: readonly RecordedCall[] }[];
}

export async function readCases<T>(name: string): Promise<readonly T[]> {
  const lines = (await readCaseFile(name)).split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as T);
}

/** The tools of each server that the multi-turn cases use. */
export async function readCaseServers(): Promise<{ readonly [server: string]: readonly AnnouncedTool[] }> {
  const { servers } = JSON.parse(await readCaseFile("servers.json")) as {
    readonly servers: { readonly [server: string]: readonly AnnouncedTool[] };
  };
  return servers;
}

async function readCaseFile(name: string): Promise<string> {
  return await readFile(join(toolUseCases ?? "", name), "utf8");
}
