/**
 * What is known of a value without types: whether it is a promise, or holds one. Anything uncertain is unknown, and
 * unknown values get no remark.
 */
import type { SyntaxNode } from "../syntax/parse.ts";
import type { Reference } from "../syntax/references.ts";

export type Value =
  | PromiseValue
  | ArrayValue
  | ObjectValue
  | { readonly type: "function"; readonly node: SyntaxNode }
  /** A server, a tool, or `tools` itself: the target of a chain of names. */
  | { readonly type: "tools"; readonly reference: Reference }
  /** Holds no function and no promise: a tool's result, a literal, an operator's result. */
  | { readonly type: "data" }
  | { readonly type: "nullish" }
  /** Its methods are its own, even if they have the names of an array's. */
  | { readonly type: "instance" }
  | { readonly type: "unknown" };

export interface PromiseValue {
  readonly type: "promise";
  /** False when it may be null or undefined instead. */
  readonly certain: boolean;
  readonly result: Value;
  /** The call that made it. */
  readonly origin: SyntaxNode;
}

export interface ArrayValue {
  readonly type: "array";
  /** What is true of every element. */
  readonly element: Value;
  /** The elements of a literal, one by one. */
  readonly items?: readonly Value[];
}

export interface ObjectValue {
  readonly type: "object";
  readonly fields: ReadonlyMap<string, Value>;
}

export const UNKNOWN: Value = { type: "unknown" };
export const DATA: Value = { type: "data" };
export const NULLISH: Value = { type: "nullish" };
export const INSTANCE: Value = { type: "instance" };

export function arrayOf(element: Value, items?: readonly Value[]): Value {
  return { type: "array", element, ...(items === undefined ? {} : { items }) };
}

/** What is true of a value that is one of these. */
export function joinAll(values: readonly Value[]): Value {
  const [first, ...others] = values;
  return first === undefined ? UNKNOWN : others.reduce(join, first);
}

function join(a: Value, b: Value): Value {
  if (a.type === "promise" && b.type === "promise")
    return { ...a, certain: a.certain && b.certain, result: join(a.result, b.result) };
  if (a.type === "promise" && b.type === "nullish") return { ...a, certain: false };
  if (a.type === "nullish" && b.type === "promise") return { ...b, certain: false };
  if (a.type === "array" && b.type === "array") return arrayOf(join(a.element, b.element));
  if (isPlain(a) && isPlain(b)) return a.type === "data" ? a : b;
  return a === b ? a : UNKNOWN;
}

function isPlain({ type }: Value): boolean {
  return type === "data" || type === "nullish";
}

/** The value after `await`. */
export function settle(value: Value): Value {
  return value.type === "promise" ? settle(value.result) : value;
}

/** The values that `for … of` and callbacks of array methods get. */
export function elementOf(value: Value): Value {
  if (value.type === "array") return value.element;
  return value.type === "data" ? DATA : UNKNOWN;
}

export function fieldOfValue(value: Value, name: string | undefined): Value {
  switch (value.type) {
    case "data":
      return DATA;
    case "tools": {
      const { root, path } = value.reference;
      return { type: "tools", reference: { root, path: [...path, name ?? "…"] } };
    }
    case "array":
      if (name === "length") return DATA;
      return name === undefined || /^\d+$/.test(name) ? itemOf(value, name) : UNKNOWN;
    case "object":
      return (name !== undefined && value.fields.get(name)) || UNKNOWN;
    default:
      return UNKNOWN;
  }
}

function itemOf({ items, element }: ArrayValue, index: string | undefined): Value {
  return (index !== undefined && items?.[Number(index)]) || element;
}

/** A promise that the value certainly contains, at any depth. */
export function promiseIn(value: Value, depth = 0): PromiseValue | undefined {
  if (depth > MAX_DEPTH) return undefined;
  switch (value.type) {
    case "promise":
      return value;
    case "array":
      return firstPromise([value.element, ...(value.items ?? [])], depth);
    case "object":
      return firstPromise([...value.fields.values()], depth);
    default:
      return undefined;
  }
}

const MAX_DEPTH = 8;

function firstPromise(values: readonly Value[], depth: number): PromiseValue | undefined {
  for (const value of values) {
    const found = promiseIn(value, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}
