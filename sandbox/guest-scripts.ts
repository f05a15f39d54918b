/**
 * Reads the scripts of `sandbox/guest/` as this build has them: `.ts` with its types stripped in development, `.js`
 * as emitted in dist. Their hash is the prelude version, stored with every journal that was written under them.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";

/** Compiled text of `sandbox/guest/*`: each an expression that is a function. */
export interface GuestScripts {
  readonly harden: string;
  readonly encode: string;
  readonly clock: string;
  readonly text: string;
  readonly display: string;
  readonly namespaces: string;
  readonly prelude: string;
}

export function loadGuestScripts(): { readonly scripts: GuestScripts; readonly version: string } {
  const scripts: GuestScripts = {
    harden: readScript("harden"),
    encode: readScript("encode"),
    clock: readScript("clock"),
    text: readScript("text"),
    display: readScript("display"),
    namespaces: readScript("namespaces"),
    prelude: readScript("prelude"),
  };
  const version = createHash("sha256").update(JSON.stringify(scripts)).digest("hex").slice(0, 16);
  return { scripts, version };
}

function readScript(name: keyof GuestScripts): string {
  const suffix = import.meta.url.slice(-3);
  const text = readFileSync(new URL(`./guest/${name}${suffix}`, import.meta.url), "utf8");
  const plain = suffix === ".ts" ? stripTypeScriptTypes(text) : text;
  // Each file is one function expression; the empty export only tells TypeScript that it shares no scope. Strict, so
  // that a stack trace hands out none of its functions.
  return `"use strict"; ${plain}`.replace(/^export \{\};?$/m, "").replace(/^\/\/# sourceMappingURL=.*$/m, "");
}
