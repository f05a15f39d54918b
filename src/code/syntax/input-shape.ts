/** The shape of a program's `input`, as the compiler needs it: enough to decide which parameters it can fill. */

export interface InputShape {
  /** `null`: there is no input. `unknown`: the program is only checked, and any input is possible. */
  readonly kind: "null" | "boolean" | "number" | "string" | "array" | "object" | "unknown";
  /** Names of an object's fields; empty for any other kind. */
  readonly fields: readonly string[];
}

export const noInput: InputShape = { kind: "null", fields: [] };
export const unknownInput: InputShape = { kind: "unknown", fields: [] };

/** The shape of a JSON value. A program without functions does not use it. */
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
