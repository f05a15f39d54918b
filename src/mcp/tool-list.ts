/**
 * Reads a server's tool list leniently. The SDK rejects the whole list when one tool is malformed; here only that tool
 * is set aside, by name and with the reason.
 */
import { isExact, isRecord, toDoubles } from "../json.ts";
import type { JsonSchema, ToolSource } from "../tools/tool-source.ts";

export interface ToolListing {
  /** Sorted by name in code unit order, names unique. */
  readonly tools: readonly ToolSource[];
  readonly quarantined: readonly { readonly tool: string; readonly reason: string }[];
}

/** A list with more pages is cut, and `quarantined` says so: the largest real one has 555 tools. */
const MAX_PAGES = 100;
const MAX_TOOLS = 5_000;
/** Every cursor is kept until the list is complete, and sent back. */
const MAX_CURSOR_CHARS = 65_536;
/** All readers of schemas recurse into them. Real ones stay below 30 levels. */
const MAX_SCHEMA_DEPTH = 200;
/** Characters. Names stand in addresses and in every message; those of real servers stay below 100. */
const MAX_NAME_CHARS = 512;
/** Characters of a schema as JSON: it is read, declared and searched in one step. Real ones stay below 100,000. */
const MAX_SCHEMA_CHARS = 524_288;

/** A page as it was sent. Cursors are strings; one that is a number goes back as it came. */
type FetchPage = (cursor: string | number | undefined) => Promise<{ readonly [key: string]: unknown }>;

/** Reads every page through `fetchPage`. Rejects as `fetchPage` does, and when a page holds no list. */
export async function listTools(
  fetchPage: FetchPage,
  options: { readonly trustAnnotations: boolean },
): Promise<ToolListing> {
  const announced: unknown[] = [];
  const cursors = new Set<string | number>();
  let cursor: string | number | undefined;
  let cutBecause: string | undefined;
  do {
    const page = await fetchPage(cursor);
    const tools = page["tools"] ?? [];
    if (!Array.isArray(tools)) throw new Error("its tool list is not a list");
    for (const tool of tools) announced.push(tool);
    cursor = nextCursor(page, cursors);
    if (cursor === undefined) break;
    if (String(cursor).length > MAX_CURSOR_CHARS)
      cutBecause = `its cursor has more than ${MAX_CURSOR_CHARS} characters`;
    cursors.add(cursor);
    if (cursors.size >= MAX_PAGES) cutBecause = `only the first ${MAX_PAGES} pages are read`;
    if (announced.length > MAX_TOOLS) cutBecause = `only the first ${MAX_TOOLS} tools are read`;
  } while (cutBecause === undefined);
  return sortOut(announced, cutBecause, options.trustAnnotations);
}

/** Servers without pages return an empty cursor, or the same one for ever: then the list is complete. */
function nextCursor(
  page: { readonly [key: string]: unknown },
  seen: ReadonlySet<unknown>,
): string | number | undefined {
  const cursor = page["nextCursor"];
  const isCursor = (typeof cursor === "string" && cursor !== "") || typeof cursor === "number";
  return isCursor && !seen.has(cursor) ? cursor : undefined;
}

function sortOut(
  announced: readonly unknown[],
  cutBecause: string | undefined,
  trustAnnotations: boolean,
): ToolListing {
  const tools = new Map<string, ToolSource>();
  const quarantined: { tool: string; reason: string }[] = [];
  for (const raw of announced.slice(0, MAX_TOOLS)) {
    const parsed = parseTool(raw, trustAnnotations);
    if (!parsed.ok) {
      quarantined.push({ tool: parsed.name, reason: parsed.reason });
      continue;
    }
    const { tool } = parsed;
    const known = tools.get(tool.name);
    if (known === undefined) tools.set(tool.name, tool);
    // A page that was sent twice adds nothing.
    else if (JSON.stringify(known) !== JSON.stringify(tool))
      quarantined.push({ tool: tool.name, reason: "another tool of this server has the same name" });
  }
  if (cutBecause !== undefined) quarantined.push({ tool: "(rest of the list)", reason: cutBecause });
  return { tools: [...tools.values()].sort((a, b) => (a.name < b.name ? -1 : 1)), quarantined };
}

type Parsed =
  | { readonly ok: true; readonly tool: ToolSource }
  | { readonly ok: false; readonly name: string; readonly reason: string };

function parseTool(raw: unknown, trustAnnotations: boolean): Parsed {
  if (!isRecord(raw)) return quarantine("(unnamed)", `a tool must be an object, got ${kindOf(raw)}`);
  const { name } = raw;
  if (typeof name !== "string" || name === "")
    return quarantine("(unnamed)", `name must be a non-empty string, got ${kindOf(name)}`);
  if (name.length > MAX_NAME_CHARS)
    return quarantine(`${name.slice(0, 40)}…`, `name has more than ${MAX_NAME_CHARS} characters`);
  const inputSchema = readInputSchema(raw["inputSchema"]);
  if (inputSchema === undefined) return quarantine(name, describeBadSchema(raw["inputSchema"]));
  // Some servers write null for what is absent.
  const outputSchema = raw["outputSchema"] ?? undefined;
  if (outputSchema !== undefined && !isSchema(outputSchema))
    return quarantine(name, `outputSchema must be a schema, got ${kindOf(outputSchema)}`);
  for (const [key, schema] of Object.entries({ inputSchema, outputSchema })) {
    if (isDeeperThan(schema, MAX_SCHEMA_DEPTH))
      return quarantine(name, `${key} is nested more than ${MAX_SCHEMA_DEPTH} levels deep`);
    if (schema !== undefined && JSON.stringify(schema).length > MAX_SCHEMA_CHARS)
      return quarantine(name, `${key} is larger than ${MAX_SCHEMA_CHARS} characters`);
  }
  const annotations = isRecord(raw["annotations"]) ? raw["annotations"] : {};
  return {
    ok: true,
    tool: {
      name,
      description: descriptionOf(raw),
      inputSchema: readNumbers(inputSchema) as typeof inputSchema,
      ...(outputSchema === undefined ? {} : { outputSchema: readNumbers(outputSchema) as JsonSchema }),
      annotations,
      // The operator's trust decides whether a server's own hints count.
      ...(trustAnnotations
        ? {
            readOnly: annotations["readOnlyHint"] === true,
            idempotent: annotations["idempotentHint"] === true,
          }
        : {}),
      ...(demandsTask(raw)
        ? { unavailable: "It runs only as an MCP task, which this gateway does not support." }
        : {}),
    },
  };
}

/** The arguments are an object, whether a schema says so or says nothing at all. */
function readInputSchema(schema: unknown): { readonly [key: string]: unknown } | undefined {
  if (schema === undefined || schema === null || schema === true) return { type: "object" };
  if (!isRecord(schema)) return undefined;
  const type = schema["type"] ?? "object";
  const isObject = type === "object" || (Array.isArray(type) && type.includes("object"));
  return isObject ? { ...schema, type: "object" } : undefined;
}

function describeBadSchema(schema: unknown): string {
  return isRecord(schema)
    ? `inputSchema.type must be "object", got ${kindOf(schema["type"])}`
    : `inputSchema must be an object, got ${kindOf(schema)}`;
}

function descriptionOf(raw: { readonly [key: string]: unknown }): string {
  for (const key of ["description", "title"]) if (typeof raw[key] === "string") return raw[key];
  return "";
}

function demandsTask(raw: { readonly [key: string]: unknown }): boolean {
  return isRecord(raw["execution"]) && raw["execution"]["taskSupport"] === "required";
}

/** Turns numbers into doubles where a schema compares with them. A default is sent, so it keeps its digits. */
function readNumbers(schema: unknown, keyword = ""): unknown {
  if (isExact(schema)) return keyword === "default" ? schema : toDoubles(schema);
  if (Array.isArray(schema)) return schema.map((item) => readNumbers(item));
  if (!isRecord(schema)) return schema;
  return Object.fromEntries(Object.entries(schema).map(([key, item]) => [key, readNumbers(item, key)]));
}

/** Goes level by level, without recursion. */
function isDeeperThan(value: unknown, limit: number): boolean {
  let level = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > limit) return true;
    level = level.flatMap((each) => (typeof each === "object" && each !== null ? Object.values(each) : []));
  }
  return false;
}

function quarantine(name: string, reason: string): Parsed {
  return { ok: false, name, reason };
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "boolean" || isRecord(value);
}

function kindOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : `a ${typeof value}`;
}
