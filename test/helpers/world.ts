/** The server of `fixtures/mcp/counts-effects.ts`: what happened there happened, whatever became of the caller. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { until } from "./until.ts";

const FIXTURE = fileURLToPath(new URL("../fixtures/mcp/counts-effects.ts", import.meta.url));

export interface World extends AsyncDisposable {
  readonly url: string;
  /** `tool token`, in the order in which they happened. */
  effects(): readonly string[];
}

export async function startWorld(file: string): Promise<World> {
  writeFileSync(file, "");
  const child = spawn(process.execPath, [FIXTURE, file], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { PATH: process.env["PATH"] ?? "", NODE_OPTIONS: "--disable-warning=ExperimentalWarning" },
  });
  const exited = once(child, "exit");
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const url = await until("the server has an address", () => /^(http:\S+)\n/.exec(said)?.[1], 30_000);
  return {
    url,
    effects: () => readFileSync(file, "utf8").split("\n").slice(0, -1),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
