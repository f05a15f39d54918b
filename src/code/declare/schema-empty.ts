/** Whether an argument object may be omitted because none of its properties is required. */
import { isSchema, list, own, resolveRef } from "./schema-refs.ts";

const MAX_DEPTH = 20;

/** True when the schema accepts an object without properties; those with a default count as given. */
export function allowsNoProperties(root: unknown): boolean {
  const allows = (schema: unknown, depth: number): boolean => {
    if (!isSchema(schema)) return schema !== false;
    if (depth > MAX_DEPTH) return false;
    const properties = own(schema, "properties");
    const needed = list(own(schema, "required")).filter((name) => {
      const property = isSchema(properties) && typeof name === "string" ? own(properties, name) : undefined;
      return !(isSchema(property) && Object.hasOwn(property, "default"));
    });
    if (needed.length > 0) return false;
    const ref = own(schema, "$ref");
    if (ref !== undefined && !allows(resolveRef(root, ref)?.schema, depth + 1)) return false;
    if (!list(own(schema, "allOf")).every((part) => allows(part, depth + 1))) return false;
    return ["anyOf", "oneOf"].every((keyword) => {
      const branches = list(own(schema, keyword));
      return branches.length === 0 || branches.some((branch) => allows(branch, depth + 1));
    });
  };
  return allows(root, 0);
}
