/**
 * Reads text in place of a declared result. Many servers send the declared value as JSON text only: text that fits the
 * declaration becomes that value. Any other text is passed on as it is, with a note.
 */
import { parseJson } from "../../json.ts";
import type { CatalogTool } from "../catalog.ts";
import { outputSchemaOf } from "./supplied-result.ts";

export interface ReadResult {
  readonly value: unknown;
  /** Why the value differs from the declaration. A sentence. */
  readonly note?: string;
}

/**
 * `value` is the tool's result. Only texts are read; any other misfit is the server's own affair. `checkMs`: the time
 * for the check.
 */
export function readDeclared(tool: CatalogTool, value: unknown, checkMs: number): ReadResult {
  const schema = typeof value === "string" ? outputSchemaOf(tool) : undefined;
  if (schema === undefined || typeof value !== "string") return { value };
  const isStructured = /^\s*[[{]/.test(value);
  const parsed = parse(value);
  // No value can be checked: the result is read as without a declaration.
  if (!schema.ok) return { value: isStructured && parsed.ok ? parsed.value : value };
  const plain = schema.check(value, { budgetMs: checkMs });
  if (plain.type === "valid") return { value };
  if (!parsed.ok) return { value, note: saying("it is no JSON") };
  // The check fills in defaults, which the tool did not send.
  const verdict = schema.check(parseJson(value), { budgetMs: checkMs - plain.tookMs });
  switch (verdict.type) {
    case "valid":
      return { value: parsed.value };
    case "unchecked":
      return {
        value: isStructured ? parsed.value : value,
        note: `The result is not validated against the tool's output schema: ${verdict.reason}.`,
      };
    case "invalid":
      return { value, note: saying(withoutAdvice(verdict.message)) };
  }
}

function saying(fault: string): string {
  return `The result is a text and not what the tool's output schema declares: ${fault}.`;
}

/** Advice is pointless: the value is the tool's, and the reader cannot change it. */
function withoutAdvice(faults: string): string {
  return faults.replaceAll(/: pass [^;]*/g, "");
}

type Parsed = { readonly ok: true; readonly value: unknown } | { readonly ok: false };

function parse(text: string): Parsed {
  try {
    return { ok: true, value: parseJson(text) };
  } catch {
    return { ok: false };
  }
}
