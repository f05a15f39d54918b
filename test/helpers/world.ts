/** The server of `fixtures/mcp/counts-effects.ts`: what happened there happened, whatever became of the caller. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { until } from "./until.ts";

const FIXTURE = fileURLToPath(new URL("../fixtures/mcp/counts-effects.ts", import.meta.url));

export interface World extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** `tool token`, in the order in which they happened. */
  effects(): readonly string[];
}

/** With a port it takes the place of one that was there and has ended; the file keeps what that one wrote. */
export async function startWorld(file: string, port?: string): Promise<World> {
  if (port === undefined) writeFileSync(file, "");
  const child = spawn(process.execPath, [FIXTURE, file, port ?? "0"], {
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
    pid: child.pid ?? 0,
    effects: () => readFileSync(file, "utf8").split("\n").slice(0, -1),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
