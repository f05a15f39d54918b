/** What the compiler has to know of a program's `input`: enough to say which parameters it can fill. */

export interface InputShape {
  /** `null`: there is no input. `unknown`: the program is only looked at, and its input is anybody's guess. */
  readonly kind: "null" | "boolean" | "number" | "string" | "array" | "object" | "unknown";
  /** Names of an object's fields; empty for everything else. */
  readonly fields: readonly string[];
}

export const noInput: InputShape = { kind: "null", fields: [] };
export const unknownInput: InputShape = { kind: "unknown", fields: [] };

/** The shape of a JSON value. A program without functions takes nothing from it, whatever it is. */
export function inputShape(input: unknown, code: string): InputShape {
  if (input === null || input === undefined || !/=>|\\u003e|\b(?:function|exports?)\b/i.test(code))
    return noInput;
  switch (typeof input) {
    case "boolean":
    case "number":
    case "string":
      return { kind: typeof input as "boolean" | "number" | "string", fields: [] };
    case "object":
      return Array.isArray(input)
        ? { kind: "array", fields: [] }
        : { kind: "object", fields: Object.keys(input) };
    default:
      return noInput;
  }
}
