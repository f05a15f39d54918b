/** A schema in the validator's form, and the verdict of a check against it. */
import type { Schema, SchemaDraft } from "@cfworker/json-schema";
import { isRecord } from "../../json.ts";
import type { Pattern } from "./linear-patterns.ts";

export type SchemaVerdict = (
  | { readonly type: "valid" }
  /** `message` names the first faults. */
  | { readonly type: "invalid"; readonly message: string }
  /** The part of the schema that this value needs is malformed, or there was no time. */
  | { readonly type: "unchecked"; readonly reason: string }
) & {
  /** Milliseconds that the check took. */
  readonly tookMs: number;
};

/** A prepared schema, with the validator's absolute addresses in it. */
export interface PreparedSchema {
  readonly root: Schema | boolean;
  readonly draft: SchemaDraft;
  /** Every subschema by its absolute address. */
  readonly lookup: Record<string, Schema | boolean>;
  readonly filled: FilledDefaults;
  readonly patterns: ReadonlyMap<string, Pattern>;
}

/** The missing properties that get their default: only required ones, or all. */
export type FilledDefaults = "required" | "all";

/** Whether it is a schema with keywords, rather than `true`, `false` or no schema. */
export function isSchemaObject(value: unknown): value is Schema {
  return isRecord(value);
}
