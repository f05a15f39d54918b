/** A raw configuration before anything is laid over it: read from a file, or given in code. */
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { ToolariumError } from "../errors.ts";
import type { ServerSpec } from "../mcp/hub.ts";
import { type ConfigDocument, type Path, parseDocument } from "./document.ts";
import { expandStrings } from "./expand.ts";

export interface ConfigSource {
  /** The file's name as it was given, or what stands for it. */
  readonly name: string;
  /** Made for this source: the caller may change it. */
  readonly raw: Record<string, unknown>;
  readonly document?: ConfigDocument;
  readonly servers: readonly ServerSpec[];
  readonly faults: readonly { readonly path: Path; readonly message: string }[];
  /** A path of `raw` as it stands in the file. */
  readonly toFilePath: (path: Path) => Path;
}

/** Where a file's runs are kept, relative to the file. */
const DEFAULT_STORE = "./toolarium.db";

/** Faults of a file's text that are told: one slip makes many. */
const TOLD_FAULTS = 5;

/** Expands `${…}`, and makes relative paths absolute. @throws `config_error` when the file is no JSON, or not there */
export async function readConfigFile(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ConfigSource> {
  const { document, faults } = parseDocument(await readText(name));
  if (faults.length > 0) {
    const lines = faults.slice(0, TOLD_FAULTS).map(({ place, message }) => `${name}:${place} ${message}`);
    throw new ToolariumError("config_error", lines.join("\n"));
  }
  const folder = dirname(resolve(name));
  const expanded = await expandStrings(document.value, { env, folder });
  const aliased = withoutAlias(asObject(expanded.value, name));
  return {
    name,
    ...aliased,
    raw: withAbsolutePaths(aliased.raw, folder),
    document,
    servers: [],
    faults: [
      ...expanded.faults.map((fault) => ({ ...fault, path: aliased.fromFilePath(fault.path) })),
      ...aliased.faults,
    ],
  };
}

/** Nothing is expanded, and no path is made absolute. */
export function sourceInCode(
  name: string,
  { config, servers }: { readonly config: unknown; readonly servers: readonly ServerSpec[] },
): ConfigSource {
  const aliased = withoutAlias(asObject(structuredClone(config), name));
  return { name, ...aliased, servers };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    const reason = code === "ENOENT" ? "there is no such file" : `it cannot be read (${code})`;
    throw new ToolariumError("config_error", `${file}: ${reason}`, { cause });
  }
}

function asObject(value: unknown, name: string): Record<string, unknown> {
  if (isRecord(value)) return value;
  throw new ToolariumError("config_error", `${name}: expected an object, e.g. { "mcpServers": {} }`);
}

interface Unaliased extends Pick<ConfigSource, "raw" | "faults" | "toFilePath"> {
  readonly fromFilePath: (path: Path) => Path;
}

/** `servers` is read as `mcpServers`. */
function withoutAlias(given: Record<string, unknown>): Unaliased {
  const same = (path: Path) => path;
  if (!Object.hasOwn(given, "servers"))
    return { raw: given, faults: [], toFilePath: same, fromFilePath: same };
  const { servers, ...raw } = given;
  if (!Object.hasOwn(raw, "mcpServers")) {
    return {
      raw: { ...raw, mcpServers: servers },
      faults: [],
      toFilePath: (path) => renamed(path, "mcpServers", "servers"),
      fromFilePath: (path) => renamed(path, "servers", "mcpServers"),
    };
  }
  const message = "means the same as mcpServers, which is there too; keep one of them";
  return { raw, faults: [{ path: ["servers"], message }], toFilePath: same, fromFilePath: same };
}

function renamed([first, ...rest]: Path, from: string, to: string): Path {
  if (first === undefined) return [];
  return [first === from ? to : first, ...rest];
}

/** Settings that are paths, and commands that begin with `./` or `../`. */
function withAbsolutePaths(raw: Record<string, unknown>, folder: string): Record<string, unknown> {
  const { mcpServers, sandbox } = raw;
  const path = (value: unknown) => (typeof value === "string" ? resolve(folder, value) : value);
  const command = (value: unknown) =>
    typeof value === "string" && /^\.\.?\//.test(value) ? path(value) : value;
  if (isRecord(mcpServers))
    for (const entry of Object.values(mcpServers).filter(isRecord)) {
      if (Object.hasOwn(entry, "cwd")) entry["cwd"] = path(entry["cwd"]);
      if (Object.hasOwn(entry, "command")) entry["command"] = command(entry["command"]);
    }
  if (isRecord(sandbox) && Array.isArray(sandbox["wrapper"]))
    sandbox["wrapper"] = sandbox["wrapper"].map((part, index) => (index === 0 ? command(part) : part));

  const { store = {} } = raw;
  if (!isRecord(store)) return raw;
  const { path: storePath = DEFAULT_STORE } = store;
  return { ...raw, store: { ...store, path: storePath === ":memory:" ? storePath : path(storePath) } };
}
