/**
 * Every `@example` of the public functions is a program of its own: it compiles against the sources of this checkout,
 * runs, and prints what stands behind its `console.log` lines.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { entries, optionalFields, publicNames, root, tagged } from "./public-docs.ts";

const run = promisify(execFile);
const names = publicNames();
const callable = names.filter(({ kind }) => kind === "function" || kind === "class");
const examples = callable.flatMap(({ specifier, name, doc }) =>
  tagged(doc, "example").map((code, index) => ({ id: `${specifier} ${name} ${index + 1}`, code })),
);

const folder = mkdtempSync(join(tmpdir(), "toolarium-examples-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));

test("every public function and class has an example, and says what it throws", () => {
  expect(callable.length).toBeGreaterThan(10);
  const silent = callable.filter(
    ({ doc }) => tagged(doc, "example").length === 0 || !/^@throws|never\s(throws|rejects)/im.test(doc),
  );
  expect(silent.map(({ specifier, name }) => `${specifier} ${name}`)).toEqual([]);
});

test("every option says what holds without it", () => {
  const options = names.filter(({ name, kind }) => kind === "interface" && /Options$|Definition$/.test(name));
  expect(options.length).toBeGreaterThan(5);
  const silent = options.flatMap((each) =>
    optionalFields(each).flatMap(({ name, doc }) =>
      tagged(doc, "defaultValue").join("") === "" ? [`${each.name}.${name}`] : [],
    ),
  );
  expect(silent).toEqual([]);
});

test("the examples compile", async () => {
  const paths = Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, [file]]));
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: join(root, "tsconfig.json"),
      compilerOptions: { paths, declaration: false, declarationMap: false, isolatedDeclarations: false },
      include: ["*.mts"],
    }),
  );
  for (const [index, { code }] of examples.entries()) writeFileSync(join(folder, `${index}.mts`), code);
  const compiled = await run(join(root, "node_modules/.bin/tsc"), ["-p", folder], { cwd: folder }).catch(
    (error: { stdout?: string }) => ({ stdout: error.stdout ?? String(error) }),
  );
  expect(compiled.stdout).toBe("");
}, 120_000);

test.each(examples)(
  "$id runs, and prints what it says",
  async ({ id, code }) => {
    const file = join(folder, `${id.replaceAll(/\W/g, "-")}.run.mts`);
    const onSources = code.replace(/(?<= from )"([^"]+)"/g, (text, name: string) => {
      const entry = entries[name];
      return entry === undefined ? text : JSON.stringify(pathToFileURL(entry).href);
    });
    writeFileSync(file, onSources);
    const { stdout } = await run(process.execPath, [file], { timeout: 60_000 });
    const said = [...code.matchAll(/^ *console\.log\(.*\); \/\/ (.+)$/gm)].map(([, line]) => line);
    expect(said.length).toBeGreaterThan(0);
    expect(stdout.trim().split("\n")).toEqual(said);
  },
  60_000,
);
