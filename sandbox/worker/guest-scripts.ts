/**
 * Reads the scripts of `sandbox/guest/` in the form of this build: `.ts` with its types stripped in development, `.js`
 * as emitted in dist. Their hash is the prelude version, stored with every journal written under them.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";

/** Compiled text of `sandbox/guest/*`: each an expression that is a function. */
export type GuestScripts = { readonly [name in (typeof names)[number]]: string };

const names = [
  "harden",
  "stacks",
  "promises",
  "kinds",
  "errors",
  "namespaces",
  "display",
  "encode",
  "clock",
  "text",
  "printed",
  "posts",
  "calls",
  "timers",
  "table",
  "console",
  "endings",
  "base64",
  "encodings",
  "clone",
  "prelude",
] as const;

/** These scripts are in `guest/console/`. */
const ofTheConsole: ReadonlySet<string> = new Set(["console", "display", "kinds", "printed", "table"]);

export function loadGuestScripts(): { readonly scripts: GuestScripts; readonly version: string } {
  const scripts = Object.fromEntries(names.map((name) => [name, readScript(name)])) as GuestScripts;
  const version = createHash("sha256").update(JSON.stringify(scripts)).digest("hex").slice(0, 16);
  return { scripts, version };
}

/** The parts of the prelude, in the order in which they are passed to it. Each part captures the builtins it uses. */
export function installParts<Part>(part: (name: keyof GuestScripts, ...given: Part[]) => Part): Part[] {
  const stacks = part("stacks");
  const promises = part("promises", stacks);
  part("harden");
  const kinds = part("kinds");
  const errors = part("errors", kinds);
  const namespaces = part("namespaces");
  const display = part("display", kinds, errors, namespaces);
  const encode = part("encode", kinds, errors, namespaces, display);
  const clock = part("clock");
  const text = part("text");
  const printed = part("printed", text);
  const posts = part("posts", printed);
  const calls = part("calls", posts, encode, text, stacks);
  const timers = part("timers", posts);
  const console = part("console", posts, display, errors, stacks, clock, part("table"));
  const endings = part("endings", posts, encode, text, display, errors, calls, timers, promises, stacks);
  const extras = [part("base64"), part("encodings"), part("clone", kinds)];
  return [
    ...[posts, printed, clock, text, stacks, promises, namespaces, calls, timers, console, endings],
    ...extras,
  ];
}

function readScript(name: keyof GuestScripts): string {
  const suffix = import.meta.url.slice(-3);
  const folder = ofTheConsole.has(name) ? "console/" : "";
  const text = readFileSync(new URL(`../guest/${folder}${name}${suffix}`, import.meta.url), "utf8");
  const plain = suffix === ".ts" ? stripTypeScriptTypes(text) : text;
  // Each file is one function expression; the empty export only tells TypeScript that it is a module. Strict, so that a
  // stack trace exposes none of its functions.
  return `"use strict"; ${plain}`.replace(/^export \{\};?$/m, "").replace(/^\/\/# sourceMappingURL=.*$/m, "");
}
