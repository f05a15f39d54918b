/** What a stranger meets before the first start: the machine's Node, and files that must not be shared. */
import { execFile } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { transformSync } from "esbuild";
import { expect, onTestFinished, test } from "vitest";
import { createLog } from "../../src/log.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";

const root = join(import.meta.dirname, "../..");
const run = promisify(execFile);

function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "toolarium-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs the check as npm does before it installs the package, on a Node that says it has this version. */
async function checkNode(
  version: string,
  folder: string,
): Promise<{ readonly code: number; readonly stderr: string }> {
  copyFileSync(join(root, "check-node.cjs"), join(folder, "check-node.cjs"));
  const pretend = join(folder, "pretend.cjs");
  writeFileSync(pretend, `Object.defineProperty(process, "versions", { value: { node: "${version}" } });`);
  return run(process.execPath, ["--require", pretend, "check-node.cjs"], { cwd: folder }).then(
    ({ stderr }) => ({ code: 0, stderr }),
    ({ code, stderr }: { code: number; stderr: string }) => ({ code, stderr }),
  );
}

test.each(["0.12.18", "12.22.0", "20.20.2", "23.11.1"])(
  "the package is not installed on Node %s, for a reason in one line",
  async (version) => {
    const { code, stderr } = await checkNode(version, tempFolder());
    expect(stderr).toBe(
      `toolarium needs Node.js >= 24; this is ${version}. Install Node.js 24 or newer (https://nodejs.org), then run this again.\n`,
    );
    expect(code).toBe(1);
  },
);

test.each(["24.0.0", "26.10.0"])("it is installed on Node %s", async (version) => {
  expect(await checkNode(version, tempFolder())).toEqual({ code: 0, stderr: "" });
});

test("a checkout is installed on any Node: it brings its own", async () => {
  const folder = tempFolder();
  mkdirSync(join(folder, ".dev/node"), { recursive: true });
  writeFileSync(join(folder, ".dev/node/package.json"), "{}");
  expect(await checkNode("20.20.2", folder)).toEqual({ code: 0, stderr: "" });
});

test("the check is published, runs first, and is written so that Nodes of ten years ago parse it", () => {
  const manifest: unknown = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect(manifest).toMatchObject({
    scripts: { preinstall: "node check-node.cjs" },
    files: expect.arrayContaining(["check-node.cjs"]),
  });
  const script = readFileSync(join(root, "check-node.cjs"), "utf8");
  expect(() => transformSync(script, { target: "es5", loader: "js" })).not.toThrow();
  // A comma after the last argument came with Node 8, and the transformer takes it out without a word.
  expect(script).not.toMatch(/,\s*\)/);
});

test("nothing that a gateway writes or is given for itself gets into the repository, an image or a package", async () => {
  const path = join(tempFolder(), "toolarium.db");
  await using store = await openSqliteStore({ path, log: createLog("silent") });
  await store.putSnapshot("a secret");
  const written = readdirSync(dirname(path));
  expect(written).toEqual(
    expect.arrayContaining(["toolarium.db", "toolarium.db-owner", "toolarium.db-redo", "toolarium.db-wal"]),
  );

  const files = [
    ...written,
    "toolarium.db-journal",
    "toolarium.db-owner-journal",
    "toolarium.json",
    ".env",
    ".env.local",
  ];
  const { stdout } = await run("git", ["check-ignore", "--no-index", ...files], { cwd: root });
  expect(stdout.trim().split("\n")).toEqual(files);
  const ignored = readFileSync(join(root, ".dockerignore"), "utf8")
    .split("\n")
    .map((line) => line.replace("**/", ""));
  expect(files.filter((file) => !ignored.some((line) => matches(line, file)))).toEqual([]);
});

function matches(pattern: string, file: string): boolean {
  const source = pattern
    .split("*")
    .map((part) => part.replace(/[.\\]/g, "\\$&"))
    .join(".*");
  return pattern !== "" && new RegExp(`^${source}$`).test(file);
}
