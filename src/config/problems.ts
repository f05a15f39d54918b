/** The source of a setting, and its fault, in one line. Values are never echoed: they may be secrets. */
import { z } from "zod";
import { nearestNames } from "../tools/nearest.ts";
import type { ConfigDocument, Path } from "./document.ts";

/** A setting from outside the file. */
export interface Override {
  readonly path: Path;
  readonly value: unknown;
  /** The variable or flag. */
  readonly label: string;
}

export interface Origins {
  /** `toolarium.json:12:5 server.port`, `TOOLARIUM_SERVER__PORT (server.port)` or `--port (server.port)`. */
  at(path: Path, part?: "key" | "value"): string;
  /** One line per fault, with the nearest known name for an unknown key. */
  explain(issue: z.core.$ZodIssue, schema: z.core.$ZodType): readonly string[];
}

export interface OriginSources {
  /** The file's name, or a substitute for it. */
  readonly source: string;
  readonly document?: ConfigDocument;
  readonly overrides: readonly Override[];
  /** Converts a path of the configuration to its place in the file: undoes aliases. */
  readonly toFilePath: (path: Path) => Path;
}

export function createOrigins({ source, document, overrides, toFilePath }: OriginSources): Origins {
  const at: Origins["at"] = (path, part = "value") => {
    const override = overrides.findLast((each) => each.path.every((step, index) => path[index] === step));
    if (override !== undefined) return `${override.label} (${pathText(path)})`;
    const inFile = toFilePath(path);
    const place = document === undefined ? source : `${source}:${document.locate(inFile, part)}`;
    return `${place} ${pathText(inFile)}`.trimEnd();
  };
  return {
    at,
    explain: (issue, schema) => {
      if (issue.code !== "unrecognized_keys") return [`${at(issue.path.map(toStep))}: ${issue.message}`];
      const path = issue.path.map(toStep);
      const holder = path.reduce<z.core.$ZodType | undefined>(
        (place, step) => (place === undefined ? undefined : childOf(place, String(step))),
        schema,
      );
      return issue.keys.map(
        (key) => `${at([...path, key], "key")}: unknown key${didYouMean(key, keysOf(holder))}`,
      );
    },
  };
}

/** `; did you mean "port"?`, or nothing. */
export function didYouMean(wanted: string, known: readonly string[]): string {
  const [near] = nearestNames(wanted, known, 1);
  return near === undefined ? "" : `; did you mean ${JSON.stringify(near)}?`;
}

/** For zod: the expected type, and the type that came. */
export function describeIssue(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      if (issue.input === undefined) return `is missing: expected ${expectedText(issue.expected)}`;
      return `expected ${expectedText(issue.expected)}, got ${typeText(issue.input)}`;
    case "invalid_value":
      return `expected ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
    case "too_small":
      if (issue.origin === "string") return "expected text that is not empty";
      if (issue.inclusive === false) return `expected more than ${issue.minimum}`;
      return `expected at least ${issue.minimum}${issue.origin === "array" ? " entry" : ""}`;
    case "too_big":
      return `expected at most ${issue.maximum}`;
    default:
      return undefined;
  }
}

/** The schema under a key, without defaults and optionality. */
export function childOf(schema: z.core.$ZodType, key: string): z.core.$ZodType | undefined {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject) return Object.hasOwn(inner.shape, key) ? inner.shape[key] : undefined;
  if (inner instanceof z.ZodRecord) return inner.valueType;
  return inner instanceof z.ZodArray ? inner.element : undefined;
}

export function keysOf(schema: z.core.$ZodType | undefined): readonly string[] {
  const inner = schema === undefined ? undefined : unwrap(schema);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

export function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodExactOptional
  )
    return unwrap(schema.unwrap());
  return schema;
}

/** `keys[0].tools.allow`, `mcpServers["a.b"].url`. */
function pathText(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === "number") return `[${step}]`;
      if (!/^[\w$-]+$/.test(step)) return `[${JSON.stringify(step)}]`;
      return index === 0 ? step : `.${step}`;
    })
    .join("");
}

function toStep(step: PropertyKey): string | number {
  return typeof step === "symbol" ? String(step) : step;
}

function expectedText(type: string): string {
  if (type === "int") return "a whole number";
  return type === "record" ? "an object" : withArticle(type);
}

function typeText(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "number" && !Number.isInteger(value)) return "a fraction";
  return withArticle(Array.isArray(value) ? "array" : typeof value);
}

function withArticle(type: string): string {
  return `${/^[aeiou]/.test(type) ? "an" : "a"} ${type}`;
}
