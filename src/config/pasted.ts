/**
 * Converts configurations pasted from other MCP clients to the one shape that the schema knows. Only names and
 * wrappings change; our own settings stay as they are. Every change records the value's place in the file, so that a
 * later fault is reported there.
 */

import { isRecord } from "../json.ts";
import { isComment } from "./comments.ts";
import type { Move, Path } from "./document.ts";
import { readPastedEntry } from "./pasted-entry.ts";
import type { ConfigRemark } from "./servers.ts";

export interface Pasted {
  /** Made for this reading: the caller may change it. */
  readonly raw: Record<string, unknown>;
  /** Paths refer to `raw`. */
  readonly faults: readonly ConfigRemark[];
  readonly warnings: readonly ConfigRemark[];
  /** Converts a path of `raw` to its place in the file. */
  readonly toFilePath: (path: Path) => Path;
}

/** Converts a pasted configuration. Changes `given`. */
export function readPasted(given: Record<string, unknown>): Pasted {
  const { raw, maps } = takeServerMaps(withoutComments(given));
  const moves: Move[] = [];
  const faults: ConfigRemark[] = [];
  const warnings: ConfigRemark[] = [...takeForeignSections(raw)];
  faults.push(...takeLooseServers(raw));
  const [map, ...others] = maps;
  for (const { from } of others)
    faults.push({
      path: from,
      part: "key",
      message: `means the same as ${map?.from.join(".")}, which is there too; keep one of them`,
    });
  if (map !== undefined) {
    raw["mcpServers"] = map.servers;
    moves.push({ to: ["mcpServers"], from: map.from });
    const named = namedEntries(map.servers, map.from);
    if (named !== undefined)
      raw["mcpServers"] = Object.fromEntries(
        named.map(({ name, entry, from }) => {
          const path: Path = ["mcpServers", name];
          moves.push({ to: path, from });
          if (!isRecord(entry)) return [name, entry];
          const read = readPastedEntry(entry, { path, from });
          moves.push(...read.moves);
          faults.push(...read.faults);
          warnings.push(...read.warnings);
          return [name, read.entry];
        }),
      );
  }
  return { raw, faults, warnings, toFilePath: (path) => inFile(path, moves) };
}

/** The nearest moved parent decides. */
function inFile(path: Path, moves: readonly Move[]): Path {
  const [move] = moves
    .filter(({ to }) => to.every((step, index) => path[index] === step))
    .sort((a, b) => b.to.length - a.to.length);
  return move === undefined ? path : [...move.from, ...path.slice(move.to.length)];
}

interface ServerMap {
  readonly servers: unknown;
  readonly from: Path;
}

/** Other clients' names for `mcpServers`; some clients put them inside a section. */
const mapKeys = ["mcpServers", "servers", "context_servers", "mcp_servers", "mcp.servers", "amp.mcpServers"];

function takeServerMaps(given: Record<string, unknown>): {
  readonly raw: Record<string, unknown>;
  readonly maps: readonly ServerMap[];
} {
  const raw = { ...given };
  const maps: ServerMap[] = [];
  for (const key of mapKeys)
    if (Object.hasOwn(raw, key)) {
      maps.push({ servers: raw[key], from: [key] });
      delete raw[key];
    }
  if (isRecord(raw["mcp"])) {
    const { own, maps: inner } = takeFromSection(raw["mcp"]);
    maps.push(...inner);
    raw["mcp"] = own;
  }
  return { raw, maps };
}

/** `mcp` is also a section of ours: settings unrelated to servers stay in it. */
function takeFromSection(section: Record<string, unknown>): {
  readonly own: Record<string, unknown>;
  readonly maps: readonly ServerMap[];
} {
  const own = { ...section };
  const maps: ServerMap[] = [];
  for (const key of mapKeys)
    if (Object.hasOwn(own, key)) {
      maps.push({ servers: own[key], from: ["mcp", key] });
      delete own[key];
    }
  const entries = Object.entries(own).filter(([, value]) => looksLikeServer(value));
  for (const [name] of entries) delete own[name];
  if (entries.length > 0) maps.push({ servers: Object.fromEntries(entries), from: ["mcp"] });
  if (maps.length > 0) delete own["inputs"];
  return { own, maps };
}

/** A map of names, or a list of entries with names. Undefined for a value that the schema must refuse. */
function namedEntries(
  servers: unknown,
  from: Path,
): readonly { readonly name: string; readonly entry: unknown; readonly from: Path }[] | undefined {
  if (isRecord(servers))
    return Object.entries(servers).flatMap(([name, entry]) => {
      const own = [...from, name];
      // Some sites publish an entry with the whole file around it.
      const inner = isRecord(entry) && !looksLikeServer(entry) ? entry["mcpServers"] : undefined;
      if (!isRecord(inner)) return [{ name, entry, from: own }];
      return namedEntries(inner, [...own, "mcpServers"]) ?? [];
    });
  if (!Array.isArray(servers)) return undefined;
  const named = servers.map((entry: unknown, index) => {
    const { name, ...rest } = isRecord(entry) ? entry : {};
    return { name, entry: rest, from: [...from, index] };
  });
  const names = named.flatMap(({ name }) => (typeof name === "string" ? [name] : []));
  if (new Set(names).size < named.length) return undefined;
  return named.map((each) => ({ ...each, name: String(each.name) }));
}

function looksLikeServer(value: unknown): boolean {
  return isRecord(value) && serverMarks.some((key) => Object.hasOwn(value, key));
}

const serverMarks = ["command", "cmd", "url", "serverUrl", "httpUrl", "transport"] as const;

/** Settings of other clients besides their servers. */
const foreignSections: { readonly [key: string]: string } = {
  inputs: `is ignored: a gateway cannot ask for values at its start; write \${VAR} where a value is wanted, and set that variable`,
  globalShortcut: "is ignored: it is another program's",
  preferences: "is ignored: it is another program's",
};

function takeForeignSections(raw: Record<string, unknown>): readonly ConfigRemark[] {
  return Object.entries(foreignSections).flatMap(([key, message]) => {
    if (!Object.hasOwn(raw, key)) return [];
    delete raw[key];
    return [{ path: [key], part: "key" as const, message }];
  });
}

/** Servers at the level of sections: their map was forgotten. */
function takeLooseServers(raw: Record<string, unknown>): readonly ConfigRemark[] {
  if (looksLikeServer(raw)) {
    for (const key of Object.keys(raw)) delete raw[key];
    const message = 'this is one MCP server: write { "mcpServers": { "its-name": { … } } } around it';
    return [{ path: [], part: "value", message }];
  }
  const loose = Object.keys(raw).filter((key) => looksLikeServer(raw[key]));
  for (const key of loose) delete raw[key];
  return loose.map((key) => ({
    path: [key],
    part: "key",
    message: `is an MCP server: move it into "mcpServers": { ${JSON.stringify(key)}: { … } }`,
  }));
}

function withoutComments(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !isComment(key))
      .map(([key, inner]) => [key, key === "outputSchemas" ? inner : withoutInnerComments(inner)]),
  );
}

function withoutInnerComments(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutInnerComments);
  return isRecord(value) ? withoutComments(value) : value;
}
