/**
 * The language's own declarations for the type checker: a few texts instead of a hundred files. A project opens faster
 * that way, and no path in it leads to the disk.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/**
 * The libraries of the isolate's engine. A library too many does no harm; a missing name would be refused although it
 * works.
 */
const LIBRARIES = ["es2025", "esnext.disposable", "esnext.array", "esnext.error"];

/** Texts of `.d.ts` files that together declare the language. Throws when the platform has no type checker. */
export function readTypeLib(): readonly string[] {
  const folder = libFolder();
  const seen = new Set<string>();
  const scripts: string[] = [];
  // A module would turn the file it is joined with into a module, and nothing in a module is global.
  const modules: string[] = [];
  const read = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    const text = readFileSync(join(folder, `lib.${name}.d.ts`), "utf8");
    for (const [, other = ""] of text.matchAll(REFERENCE)) read(other);
    (/^export \{/m.test(text) ? modules : scripts).push(text.replace(REFERENCE, ""));
  };
  LIBRARIES.forEach(read);
  return [scripts.join("\n"), ...modules];
}

const REFERENCE = /^\/\/\/ <reference lib="([^"]+)" \/>\s*$/gm;

/** The libraries are beside the native program, in this platform's package. */
function libFolder(): string {
  const typescript = createRequire(import.meta.url).resolve("typescript/package.json");
  const platform = `@typescript/typescript-${process.platform}-${process.arch}/package.json`;
  return join(dirname(createRequire(typescript).resolve(platform)), "lib");
}
