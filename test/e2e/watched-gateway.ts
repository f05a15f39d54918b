/** How a gateway fares while others do something to it, seen from outside of it: memory, and who else is answered. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import type { Cli } from "./cli-process.ts";

const WATCHER = fileURLToPath(new URL("../helpers/watch-livez.ts", import.meta.url));

export interface Watched<T> {
  readonly value: T;
  /** Of the gateway's own process, in megabytes: at its highest since it began, and before. */
  readonly peakMb: number;
  readonly beforeMb: number;
  /** The longest that `/livez` took. The watcher is a process of its own. */
  readonly worstMs: number;
}

/** Says its figures, with the load of the machine. */
export async function watch<T>(
  what: string,
  server: Pick<Cli, "process"> & { readonly url: string },
  act: () => Promise<T>,
): Promise<Watched<T>> {
  const pid = server.process.pid ?? 0;
  const watcher = spawn(process.execPath, [WATCHER, `${server.url}/livez`], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void watcher.kill("SIGKILL"));
  const said = text(watcher.stdout);
  await once(watcher.stdout, "readable");
  const beforeMb = megabytes(pid, "VmRSS");
  const value = await act();
  watcher.stdin.end();
  const { worstMs, answers } = JSON.parse((await said).split("\n")[1] ?? "");
  const peakMb = megabytes(pid, "VmHWM");
  console.log(
    `${what}: ${peakMb} MB at most (${beforeMb} MB before), /livez at worst ${worstMs} ms of ${answers} answers; load ${loadavg()[0]?.toFixed(1)}`,
  );
  return { value, peakMb, beforeMb, worstMs };
}

function megabytes(pid: number, field: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(status)?.[1]) / 1_024);
}
