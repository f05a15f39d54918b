import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface TypeFault {
  readonly file: string;
  readonly code: string;
  readonly message: string;
}

/**
 * Checks many files in one run of the project's own compiler, strictly, with the language's library and no DOM.
 * Every file must be a module, or its declarations would meet those of the others.
 */
export async function typecheck(files: ReadonlyMap<string, string>): Promise<readonly TypeFault[]> {
  const folder = await mkdtemp(join(tmpdir(), "toolarium-types-"));
  try {
    for (const [name, text] of files) {
      const path = join(folder, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
    }
    await writeFile(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions, files: [...files.keys()] }),
    );
    return parseFaults(await runCompiler(folder));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const compilerOptions = {
  ...{ strict: true, noEmit: true, target: "es2024", lib: ["es2024"], types: [] },
  ...{ module: "esnext", moduleResolution: "bundler", skipLibCheck: false },
};

function runCompiler(folder: string): Promise<string> {
  const compiler = join(
    dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
    "bin",
    "tsc",
  );
  return new Promise((resolve, reject) => {
    const args = [compiler, "--project", folder, "--pretty", "false"];
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 64 * 1024 * 1024 }, (error, stdout) => {
      if (error !== null && stdout === "") reject(error);
      else resolve(stdout);
    });
  });
}

function parseFaults(output: string): readonly TypeFault[] {
  return output.split("\n").flatMap((line) => {
    const found = /^(?:(.+?)\(\d+,\d+\): )?error (TS\d+): (.*)$/.exec(line);
    return found ? [{ file: found[1] ?? "", code: found[2] ?? "", message: found[3] ?? "" }] : [];
  });
}

/** Declarations and a program that uses them, apart from every other file. */
export function moduleOf(declarations: string, program = ""): string {
  return `${declarations}\nexport {};\nexport async function main() {\n${program}\n}\n`;
}
