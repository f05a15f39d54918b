/**
 * The catalog: an immutable, versioned snapshot of every tool of every server, with the names under which a program,
 * a model and an operator know it. A run keeps the catalog it started with.
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
  /** `server/tool`, the original names; the key of everything. */
  readonly id: string;
  readonly server: string;
  /** The global that holds it in a program: `github`; for tools of `local` the tool's own global. */
  readonly global: string;
  /** Its name on that global; null when the tool is the global itself. */
  readonly method: string | null;
  /** How a program writes it: `github.list_issues`, or `calculator` for a tool of `local`. */
  readonly callable: string;
  /** How a model that gets plain tool lists names it: `github__list_issues`, at most 64 characters. */
  readonly functionName: string;
  readonly readOnly: boolean;
  readonly idempotent: boolean;
  /**
   * What the operator says the tool gives. It is declared, before what the server says; results are read and passed on
   * as they are without it, and are not checked against it.
   */
  readonly attachedSchema?: JsonSchema;
  /**
   * The shape of its results so far, where nobody says what it gives. Where somebody does: text, which came in its place.
   * A promise by nobody.
   */
  readonly observedSchema?: JsonSchema;
}

/** One server as programs see it. */
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
  /** Globals and methods that two things wanted. `kept` is the id of the tool, or name of the server, that has it. */
  readonly collisions: readonly NameCollision[];
  /** Ids that a server announced more than once; the first is the one that counts. */
  readonly duplicates: readonly string[];
  /** The catalog without what was only observed; absent where nothing was. */
  readonly promised?: Catalog;
  /** Exact strings only. */
  byId(id: string): CatalogTool | undefined;
  byFunctionName(name: string): CatalogTool | undefined;
}

/** The operator's word on tools, as patterns; what a source says of itself counts too. */
export interface ToolMarks {
  readonly readOnly: readonly string[];
  readonly idempotent: readonly string[];
  /** By the id of their tool. Default none. */
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

/** What the tool's results are said to be, by whoever promises it; undefined when nobody does. */
export function promisedSchema({ attachedSchema, outputSchema }: CatalogTool): JsonSchema | undefined {
  return attachedSchema ?? outputSchema;
}

/**
 * The same tools with the shapes that were observed of their results, as another version of the catalog. `observed`
 * gives a tool's shape, which counts only where nobody promises one, or as text that came in the place of what was.
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
 * What a program finds as globals. Servers and local tools outside the visible ones are there too, so that calling
 * one is a refusal that names its rule and not a ReferenceError; they just cannot be listed.
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
