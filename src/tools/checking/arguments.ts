/**
 * Checks arguments at the gate: text in, canonical text or a message about the faults out. One and the same text is
 * validated, hashed, shown to people, journalled and sent.
 */
import { limitTable } from "../../../sandbox/index.ts";
import { isExact, isRecord, parseJson } from "../../json.ts";
import type { CatalogTool } from "../catalog.ts";
import { type Spelling, spellTool } from "../spelling.ts";
import { CHECK_MS, type CompiledSchema, compileSchema } from "./schema-check.ts";
import { mayHoldDigits } from "./schema-digits.ts";

/** Deepest nesting of values; a scalar is 0. */
const MAX_DEPTH = 200;

/** Longest text in bytes that is parsed. A run has a limit of its own for what it sends, which is lower. */
const MAX_BYTES: number = limitTable.toolArgsBytes.ceiling;

export interface CheckedArguments {
  readonly ok: true;
  /** Canonical JSON text: defaults filled, keys in the order received, numbers with all their digits, no `__proto__`. */
  readonly text: string;
  /** The text's value, as `parseJson` reads it. */
  readonly value: { readonly [name: string]: unknown };
  /** False when the arguments passed unchecked, or were only partly checked; `reason` says why. */
  readonly validated: boolean;
  readonly reason?: string;
  /** Milliseconds left of the call's time for checks, to check its result. */
  readonly checkMs: number;
}

interface RefusedArguments {
  readonly ok: false;
  /** Names the faults; written for a model. */
  readonly message: string;
}

export interface ArgumentChecker {
  /** Never throws. `argsText` is JSON text; an empty one means no arguments. `spelling`: `program` unless given. */
  check(
    tool: CatalogTool,
    argsText: string | undefined,
    spelling?: Spelling,
  ): CheckedArguments | RefusedArguments;
}

/** Schemas are prepared at a tool's first call, and kept as long as its catalog. */
export function createArgumentChecker(): ArgumentChecker {
  return {
    check: (tool, argsText = "", spelling = "program") => {
      const parsed = parseArguments(argsText, tool, spelling);
      if (!parsed.ok) return refuseArguments(spellTool(tool, spelling), parsed.fault);
      const { value } = parsed;
      const schema = schemaOf(tool);
      const options = { digits: mayHoldDigits(argsText), advise: true };
      const verdict = schema.ok
        ? schema.check(value, options)
        : { type: "unchecked" as const, reason: schema.reason, tookMs: 0 };
      if (verdict.type === "invalid") return refuseArguments(spellTool(tool, spelling), verdict.message);
      const reason = verdict.type === "unchecked" ? verdict.reason : whyNotValidated(tool);
      return {
        ok: true,
        text: JSON.stringify(value),
        value,
        validated: reason === undefined,
        ...(reason === undefined ? {} : { reason }),
        checkMs: CHECK_MS - verdict.tookMs,
      };
    },
  };
}

/**
 * Why the tool's arguments pass unchecked, or only partly checked: a fault of its input schema. Undefined when they are
 * checked.
 */
export function whyNotValidated(tool: CatalogTool): string | undefined {
  const schema = schemaOf(tool);
  return schema.ok ? schema.unread : schema.reason;
}

const schemas = new WeakMap<CatalogTool, CompiledSchema>();

function schemaOf(tool: CatalogTool): CompiledSchema {
  const schema =
    schemas.get(tool) ?? compileSchema(tool.inputSchema, isGivenInCode(tool) ? "all" : "required");
  schemas.set(tool, schema);
  return schema;
}

/**
 * The library of such a tool applies the same defaults. Filled in here, they are visible to the person who approves.
 */
function isGivenInCode(tool: CatalogTool): boolean {
  return tool.needsApproval !== undefined;
}

function refuseArguments(name: string, fault: string): RefusedArguments {
  return { ok: false, message: `The arguments of ${name} are not valid: ${fault}.` };
}

type Parsed =
  | { readonly ok: true; readonly value: { readonly [name: string]: unknown } }
  | { readonly ok: false; readonly fault: string };

function parseArguments(text: string, tool: CatalogTool, spelling: Spelling): Parsed {
  if (text.trim() === "") {
    // A program that passes nothing means no arguments; a model's empty text may be the rest of a longer one.
    const isEnough = spelling === "program" || requiredNames(tool).length === 0;
    return isEnough ? { ok: true, value: {} } : { ok: false, fault: `they are empty, ${sayExpected(tool)}` };
  }
  if (Buffer.byteLength(text) > MAX_BYTES)
    return { ok: false, fault: `they are larger than ${MAX_BYTES} bytes` };
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ok: false, fault: `they are not JSON (${reason})` };
  }
  if (!isRecord(value)) return { ok: false, fault: sayNoObject(value, tool) };
  const fault = normalize(value);
  return fault === undefined ? { ok: true, value } : { ok: false, fault };
}

function sayNoObject(value: unknown, tool: CatalogTool): string {
  if (typeof value === "string" && isRecord(readJson(value))) return "pass the object itself, not JSON text";
  return `${sayExpected(tool)}, got ${kindOf(value)}`;
}

function sayExpected(tool: CatalogTool): string {
  const names = parameterNames(tool);
  const example = names.length === 0 ? "" : ` ({ ${names.join(", ")} })`;
  return `expected one object of named arguments${example}`;
}

function requiredNames({ inputSchema }: CatalogTool): readonly unknown[] {
  const required: unknown = isRecord(inputSchema) ? inputSchema["required"] : undefined;
  return Array.isArray(required) ? required : [];
}

const MAX_NAMES = 8;

/** The required ones first; the others end in `?`. */
function parameterNames(tool: CatalogTool): readonly string[] {
  const { inputSchema } = tool;
  if (!isRecord(inputSchema) || !isRecord(inputSchema["properties"])) return [];
  const required = requiredNames(tool);
  const isNeeded = (name: string): boolean => required.includes(name);
  const names = Object.keys(inputSchema["properties"]);
  const ordered = [
    ...names.filter(isNeeded),
    ...names.filter((name) => !isNeeded(name)).map((name) => `${name}?`),
  ];
  return ordered.length > MAX_NAMES ? [...ordered.slice(0, MAX_NAMES), "…"] : ordered;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Drops `__proto__` keys in place. Level by level, not by recursion, because the depth is not known yet. */
function normalize(root: object): string | undefined {
  let level: readonly object[] = [root];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth >= MAX_DEPTH) return `they are nested more than ${MAX_DEPTH} levels deep`;
    const next: object[] = [];
    for (const holder of level) {
      Reflect.deleteProperty(holder, "__proto__");
      for (const item of Object.values(holder)) {
        // JavaScript, the language of most servers, would make it infinity.
        if (isExact(item) && !Number.isFinite(Number(item.rawJSON)))
          return "they hold a number that is out of range";
        if (typeof item === "object" && item !== null && !isExact(item)) next.push(item);
      }
    }
    level = next;
  }
  return undefined;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (isExact(value)) return "a number";
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}
