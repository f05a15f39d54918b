/** Programs that arrive escaped: as the `code` of a JSON object, or with `\n` where line breaks should be. */
import { scanText } from "./lexical.ts";
import { type Decoded, decode, type SourceText } from "./source-text.ts";

/** The value of `code` when the whole text is a JSON object with just that field. */
export function decodeJsonCode(source: SourceText): SourceText | undefined {
  const head = /^\s*\{\s*"code"\s*:\s*"/.exec(source.text);
  if (head === null) return undefined;
  const value = readJson(source.text);
  if (typeof value !== "object" || value === null || Object.keys(value).length !== 1) return undefined;
  const end = source.text.lastIndexOf('"');
  return decode(source, head[0].length, end, jsonEscapes(source.text, head[0].length, end));
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function jsonEscapes(text: string, start: number, end: number): readonly Decoded[] {
  const escapes: Decoded[] = [];
  for (const found of text.slice(start, end).matchAll(/\\(?:u[\da-fA-F]{4}|[^u])/g)) {
    const at = start + found.index;
    const decoded = readJson(`"${found[0]}"`);
    if (typeof decoded === "string") escapes.push({ start: at, end: at + found[0].length, text: decoded });
  }
  return escapes;
}

/**
 * Readings of a text whose line breaks are written `\n`, most careful first: only those outside strings, then, when
 * quotes are escaped outside strings too, the text unescaped as the whole it must have been escaped as.
 */
export function* decodeEscapes(source: SourceText): Generator<SourceText> {
  const { text } = source;
  if (!/\\[nr]/.test(text)) return;
  const stray = scanText(text, true).strayBackslashes;
  const breaks = stray.flatMap((at): readonly Decoded[] => {
    const decoded = WHITESPACE.get(text[at + 1] ?? "");
    return decoded === undefined ? [] : [{ start: at, end: at + 2, text: decoded }];
  });
  if (breaks.length > 0) yield decode(source, 0, text.length, breaks);
  if (stray.some((at) => text[at + 1] === '"' || text[at + 1] === "'"))
    yield decode(source, 0, text.length, jsonEscapes(text, 0, text.length));
}

const WHITESPACE: ReadonlyMap<string, string> = new Map([
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);
