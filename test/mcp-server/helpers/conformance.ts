/** The official conformance suite as a child process, as anyone runs it against a server. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

export type Revision = "2025-11-25" | "2026-07-28";

export interface Outcome {
  /** Names of the scenarios that the revision requires, in the suite's order. */
  readonly scenarios: readonly string[];
  /** `scenario: check`, sorted. */
  readonly failed: readonly string[];
}

/** Runs what a revision requires. Scenarios that the suite reports without scoring them are left out. */
export async function runRequirements(url: string, revision: Revision): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "conformance-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const bin = fileURLToPath(import.meta.resolve("@modelcontextprotocol/conformance/dist/index.js"));
  const args = [bin, "server", "--url", url, "--requirements", revision, "--output-dir", folder];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const closed = once(child, "close");
  const output = await text(child.stdout);
  await closed;

  const unscored = new Set(
    matches(output, /^ {2}[✓✗] ([\w-]+) \((?:extension|added-after-release|pending)\)$/gm),
  );
  const scenarios = matches(output, /^=== Running scenario: ([\w-]+) ===$/gm).filter(
    (scenario) => !unscored.has(scenario),
  );
  const failed = scenarios.flatMap((scenario) =>
    failedChecks(folder, scenario).map((check) => `${scenario}: ${check}`),
  );
  return { scenarios, failed: [...new Set(failed)].sort() };
}

function failedChecks(folder: string, scenario: string): readonly string[] {
  const results = readdirSync(folder).find(
    (name) => name.replace(/-\d{4}-\d\d-\d\dT.*$/, "") === `server-${scenario}`,
  );
  if (results === undefined) throw new Error(`the suite left no results of ${scenario}`);
  const checks = JSON.parse(readFileSync(join(folder, results, "checks.json"), "utf8")) as readonly {
    readonly id: string;
    readonly status: string;
  }[];
  return checks.filter(({ status }) => status === "FAILURE").map(({ id }) => id);
}

function matches(text: string, pattern: RegExp): readonly string[] {
  return [...text.matchAll(pattern)].map(([, name = ""]) => name);
}
