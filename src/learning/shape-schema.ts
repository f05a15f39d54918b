/** A shape as a JSON Schema, so that observed types are written by the same code as promised ones. */

import { compareBytes } from "../tools/names.ts";
import type { JsonSchema } from "../tools/tool-source.ts";
import { cutBelow, depthOf, isSure, kinds, type ObjectShape, objectShape, type Shape } from "./shape.ts";

/**
 * Most characters of a schema as JSON: about 75 fields, and 400 tokens of a model's prompt. A program that needs more
 * of a result can inspect it.
 */
const MAX_CHARS = 3_000;

/** Undefined while too few results were seen. Of a shape that is too large, the deepest places are left out. */
export function toSchema(shape: Shape): JsonSchema | undefined {
  if (!isSure(shape) || shape.cut) return undefined;
  let schema = schemaAt(shape);
  for (let depth = depthOf(shape); depth > 1 && JSON.stringify(schema).length > MAX_CHARS; depth -= 1)
    schema = schemaAt(cutBelow(shape, depth));
  return schema;
}

const ANYTHING: JsonSchema = true;

function schemaAt(shape: Shape): JsonSchema {
  if (!isSure(shape) || shape.cut) return ANYTHING;
  const { object, array } = shape;
  const plain = (["string", "number", "boolean", "null"] as const).filter(
    (kind) => shape.kinds & kinds[kind],
  );
  return {
    type: [...(object === null ? [] : ["object"]), ...(array === null ? [] : ["array"]), ...plain],
    ...(object === null ? {} : ofObject(object)),
    ...(array === null ? {} : { items: array.items === null ? ANYTHING : schemaAt(array.items) }),
  };
}

function ofObject(object: ObjectShape): { readonly [keyword: string]: JsonSchema | readonly string[] } {
  const sure = [...object.keys]
    .filter(([, { shape }]) => isSure(shape))
    .sort(([a], [b]) => compareBytes(a, b));
  if (sure.length === 0 || varies(object, sure.length)) return { additionalProperties: ofMap(object) };
  return {
    properties: Object.fromEntries(sure.map(([name, { shape }]) => [name, schemaAt(shape)])),
    required: sure.flatMap(([name, { optional }]) => (optional ? [] : [name])),
    // Keys that are not listed exist, and may be read.
    additionalProperties: object.rest !== null,
  };
}

/** Keys that change from call to call are data: none is always present, and most were seen in few calls. */
function varies({ keys }: ObjectShape, sure: number): boolean {
  return keys.size - sure >= sure && [...keys.values()].every(({ optional }) => optional);
}

/** The schema of its values, whatever their keys. */
function ofMap(object: ObjectShape): JsonSchema {
  const { rest } = objectShape({ ...object, isMap: true });
  return rest === null ? ANYTHING : schemaAt(rest);
}
