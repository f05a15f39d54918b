/** `const` and `enum` as literal types. */
import { arrayOf, MAX_UNION, objectOf, plain, type TypeText, union } from "./type-text.ts";

/** Longer strings and arrays get their general type. */
const MAX_STRING = 500;
const MAX_ITEMS = 50;
const MAX_DEPTH = 8;

/**
 * The literal type of this value, or its general type where the literal would be too long; `open` for a value without a
 * type.
 */
export function literalType(value: unknown, open: TypeText, depth = 0): TypeText {
  switch (typeof value) {
    case "string":
      return plain(value.length > MAX_STRING ? "string" : JSON.stringify(value));
    case "number":
      return plain(Number.isFinite(value) ? String(value) : "number");
    case "boolean":
      return plain(String(value));
    default:
  }
  if (value === null) return plain("null");
  if (typeof value !== "object" || depth > MAX_DEPTH) return open;
  if (Array.isArray(value)) {
    if (value.length > MAX_ITEMS) return arrayOf(open);
    return plain(`[${value.map((item) => literalType(item, open, depth + 1).text).join(", ")}]`);
  }
  const members = Object.entries(value).map(([name, item]) => {
    return { name, type: literalType(item, open, depth + 1), optional: false, doc: "" };
  });
  return objectOf(members, null);
}

/**
 * The type of the values that fit one of `types`; of all values when none fits, because then the two contradict each
 * other.
 */
export function enumType(values: readonly unknown[], types: readonly string[], open: TypeText): TypeText {
  const fitting = values.filter((value) => types.some((type) => isOfType(value, type)));
  const used = fitting.length === 0 ? values : fitting;
  if (used.length <= MAX_UNION)
    return union(
      used.map((value) => literalType(value, open)),
      open,
    );
  const wide = union(
    used.map((value) => wideType(value, open)),
    open,
  );
  return { text: `${wide.text} /* one of ${used.length} values */`, kind: wide.kind };
}

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case "integer":
      return typeof value === "number";
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case "string":
    case "number":
    case "boolean":
      return typeof value === type;
    default:
      return true;
  }
}

function wideType(value: unknown, open: TypeText): TypeText {
  switch (typeof value) {
    case "string":
    case "number":
    case "boolean":
      return plain(typeof value);
    default:
      return value === null ? plain("null") : open;
  }
}
