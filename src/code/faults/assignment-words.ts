/** Parses TypeScript's messages about assignments: the properties and the types in them. */

export function missingProperties(text: string): readonly string[] {
  const one = /^Property '([^']+)' is missing in type/.exec(text)?.[1];
  if (one !== undefined) return [one];
  const several = /is missing the following properties from type '.*': (.+?)(?:, and \d+ more)?\.?$/s.exec(
    text,
  );
  return several?.[1]?.split(", ") ?? [];
}

export function unknownProperty(text: string): string | undefined {
  return /'([^']+)' does not exist in type/.exec(text)?.[1];
}

/** The given and the wanted type, as TypeScript prints them. */
export function typesIn(text: string): readonly [given: string, wanted: string] | undefined {
  const found =
    /^(?:Type|Argument of type) '(.*?)' (?:is not assignable to (?:type|parameter of type)|has no properties in common with type) '(.*)'\.?(?: Did you mean '.*'\?)?$/s.exec(
      text,
    );
  return found ? [found[1] ?? "", (found[2] ?? "").replace(/'\. Did you mean '.*$/s, "")] : undefined;
}

/** The type that lacks a property, as TypeScript prints it. */
export function ownerOfMissing(text: string): string | undefined {
  const found =
    /^Property '[^']+' is missing in type '(.*?)' but required|^(?:Type|Argument of type) '(.*?)' is missing the following properties/s.exec(
      text,
    );
  return found?.[1] ?? found?.[2];
}

/** The members of a union: two for `"a" | { b: 1 | 2 }`. */
export function membersOf(type: string): readonly string[] {
  const members: string[] = [];
  let depth = 0;
  let begin = 0;
  for (const { 0: token, index } of type.matchAll(/"(?:\\.|[^"\\])*"|=>|[<({[]|[>)}\]]|\|/g)) {
    if (/^[<({[]$/.test(token)) depth += 1;
    else if (/^[>)}\]]$/.test(token)) depth -= 1;
    else if (token === "|" && depth === 0) {
      members.push(type.slice(begin, index).trim());
      begin = index + 1;
    }
  }
  return [...members, type.slice(begin).trim()];
}

export function isUnion(type: string): boolean {
  return !/^[{[(]/.test(type) && type.includes(" | ");
}

/** A type for a sentence: short ones as they are, others by their kind. */
export function sayType(type: string): string {
  const short = type.replace(/ \| undefined$/, "").replaceAll(" | ", " or ");
  if (short.startsWith("Promise<")) return "a Promise (add await)";
  if (short.length <= 80) return short;
  if (short.endsWith("[]")) return "an array";
  return short.startsWith("{") ? "an object" : `${short.slice(0, 80)}…`;
}
