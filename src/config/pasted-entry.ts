/**
 * One server entry as other clients write it, converted to our names where an equivalent exists. Other keys stay in it
 * and get a remark (see `foreign-keys.ts`); a value of the wrong type is left for the schema to refuse.
 */

import { isRecord } from "../json.ts";
import { isComment } from "./comments.ts";
import type { Move, Path } from "./document.ts";
import type { ConfigRemark } from "./servers.ts";

export interface PastedEntry {
  readonly entry: Record<string, unknown>;
  readonly moves: readonly Move[];
  readonly faults: readonly ConfigRemark[];
  readonly warnings: readonly ConfigRemark[];
}

/** Its place in the configuration, and in the file. */
export interface Place {
  readonly path: Path;
  readonly from: Path;
}

/** Does not change `given`. */
export function readPastedEntry(given: Record<string, unknown>, place: Place): PastedEntry {
  const entry = createEntry(given, place);
  flatten(entry, "transport");
  flatten(entry, "command");
  for (const [alias, key] of aliases) entry.rename(alias, key);
  readSwitches(entry);
  readType(entry);
  readCommand(entry);
  readTexts(entry, "env");
  readTexts(entry, "headers");
  return entry;
}

const aliases: readonly (readonly [alias: string, key: string])[] = [
  ["transport", "type"],
  ["transportType", "type"],
  ["serverUrl", "url"],
  ["server_url", "url"],
  ["httpUrl", "url"],
  ["uri", "url"],
  ["baseUrl", "url"],
  ["endpoint", "url"],
  ["cmd", "command"],
  ["arguments", "args"],
  ["environment", "env"],
  ["envs", "env"],
  ["workingDirectory", "cwd"],
  ["working_directory", "cwd"],
  ["http_headers", "headers"],
];

interface OpenEntry extends PastedEntry {
  /** Does nothing without such a key; reports a fault when both exist. */
  rename(alias: string, key: string): void;
  /** Sets a value that has another place in this entry of the file. */
  set(key: string, value: unknown, from: Path): void;
  warn(key: string, message: string): void;
  fault(key: string, message: string): void;
}

function createEntry(given: Record<string, unknown>, { path, from }: Place): OpenEntry {
  // Settings that a form left empty count as unset.
  const entry = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== null && value !== ""),
  );
  const moves: Move[] = [];
  const faults: ConfigRemark[] = [];
  const warnings: ConfigRemark[] = [];
  const set: OpenEntry["set"] = (key, value, inner) => {
    entry[key] = value;
    moves.push({ to: [...path, key], from: [...from, ...inner] });
  };
  const fault = (key: string, message: string): void =>
    void faults.push({ path: [...path, key], part: "key", message });
  return {
    ...{ entry, moves, faults, warnings, set, fault },
    rename(alias, key) {
      if (!Object.hasOwn(entry, alias)) return;
      const value = entry[alias];
      delete entry[alias];
      if (!Object.hasOwn(entry, key)) set(key, value, [alias]);
      else if (entry[key] !== value)
        fault(alias, `means the same as ${key}, which is there too; keep one of them`);
    },
    warn: (key, message) => void warnings.push({ path: [...path, key], part: "key", message }),
  };
}

/** `"transport": { "type": "sse", "url": … }`, `"command": { "path": "npx", "args": […] }` */
function flatten({ entry, set }: OpenEntry, key: "transport" | "command"): void {
  const inner = entry[key];
  if (!isRecord(inner)) return;
  delete entry[key];
  for (const [name, value] of Object.entries(inner))
    if (value !== null) set(name === "path" ? "command" : name, value, [key, name]);
}

/** Any word that switches a server off counts. */
function readSwitches({ entry, set, fault }: OpenEntry): void {
  for (const [key, means] of switches) {
    if (!Object.hasOwn(entry, key)) continue;
    const value = entry[key];
    delete entry[key];
    if (typeof value !== "boolean") fault(key, "expected true or false");
    else if (value === means) set("disabled", true, [key]);
  }
}

const switches: readonly (readonly [key: string, off: boolean])[] = [
  ["enabled", false],
  ["isEnabled", false],
  ["isActive", false],
  ["active", false],
  ["is_active", false],
  ["isDisabled", true],
];

/** The kinds of server in every known spelling. Any other value is left for the schema. */
function readType({ entry }: OpenEntry): void {
  const { type } = entry;
  if (typeof type !== "string") return;
  const folded = type.toLowerCase().replace(/[^a-z]/g, "");
  entry["type"] = types.get(folded) ?? type;
}

const types: ReadonlyMap<string, string> = new Map([
  ["stdio", "stdio"],
  ["local", "stdio"],
  ["http", "http"],
  ["https", "http"],
  ["streamablehttp", "http"],
  ["httpstream", "http"],
  ["streamable", "http"],
  ["remote", "http"],
  ["url", "http"],
  ["sse", "sse"],
]);

/** A command with its arguments in one list or one text, and commands written for another system. */
function readCommand(open: OpenEntry): void {
  const { entry, set, warn } = open;
  if (typeof entry["args"] === "string") {
    set("args", splitWords(entry["args"]), ["args"]);
    warn("args", 'is one text, which is split at its blanks: write a list, e.g. ["-y", "package"]');
  }
  const { command } = entry;
  if (Array.isArray(command) && command.every((word) => typeof word === "string")) {
    const [first, ...rest] = command;
    set("command", first, ["command"]);
    set("args", [...rest, ...listOf(entry["args"])], ["command"]);
  } else if (typeof command === "string" && entry["args"] === undefined && isCommandLine(command)) {
    const [first, ...rest] = splitWords(command);
    set("command", first, ["command"]);
    set("args", rest, ["command"]);
    warn("command", 'holds its arguments, too: write them as a list in "args"');
  }
  if (Array.isArray(entry["args"]))
    entry["args"] = entry["args"].map((arg: unknown) => (isScalar(arg) ? String(arg) : arg));
  if (process.platform !== "win32") readWindowsCommand(open);
}

/** Runners of packages and programs. Any other command may have blanks in its name. */
function isCommandLine(command: string): boolean {
  return /^(?:npx|bunx|uvx|uv|pnpm|yarn|npm|node|deno|bun|python3?|pipx|docker|podman|cmd)(?:\.exe|\.cmd)?\s+\S/.test(
    command.trim(),
  );
}

/** `cmd /c npx …` starts a command that other systems start directly. */
function readWindowsCommand({ entry, set, warn }: OpenEntry): void {
  const { command } = entry;
  if (typeof command !== "string") return;
  const args = listOf(entry["args"]);
  const [flag, started, ...rest] = args;
  if (/^cmd(?:\.exe)?$/i.test(command) && /^\/c$/i.test(String(flag)) && typeof started === "string") {
    set("command", withoutExtension(started), ["args"]);
    set("args", rest, ["args"]);
    warn("command", `is for Windows: here ${JSON.stringify(withoutExtension(started))} is started itself`);
  } else if (/^[^/\\]+\.(?:cmd|exe|bat)$/i.test(command)) {
    entry["command"] = withoutExtension(command);
    warn("command", "is for Windows: here its name is used without the extension");
  }
}

function withoutExtension(command: string): string {
  return command.replace(/\.(?:cmd|exe|bat)$/i, "");
}

/** Texts by name. Numbers and booleans count as texts; lists of `NAME=value` or `{ name, value }` are accepted. */
function readTexts({ entry, set }: OpenEntry, key: "env" | "headers"): void {
  const texts = entry[key];
  const pairs = isRecord(texts) ? Object.entries(texts) : pairsOf(texts);
  if (pairs === undefined) return;
  const kept = pairs.filter(([name, value]) => value !== null && !isComment(name));
  set(key, Object.fromEntries(kept.map(([name, value]) => [name, isScalar(value) ? String(value) : value])), [
    key,
  ]);
}

function pairsOf(list: unknown): readonly (readonly [name: string, value: unknown])[] | undefined {
  if (!Array.isArray(list)) return undefined;
  const pairs = list.map((item: unknown) => {
    if (typeof item === "string") {
      const equals = item.indexOf("=");
      return equals < 1 ? undefined : ([item.slice(0, equals), item.slice(equals + 1)] as const);
    }
    if (!isRecord(item)) return undefined;
    const name = item["name"] ?? item["key"];
    return typeof name === "string" ? ([name, item["value"]] as const) : undefined;
  });
  return pairs.every((pair) => pair !== undefined) ? pairs : undefined;
}

/** Splits like a shell, as far as blanks and quotes are concerned. */
function splitWords(text: string): readonly string[] {
  return [...text.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map(([word]) =>
    word.replace(
      /"([^"]*)"|'([^']*)'/g,
      (_whole, double?: string, single?: string) => double ?? single ?? "",
    ),
  );
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}
