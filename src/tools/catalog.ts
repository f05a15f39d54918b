/**
 * The catalog: an immutable, versioned snapshot of every tool of every server, with its names for programs, models and
 * operators. A run keeps the catalog it started with.
 */

import { createHash } from "node:crypto";
import type { ToolNamespaces } from "../../sandbox/index.ts";
import { isRecord } from "../json.ts";
import {
  assignFunctionNames,
  assignNames,
  compareBytes,
  type NameClaim,
  type NameCollision,
} from "./names.ts";
import { patternMatcher } from "./patterns.ts";
import type { JsonSchema, ServerSource, ToolSource } from "./tool-source.ts";

export interface CatalogTool extends Omit<ToolSource, "readOnly" | "idempotent"> {
  /** `server/tool` with the original names; the key everywhere. */
  readonly id: string;
  readonly server: string;
  /** The global of a program that holds it: `github`; for tools of `local` the tool's own global. */
  readonly global: string;
  /** Its name on that global; null when the tool is the global itself. */
  readonly method: string | null;
  /** The name in a program: `github.list_issues`, or `calculator` for a tool of `local`. */
  readonly callable: string;
  /** The name in a plain tool list for models: `github__list_issues`, at most 64 characters. */
  readonly functionName: string;
  readonly readOnly: boolean;
  readonly idempotent: boolean;
  /**
   * The operator's schema of its result. It is declared in place of the server's. Results are not parsed by it and not
   * checked against it.
   */
  readonly attachedSchema?: JsonSchema;
  /**
   * The observed shape of its results, where no schema promises one. Where one does: text that came instead. Inferred
   * from results; faults against it only warn.
   */
  readonly observedSchema?: JsonSchema;
}

/** One server, as programs see it. */
interface CatalogServer {
  readonly name: string;
  /** The global's name, or null for `local`. */
  readonly global: string | null;
}

export interface Catalog {
  /** First 16 hex digits of the sha256 of the catalog's canonical JSON: equal tools give an equal version. */
  readonly version: string;
  /** Sorted by id in byte order. */
  readonly tools: readonly CatalogTool[];
  readonly servers: readonly CatalogServer[];
  /**
   * Globals and methods with two claims. `kept` is the id of the tool, or the name of the server, that has the name.
   */
  readonly collisions: readonly NameCollision[];
  /** Ids that a server announced more than once; the first counts. */
  readonly duplicates: readonly string[];
  /** The catalog without observed shapes; absent where there are none. */
  readonly promised?: Catalog;
  /** Exact strings only. */
  byId(id: string): CatalogTool | undefined;
  byFunctionName(name: string): CatalogTool | undefined;
}

/** The operator's marks on tools, as patterns. A source's own marks count too. */
export interface ToolMarks {
  readonly readOnly: readonly string[];
  readonly idempotent: readonly string[];
  /** Result schemas by tool id. Default none. */
  readonly outputSchemas?: { readonly [id: string]: JsonSchema };
}

/** The server whose tools are globals of a program. */
const LOCAL = "local";

/** Names every tool and freezes it, schemas included. The same sources, in any order, give the same catalog. */
export function buildCatalog(sources: readonly ServerSource[], marks: ToolMarks): Catalog {
  const { announced, duplicates } = collectTools(sources);
  const serverNames = [...new Set(sources.map(({ server }) => server))].sort(compareBytes);
  const globals = assignGlobals(serverNames, announced);
  const methods = serverNames.map((server) => assignMethods(server, announced));
  const methodById = new Map(methods.flatMap(({ names }) => [...names]));
  const functionNames = assignFunctionNames(announced.map(({ id }) => id));
  const isReadOnly = patternMatcher(marks.readOnly);
  const isIdempotent = patternMatcher(marks.idempotent);
  const attached = new Map(Object.entries(marks.outputSchemas ?? {}));

  const tools = announced.map(({ id, server, source }): CatalogTool => {
    const method = methodById.get(id) ?? null;
    const global = globals.names.get(method === null ? id : server) ?? server;
    const attachedSchema = attached.get(id);
    return deepFreeze({
      ...source,
      id,
      server,
      global,
      method,
      callable: method === null ? global : `${global}.${method}`,
      functionName: functionNames.get(id) ?? id,
      readOnly: source.readOnly === true || isReadOnly(id),
      idempotent: source.idempotent === true || isIdempotent(id),
      ...(attachedSchema === undefined ? {} : { attachedSchema }),
    });
  });
  const servers = serverNames.map((name) => ({ name, global: globals.names.get(name) ?? null }));
  return snapshot({
    tools,
    servers,
    collisions: [globals, ...methods].flatMap(({ collisions }) => collisions),
    duplicates,
  });
}

/** The promised schema of the tool's result, by the operator or the server; undefined when there is none. */
export function promisedSchema({ attachedSchema, outputSchema }: CatalogTool): JsonSchema | undefined {
  return attachedSchema ?? outputSchema;
}

/**
 * The same tools with the observed shapes of their results, as another version of the catalog. `observed` gives a
 * tool's shape. It is used only where no schema promises one, or for text that came in place of the promised value.
 */
export function withObserved(
  catalog: Catalog,
  observed: (tool: CatalogTool) => JsonSchema | undefined,
): Catalog {
  const tools = catalog.tools.map((tool) => {
    const schema = observed(tool);
    const observedSchema = promisedSchema(tool) === undefined || isText(schema) ? schema : undefined;
    return observedSchema === undefined ? tool : deepFreeze({ ...tool, observedSchema });
  });
  if (tools.every((tool, index) => tool === catalog.tools[index])) return catalog;
  const { servers, collisions, duplicates } = catalog;
  return snapshot({ tools, servers, collisions, duplicates, promised: catalog });
}

function isText(schema: JsonSchema | undefined): boolean {
  return isRecord(schema) && String(schema["type"]) === "string";
}

/**
 * The tools as globals of a program. Servers and local tools that are not visible get globals too, so that calling one
 * is a refusal that names its rule instead of a ReferenceError; they are only not enumerable.
 */
export function toNamespaces(catalog: Catalog, visible: readonly CatalogTool[]): ToolNamespaces {
  const shown = new Set(visible.map(({ id }) => id));
  const positional = (tool: CatalogTool) =>
    tool.positional === undefined ? {} : { positional: tool.positional };
  return {
    servers: catalog.servers.flatMap(({ name, global }) => {
      if (global === null) return [];
      const tools = catalog.tools.flatMap((tool) =>
        tool.server === name && tool.method !== null && shown.has(tool.id)
          ? [{ name: tool.name, method: tool.method, ...positional(tool) }]
          : [],
      );
      return [{ name, global, tools }];
    }),
    locals: catalog.tools
      .filter(({ method }) => method === null)
      .map((tool) => ({
        name: tool.name,
        global: tool.global,
        ...positional(tool),
        ...(shown.has(tool.id) ? {} : { hidden: true }),
      })),
  };
}

interface AnnouncedTool {
  readonly id: string;
  readonly server: string;
  readonly source: ToolSource;
}

function collectTools(sources: readonly ServerSource[]): {
  readonly announced: readonly AnnouncedTool[];
  readonly duplicates: readonly string[];
} {
  const byId = new Map<string, AnnouncedTool>();
  const duplicates: string[] = [];
  for (const { server, tools } of sources) {
    for (const source of tools) {
      const id = `${server}/${source.name}`;
      if (byId.has(id)) duplicates.push(id);
      else byId.set(id, { id, server, source });
    }
  }
  return {
    announced: [...byId.values()].sort((a, b) => compareBytes(a.id, b.id)),
    duplicates: duplicates.sort(compareBytes),
  };
}

/** Servers and tools of `local` share one namespace. */
function assignGlobals(serverNames: readonly string[], announced: readonly AnnouncedTool[]) {
  const servers = serverNames.filter((name) => name !== LOCAL).map((name): NameClaim => ({ id: name, name }));
  return assignNames([...servers, ...claimsOf(LOCAL, announced)]);
}

function assignMethods(server: string, announced: readonly AnnouncedTool[]) {
  return assignNames(server === LOCAL ? [] : claimsOf(server, announced));
}

function claimsOf(server: string, announced: readonly AnnouncedTool[]): NameClaim[] {
  return announced
    .filter((tool) => tool.server === server)
    .map(({ id, source }) => ({ id, name: source.name }));
}

function snapshot(parts: Omit<Catalog, "version" | "byId" | "byFunctionName">): Catalog {
  const byId = new Map(parts.tools.map((tool) => [tool.id, tool]));
  const byFunctionName = new Map(parts.tools.map((tool) => [tool.functionName, tool]));
  const { tools, servers } = parts;
  return deepFreeze({
    version: sha256(canonicalJson({ tools, servers })).slice(0, 16),
    ...parts,
    byId: (id) => byId.get(id),
    byFunctionName: (name) => byFunctionName.get(name),
  });
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Keys in one order, so that equal values are equal texts. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isRecord(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => compareBytes(a, b)))
      : inner,
  );
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
  return value;
}
