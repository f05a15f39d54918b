/**
 * Expands `${VAR}`, `${VAR:-default}`, `${env:VAR}` and `${file:/path}` in a file's string values, once: expanded text
 * is not expanded again.
 */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Path } from "./document.ts";

export interface ExpandSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder for relative files. */
  readonly folder: string;
  /** The home folder of the user who runs the gateway. */
  readonly home: string;
}

export interface Expanded {
  readonly value: unknown;
  readonly faults: readonly { readonly path: Path; readonly message: string }[];
}

/** Keys are not expanded. A text with a fault stays as it was. */
export async function expandStrings(
  value: unknown,
  sources: ExpandSources,
  path: Path = [],
): Promise<Expanded> {
  if (typeof value === "string") return expandText(value, sources, path);
  if (typeof value !== "object" || value === null) return { value, faults: [] };
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  const expanded = await Promise.all(
    entries.map(async ([key, inner]) => ({ key, ...(await expandStrings(inner, sources, [...path, key])) })),
  );
  return {
    value: Array.isArray(value)
      ? expanded.map((each) => each.value)
      : Object.fromEntries(expanded.map((each) => [each.key, each.value])),
    faults: expanded.flatMap(({ faults }) => faults),
  };
}

async function expandText(text: string, sources: ExpandSources, path: Path): Promise<Expanded> {
  const [head = "", ...rest] = text.split("${");
  const pieces = await Promise.all(rest.map((piece) => expandPiece(piece, sources)));
  const messages = pieces.flatMap((piece) => ("fault" in piece ? [piece.fault] : []));
  if (messages.length > 0) return { value: text, faults: messages.map((message) => ({ path, message })) };
  return { value: head + pieces.map((piece) => ("text" in piece ? piece.text : "")).join(""), faults: [] };
}

/** `piece` is the text after a `${`: the reference, its brace, and everything up to the next one. */
async function expandPiece(
  piece: string,
  sources: ExpandSources,
): Promise<{ readonly text: string } | { readonly fault: string }> {
  const end = piece.indexOf("}");
  if (end < 0) return { fault: 'a "${" is not closed' };
  const looked = await lookUp(piece.slice(0, end), sources);
  return "fault" in looked ? looked : { text: looked.text + piece.slice(end + 1) };
}

async function lookUp(
  reference: string,
  { env, folder, home }: ExpandSources,
): Promise<{ readonly text: string } | { readonly fault: string }> {
  if (reference === "userHome") return { text: home };
  const editors = faultOfEditors(reference);
  if (editors !== undefined) return { fault: editors };
  if (reference.startsWith("file:")) return readReferenced(reference.slice("file:".length), folder);
  const variable = /^(?:env:)?(?<name>[A-Za-z_]\w*)(?::-(?<fallback>.*))?$/s.exec(reference)?.groups;
  const name = variable?.["name"];
  if (name === undefined)
    return {
      fault: `"\${${reference}}" is not understood: expected \${VAR}, \${VAR:-default} or \${file:/path}`,
    };
  const fallback = variable?.["fallback"];
  const value = env[name];
  // As in a shell, `:-` applies to an empty variable too.
  if (fallback !== undefined) return { text: value || fallback };
  return value === undefined ? { fault: `\${${name}} is not set, and has no default` } : { text: value };
}

/** Advice for references that only an editor can resolve. */
function faultOfEditors(reference: string): string | undefined {
  const input = /^(?:input|promptString):(?<id>.{1,64})$/.exec(reference)?.groups?.["id"];
  if (input !== undefined) {
    const variable = input
      .replace(/\W+/g, "_")
      .replace(/^(?=\d)/, "_")
      .toUpperCase();
    return `"\${${reference}}" asks the user for a value, which a gateway cannot do at its start: write \${${variable}}, and set that variable`;
  }
  if (/^(?:workspaceFolder|workspaceRoot|fileWorkspaceFolder|cwd)\b/.test(reference))
    return `"\${${reference}}" is an editor's: write the folder itself; "cwd" may be relative to this file`;
  if (/^(?:config|command|extensionInstallFolder|localEnv|containerEnv):/.test(reference))
    return `"\${${reference}}" is an editor's: write the value itself, or \${VAR}, and set that variable`;
  return undefined;
}

/** One line ending at the end was added by an editor and is not part of the secret. */
async function readReferenced(
  file: string,
  folder: string,
): Promise<{ readonly text: string } | { readonly fault: string }> {
  try {
    const text = await readFile(resolve(folder, file), "utf8");
    return { text: text.replace(/\r?\n$/, "") };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    return { fault: `the file of "\${file:…}" cannot be read (${code})` };
  }
}
