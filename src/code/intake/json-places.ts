/**
 * Parses JSON and keeps the position of each value. Lenient where models are: strings may contain line breaks and
 * unknown escapes, lists a trailing comma. Any other text is refused.
 */

export type JsonPlace =
  /** `start` and `end` enclose the text between the quotes. */
  | { readonly type: "string"; readonly start: number; readonly end: number }
  | { readonly type: "array"; readonly items: readonly JsonPlace[] }
  | { readonly type: "object"; readonly members: readonly (readonly [name: string, value: JsonPlace])[] }
  | { readonly type: "other" };

/** Models do not wrap a program deeper. */
const MAX_DEPTH = 20;

/** Undefined unless the whole text is one such value. */
export function placesOf(text: string): JsonPlace | undefined {
  const reader = { text, at: 0 };
  const value = readValue(reader, 0);
  skipBlanks(reader);
  return reader.at === text.length ? value : undefined;
}

interface Reader {
  readonly text: string;
  at: number;
}

function skipBlanks(reader: Reader): void {
  while (/\s/.test(reader.text.charAt(reader.at))) reader.at += 1;
}

function take(reader: Reader, char: string): boolean {
  skipBlanks(reader);
  if (reader.text[reader.at] !== char) return false;
  reader.at += 1;
  return true;
}

function readValue(reader: Reader, depth: number): JsonPlace | undefined {
  if (depth > MAX_DEPTH) return undefined;
  if (take(reader, "{")) return readObject(reader, depth);
  if (take(reader, "[")) return readArray(reader, depth);
  if (reader.text[reader.at] === '"') return readString(reader);
  const word = /[\w.+-]+/y;
  word.lastIndex = reader.at;
  const found = word.exec(reader.text)?.[0];
  if (found === undefined || !/^(?:true|false|null|-?\d[\d.eE+-]*)$/.test(found)) return undefined;
  reader.at += found.length;
  return { type: "other" };
}

function readString(reader: Reader): Extract<JsonPlace, { type: "string" }> | undefined {
  const { text } = reader;
  const start = reader.at + 1;
  for (let at = start; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === '"') {
      reader.at = at + 1;
      return { type: "string", start, end: at };
    }
  }
  return undefined;
}

function readArray(reader: Reader, depth: number): JsonPlace | undefined {
  const items: JsonPlace[] = [];
  while (!take(reader, "]")) {
    const item = readValue(reader, depth + 1);
    if (item === undefined) return undefined;
    items.push(item);
    if (take(reader, ",")) continue;
    return take(reader, "]") ? { type: "array", items } : undefined;
  }
  return { type: "array", items };
}

function readObject(reader: Reader, depth: number): JsonPlace | undefined {
  const members: [string, JsonPlace][] = [];
  while (!take(reader, "}")) {
    const name = reader.text[reader.at] === '"' ? readString(reader) : undefined;
    if (name === undefined || !take(reader, ":")) return undefined;
    const value = readValue(reader, depth + 1);
    if (value === undefined) return undefined;
    members.push([reader.text.slice(name.start, name.end), value]);
    if (take(reader, ",")) continue;
    return take(reader, "}") ? { type: "object", members } : undefined;
  }
  return { type: "object", members };
}
