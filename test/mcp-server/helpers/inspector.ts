/**
 * The Inspector's command line. The whole Inspector is a web application of a hundred packages with an install script;
 * its command line is published alone, and expects to lie inside of it: it reads the version from two folders above.
 */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const cli = dirname(fileURLToPath(import.meta.resolve("@modelcontextprotocol/inspector-cli/package.json")));
const nodeModules = join(import.meta.dirname, "../../../node_modules");

export interface Inspector extends Disposable {
  /** What a shell runs in place of `npx @modelcontextprotocol/inspector`. */
  readonly command: string;
  run(args: readonly string[], env?: { readonly [name: string]: string }): Promise<Inspected>;
}

interface Inspected {
  readonly failed: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

export function placeInspector(): Inspector {
  const root = mkdtempSync(join(tmpdir(), "inspector-"));
  cpSync(cli, join(root, "cli"), { recursive: true });
  cpSync(join(cli, "package.json"), join(root, "package.json"));
  symlinkSync(nodeModules, join(root, "node_modules"));
  const bin = join(root, "cli/build/cli.js");
  // It starts the `node` that PATH has.
  const PATH = `${dirname(process.execPath)}:${process.env["PATH"]}`;
  return {
    command: `PATH='${PATH}' '${process.execPath}' '${bin}'`,
    run: (args, env = {}) =>
      new Promise((resolve) => {
        const options = { env: { PATH, ...env } };
        execFile(process.execPath, [bin, "--cli", ...args], options, (error, stdout, stderr) =>
          resolve({ failed: error !== null, stdout, stderr }),
        );
      }),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}
