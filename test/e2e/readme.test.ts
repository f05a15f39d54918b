/** The README's programs for the library, run as they stand there, on the sources of this checkout. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { until } from "../helpers/until.ts";

const root = join(import.meta.dirname, "../..");

/** What a package name stands for here: the built files are not there in a checkout. */
const sources: { readonly [name: string]: string } = {
  toolarium: pathToFileURL(join(root, "src/index.ts")).href,
  "toolarium/http": pathToFileURL(join(root, "src/http/server.ts")).href,
  zod: import.meta.resolve("zod"),
};

/** The program of the README that imports this name. */
function programWith(imported: string): string {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const programs = [...readme.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = ""]) => code);
  const found = programs.filter((code) => new RegExp(`^import .*\\b${imported}\\b`, "m").test(code));
  expect(found).toHaveLength(1);
  return (found[0] ?? "")
    .replace(/(?<= from )"([^"]+)"/g, (text, name: string) => JSON.stringify(sources[name] ?? name) ?? text)
    .replace("port: 8080", "port: 0");
}

function start(code: string) {
  const folder = mkdtempSync(join(tmpdir(), "toolarium-readme-"));
  const file = join(folder, "program.mts");
  writeFileSync(file, code);
  const child = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
  const said = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said.stderr += text;
  });
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  return { child, said, ended };
}

test("a sandbox in code runs a program over a tool in code", async () => {
  const { said, ended } = start(programWith("createSandbox"));
  expect(await ended, said.stderr).toBe(0);
  expect(said).toEqual({ stdout: "3\n", stderr: "" });
});

test("a gateway in code serves tools in code over HTTP, and ends when it is told to", async () => {
  const { child, said, ended } = start(programWith("createGateway"));
  await until(
    "the program says something",
    () => said.stdout.includes("\n") || child.exitCode !== null,
    30_000,
  );
  const url = /^listening on (http:\S+)\n/.exec(said.stdout)?.[1];
  expect(url, said.stderr).toBeDefined();
  const answer = await fetch(`${url}/v1/sandbox/runs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ code: 'return await shout({ text: "hello" })' }),
  });
  expect(await answer.json()).toMatchObject({ status: "completed", result: "HELLO" });
  child.kill("SIGTERM");
  expect(await ended, said.stderr).toBe(0);
  expect(said.stderr).toBe("");
});
