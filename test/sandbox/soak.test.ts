/** The engine over many runs; `npm run test:soak` has the full count. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import type { Soak } from "./soak-process.ts";

const RUNS = process.env["SOAK"] === "1" ? 10_000 : 300;
const ALLOWED_GROWTH_BYTES = 20 * 1024 * 1024;
const PER_RUN_MS = 60;

it(
  `${RUNS} runs in a row leave memory, handles and processes as they were`,
  async () => {
    const { before, after, runs } = await soak();
    expect(runs).toBe(RUNS);
    expect(after.processes).toBe(before.processes);
    expect(after.handles).toBeLessThanOrEqual(before.handles);
    const [all, own] = [after.bytes - before.bytes, after.ownBytes - before.ownBytes];
    console.log(`resident memory: ${toMib(all)} MiB more, ${toMib(own)} of it outside of the workers`);
    expect(all).toBeLessThan(ALLOWED_GROWTH_BYTES);
  },
  20_000 + RUNS * PER_RUN_MS,
);

/**
 * In a process of its own: a test runner keeps something of each of ten thousand runs. V8 doubles its young generation
 * as long as a process lives, up to a ceiling that is 48 MiB by default; here it is reached at once.
 */
async function soak(): Promise<Soak> {
  const entry = fileURLToPath(new URL("soak-process.ts", import.meta.url));
  const args = ["--max-semi-space-size=1", entry, String(RUNS)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout);
}

function toMib(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}
