/**
 * Runs the installed package as its users do: one program with `toolarium run`, then a gateway that answers the same
 * program over HTTP and goes away without a trace. Argument: the folder it was installed into.
 */
import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";

const folder = resolve(process.argv[2] ?? ".");
const program = `
  const { total } = await shop.list_customers({ region: "north" });
  const policy = await filesystem.read_text_file({ path: "returns-policy.md" });
  return await calculator({ operation: "add", a: total, b: policy.content.length > 100 ? 1000 : 0 });
`;

const result = await runOnce();
await serveAndStop(result);

async function runOnce(): Promise<unknown> {
  const file = join(folder, "program.ts");
  writeFileSync(file, program);
  const child = toolarium(["run", file]);
  const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  assert.equal(code, 0, "toolarium run ends with 0");
  const value: unknown = JSON.parse(stdout);
  assert.ok(Number(value) > 1000, `the program saw all three servers: ${stdout}`);
  say(`toolarium run: ${value}`);
  return value;
}

async function serveAndStop(expected: unknown): Promise<void> {
  const child = toolarium(["serve", "--port", "0"]);
  const exited = once(child, "exit");
  const url = await readyUrl(child);
  say(`toolarium serve: ${url}`);

  const answer = await fetch(`${url}/v1/sandbox/runs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ code: program }),
  });
  const report: unknown = await answer.json();
  assert.ok(typeof report === "object" && report !== null && "result" in report, JSON.stringify(report));
  assert.equal(report.result, expected, "the gateway gives the same result");
  const page = await fetch(url);
  assert.match(await page.text(), /<title>Toolarium<\/title>/, "the page is there");

  const started = descendants(child.pid ?? 0);
  assert.ok(started.length >= 3, `workers, compiler and the stdio server run: ${started.length}`);
  child.kill("SIGTERM");
  assert.deepEqual(await exited, [0, null], "SIGTERM ends the gateway with 0");
  assert.deepEqual(started.filter(isAlive), [], "no process is left");
  say(`SIGTERM: exit 0, ${started.length} child processes gone`);
}

type Child = ChildProcessByStdio<null, Readable, null>;

function toolarium(args: readonly string[]): Child {
  return spawn(join(folder, "node_modules", ".bin", "toolarium"), args, {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 60_000,
  });
}

async function readyUrl(child: Child): Promise<string> {
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /^toolarium listening on (http:\S+)$/.exec(line)?.[1];
    assert.ok(url, `the first line is the ready line: ${line}`);
    return url;
  }
  throw new Error("the gateway ended before it was ready");
}

/** All processes below this one, from /proc. */
function descendants(root: number): readonly number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc"))
    if (/^\d+$/.test(name)) parents.set(Number(name), parentOf(Number(name)));
  const isBelow = (pid: number): boolean => {
    const parent = parents.get(pid);
    return parent === root || (parent !== undefined && parent > 1 && isBelow(parent));
  };
  return [...parents.keys()].filter(isBelow);
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readStatus(pid))?.[1] ?? 0);
}

/** A zombie is gone: only its parent, init by now, has not asked yet. */
function isAlive(pid: number): boolean {
  return /^State:\s+[^ZX]/m.test(readStatus(pid));
}

function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return "";
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
