/** A schema as the validator has it, and what a check against it found. */
import type { Schema, SchemaDraft } from "@cfworker/json-schema";
import { isRecord } from "../../json.ts";
import type { Pattern } from "./linear-patterns.ts";

export type SchemaVerdict = (
  | { readonly type: "valid" }
  /** `message` names the first faults. */
  | { readonly type: "invalid"; readonly message: string }
  /** The schema turned out to be malformed in the part that this value needs, or there was no time. */
  | { readonly type: "unchecked"; readonly reason: string }
) & {
  /** Milliseconds that it took. */
  readonly tookMs: number;
};

/** A schema prepared by the validator, which wrote absolute addresses into it. */
export interface PreparedSchema {
  readonly root: Schema | boolean;
  readonly draft: SchemaDraft;
  /** Every subschema by its absolute address. */
  readonly lookup: Record<string, Schema | boolean>;
  readonly filled: FilledDefaults;
  readonly patterns: ReadonlyMap<string, Pattern>;
}

/** Which missing properties get their default: those that are required, or all of them. */
export type FilledDefaults = "required" | "all";

/** Whether it is a schema with keywords: none of `true`, `false` and what is no schema. */
export function isSchemaObject(value: unknown): value is Schema {
  return isRecord(value);
}
