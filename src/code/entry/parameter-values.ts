/** The value of a parameter's name when a function is called as the program. */
import type { InputShape } from "../syntax/input-shape.ts";
import type { Insertion } from "../syntax/source-text.ts";
import type { Uses } from "./parameter-uses.ts";

export interface ParameterContext {
  readonly text: string;
  readonly input: InputShape;
  readonly globals: readonly string[];
  readonly uses: Uses;
}

export interface Missing {
  readonly name: string;
  readonly offset: number;
}

/** How one parameter is filled. */
export type Fill =
  /** `fromField`: a field of `input`, not all of it. */
  | { readonly type: "value"; readonly text: string; readonly fromField: boolean }
  /** Its own default, or nothing because it needs nothing. */
  | { readonly type: "nothing"; readonly insertions?: readonly Insertion[] }
  | { readonly type: "missing"; readonly missing: readonly Missing[] }
  /** The name is unknown: it may stand for all of `input`. */
  | { readonly type: "open"; readonly name: string; readonly offset: number; readonly hasDefault: boolean };

export interface KnownValue {
  /** The value as written outside the function. */
  readonly text: string;
  readonly fromField: boolean;
}

/** A field of `input` wins over a global of its name. */
export function knownValue(
  name: string,
  { input, globals }: Pick<ParameterContext, "input" | "globals">,
): KnownValue | undefined {
  if (input.fields.includes(name)) return { text: fieldText(name), fromField: true };
  return globals.includes(name) ? { text: name, fromField: false } : undefined;
}

export function fieldText(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `input.${name}` : `input[${JSON.stringify(name)}]`;
}

/** One property of an object literal. */
export function entryText(name: string, value: string): string {
  // Written plainly, this name would set the prototype.
  return `${name === "__proto__" ? '["__proto__"]' : JSON.stringify(name)}: ${value}`;
}
