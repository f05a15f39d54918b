/** Toolarium as its users start it: a child process of its own, with nothing of this process's environment but PATH. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { until } from "../helpers/until.ts";

const BIN = fileURLToPath(new URL("../../src/bin.ts", import.meta.url));

export interface Cli {
  readonly process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly stdout: string;
  readonly stderr: string;
  /** The exit code; null when a signal ended it. */
  readonly exited: Promise<number | null>;
}

export interface CliOptions {
  readonly env?: { readonly [name: string]: string };
  readonly input?: string;
  readonly cwd?: string;
  /** Lines of sh that come before it, in the process that becomes it: `ulimit -n 64`. */
  readonly under?: string;
  /** How long a server may take until it listens. Default: a little less than a test may take. */
  readonly startMs?: number;
}

/** Starts `toolarium` with these arguments; it is killed when the test ends, should it still run. */
export function startCli(
  args: readonly string[],
  { env = {}, input = "", cwd, under = ":" }: CliOptions = {},
): Cli {
  const command = ["-c", `${under}\nexec "$0" "$@"`, process.execPath, BIN, ...args];
  const child = spawn("/bin/sh", command, {
    stdio: "pipe",
    env: { PATH: process.env["PATH"] ?? "", ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  const exited = once(child, "close").then(([code]: (number | null)[]) => code ?? null);
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  const cli = { process: child, stdout: "", stderr: "", exited };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    cli.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    cli.stderr += text;
  });
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return cli;
}

/** Runs `toolarium` to its end. */
export async function runCli(
  args: readonly string[],
  options?: CliOptions,
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const cli = startCli(args, options);
  const code = await cli.exited;
  return { code, stdout: cli.stdout, stderr: cli.stderr };
}

/** A start takes half a second; beside many other processes it may take thirty times as long. */
const BUSY_START_MS = 19_000;

/** Starts `toolarium serve` on a free port and waits until it listens. */
export async function startServer(
  args: readonly string[] = [],
  options?: CliOptions,
): Promise<Cli & { readonly url: string }> {
  const cli = startCli(["serve", "--port", "0", ...args], options);
  const ready = await until(
    "its address",
    () => {
      if (cli.process.exitCode !== null) throw new Error(`ended with ${cli.process.exitCode}: ${cli.stderr}`);
      return /^toolarium listening on (http:\S+)\n/.exec(cli.stdout);
    },
    options?.startMs ?? BUSY_START_MS,
  );
  return Object.assign(cli, { url: ready[1] ?? "" });
}

/** Writes a file into a folder of its own that goes with the test, and gives its path. */
export function tempFile(name: string, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), "toolarium-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Ids of all processes below this one that run at the moment. Reads /proc. */
export function descendantsOf(root: number): readonly number[] {
  const parents = new Map(
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map((name) => [Number(name), statusField(Number(name), "PPid")]),
  );
  const isBelow = (pid: number): boolean => {
    const parent = Number(parents.get(pid) ?? 0);
    return parent === root || (parent > 1 && isBelow(parent));
  };
  return [...parents.keys()].filter(isBelow);
}

/** A zombie does not run: it waits for its new parent to look. */
export function isRunning(pid: number): boolean {
  return /^[^ZX]/.test(statusField(pid, "State"));
}

function statusField(pid: number, field: string): string {
  try {
    return (
      new RegExp(`^${field}:\\s+(\\S+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? ""
    );
  } catch {
    return "";
  }
}
