/** A raw configuration, before variables and flags override it: read from a file, or made in code. */

import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, resolve } from "node:path";
import { ToolariumError } from "../errors.ts";
import { isRecord } from "../json.ts";
import type { ServerSpec } from "../mcp/server.ts";
import { IN_MEMORY } from "../store/settings.ts";
import { type ConfigDocument, type Path, parseDocument } from "./document.ts";
import { expandStrings } from "./expand.ts";
import { type Pasted, readPasted } from "./pasted.ts";
import { remarksOnTexts } from "./suspicious-texts.ts";

export interface ConfigSource extends Pasted {
  /** The file's name as it was given, or a substitute for it. */
  readonly name: string;
  readonly document?: ConfigDocument;
  readonly servers: readonly ServerSpec[];
}

/** Default place of a file's store, relative to the file. */
const DEFAULT_STORE = "./toolarium.db";

/** Most syntax faults reported: one mistake causes many. */
const TOLD_FAULTS = 5;

/**
 * Expands `${…}` and `~`, and makes relative paths absolute. @throws `config_error` when the file is missing or not
 * JSON
 */
export async function readConfigFile(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ConfigSource> {
  const text = await readText(name);
  const other = /\.(ya?ml|toml)$/i.exec(name)?.[1];
  if (other !== undefined && !/^\uFEFF?\s*[{/]/.test(text))
    throw new ToolariumError(
      "config_error",
      `${name}: expected JSON with comments, not ${other.toUpperCase()}`,
    );
  const { document, faults } = parseDocument(text);
  if (faults.length > 0) {
    const lines = faults.slice(0, TOLD_FAULTS).map(({ place, message }) => `${name}:${place} ${message}`);
    throw new ToolariumError("config_error", lines.join("\n"));
  }
  const folder = dirname(resolve(name));
  const home = env["HOME"] || homedir();
  const pasted = readPasted(asObject(document.value, name));
  const expanded = await expandStrings(pasted.raw, { env, folder, home });
  const raw = asObject(expanded.value, name);
  // A disabled server's missing variables and files are no fault.
  const off = disabledServers(raw);
  const isOff = ([section, server]: Path): boolean =>
    section === "mcpServers" && off.some((each) => each.name === server);
  for (const { entry } of off) if (/\$\{/.test(String(entry["url"]))) entry["url"] = UNKNOWN_URL;
  return {
    ...pasted,
    name,
    raw: withAbsolutePaths(raw, { folder, home }),
    document,
    servers: [],
    faults: [
      ...expanded.faults
        .filter(({ path }) => !isOff(path))
        .map((fault) => ({ ...fault, part: "value" as const })),
      ...pasted.faults,
    ],
    warnings: [...pasted.warnings, ...remarksOnTexts(raw)],
  };
}

/** Expands nothing, and makes no path absolute. */
export function sourceInCode(
  name: string,
  { config, servers }: { readonly config: unknown; readonly servers: readonly ServerSpec[] },
): ConfigSource {
  return { ...readPasted(asObject(structuredClone(config), name)), name, servers };
}

async function readText(file: string): Promise<string> {
  try {
    const bytes = await readFile(file);
    // Windows uses this encoding when a command's output is redirected to a file.
    return bytes[0] === 0xff && bytes[1] === 0xfe ? bytes.toString("utf16le") : bytes.toString("utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    const reason = unreadable[String(code)] ?? `it cannot be read (${code})`;
    throw new ToolariumError("config_error", `${file}: ${reason}.`, { cause });
  }
}

const unreadable: { readonly [code: string]: string } = {
  ENOENT: "there is no such file. Name one with --config, or leave it out for the demo",
  EISDIR: "is a directory. Name a file in it",
  EACCES: "cannot be read by this user. Give it the right to, or name another file",
  EPERM: "cannot be read by this user. Give it the right to, or name another file",
  ENOTDIR: "a part of the path is a file. Name another path",
};

function asObject(value: unknown, name: string): Record<string, unknown> {
  if (isRecord(value)) return value;
  throw new ToolariumError("config_error", `${name}: expected an object, e.g. { "mcpServers": {} }`);
}

/** Address of a disabled server whose variables are not set. */
const UNKNOWN_URL = "http://unset.invalid/";

function disabledServers(
  raw: Record<string, unknown>,
): readonly { readonly name: string; readonly entry: Record<string, unknown> }[] {
  const { mcpServers } = raw;
  if (!isRecord(mcpServers)) return [];
  return Object.entries(mcpServers).flatMap(([name, entry]) =>
    isRecord(entry) && entry["disabled"] === true ? [{ name, entry }] : [],
  );
}

/**
 * Makes absolute: settings that are paths, commands that begin with `./` or `../`, and `~/` at the start of a server's
 * command, arguments and variables.
 */
function withAbsolutePaths(
  raw: Record<string, unknown>,
  { folder, home }: { readonly folder: string; readonly home: string },
): Record<string, unknown> {
  const { mcpServers, sandbox } = raw;
  const atHome = (value: unknown): unknown =>
    typeof value === "string" ? value.replace(/^~(?=\/|$)/, () => home) : value;
  const path = (value: unknown): unknown =>
    typeof value === "string" ? resolve(folder, String(atHome(value))) : value;
  const command = (value: unknown): unknown =>
    typeof value === "string" && /^\.\.?\//.test(value) ? path(value) : atHome(value);
  if (isRecord(mcpServers))
    for (const entry of Object.values(mcpServers).filter(isRecord)) {
      const { args, env } = entry;
      if (Object.hasOwn(entry, "cwd")) entry["cwd"] = path(entry["cwd"]);
      if (Object.hasOwn(entry, "command")) entry["command"] = command(entry["command"]);
      if (Array.isArray(args)) entry["args"] = args.map(atHome);
      if (isRecord(env))
        entry["env"] = Object.fromEntries(Object.entries(env).map(([key, value]) => [key, atHome(value)]));
    }
  if (isRecord(sandbox) && Array.isArray(sandbox["wrapper"]))
    sandbox["wrapper"] = sandbox["wrapper"].map((part, index) =>
      index === 0 ? command(part) : atHome(part),
    );

  const { store = {} } = raw;
  if (!isRecord(store)) return raw;
  const { path: storePath = DEFAULT_STORE } = store;
  return { ...raw, store: { ...store, path: storePath === IN_MEMORY ? storePath : path(storePath) } };
}
