/** A configuration file as text: parsed with comments and trailing commas; every value can be located by its path. */

import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import { isComment } from "./comments.ts";

export type Path = readonly (string | number)[];

export interface ConfigDocument {
  /** Plain objects and arrays, made for this document: the caller may change them. */
  readonly value: unknown;
  /** `12:5`, 1-based, of the key or the value at the path, or of the nearest existing parent. */
  locate(path: Path, part: "key" | "value"): string;
}

export interface ParsedDocument {
  readonly document: ConfigDocument;
  /** Syntax faults, each with its place. */
  readonly faults: readonly { readonly place: string; readonly message: string }[];
}

/** Never throws: for a faulty text the document holds the readable part. */
export function parseDocument(text: string): ParsedDocument {
  const source = text.startsWith("\uFEFF") ? ` ${text.slice(1)}` : text;
  const errors: ParseError[] = [];
  const root = parseTree(source, errors, { allowTrailingComma: true });
  const placeOf = (offset: number): string => {
    const before = source.slice(0, offset).split("\n");
    return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
  };
  const keyFaults: { offset: number; message: string }[] = [];
  const value = root === undefined ? undefined : toValue(root, keyFaults);
  return {
    document: { value, locate: (path, part) => placeOf(root === undefined ? 0 : offsetOf(root, path, part)) },
    faults: [
      ...errors.map(({ error, offset }) => ({ offset, message: describeFault(error, source, offset) })),
      ...keyFaults,
    ].map(({ offset, message }) => ({ place: placeOf(offset), message })),
  };
}

function toValue(node: Node, faults: { offset: number; message: string }[]): unknown {
  if (node.type === "array") return (node.children ?? []).map((item) => toValue(item, faults));
  if (node.type !== "object") return node.value;
  const value: Record<string, unknown> = {};
  for (const { children = [] } of node.children ?? []) {
    const [key, inner] = children;
    if (key === undefined || inner === undefined) continue;
    const name = String(key.value);
    if (isComment(name)) continue;
    if (name === "__proto__") faults.push({ offset: key.offset, message: "__proto__ cannot be a key" });
    else if (Object.hasOwn(value, name))
      faults.push({ offset: key.offset, message: `the key ${JSON.stringify(name)} stands here twice` });
    else value[name] = toValue(inner, faults);
  }
  return value;
}

function offsetOf(root: Node, path: Path, part: "key" | "value"): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node = findNodeAtLocation(root, path.slice(0, length));
    if (node === undefined) continue;
    const isWhole = length === path.length;
    const property = node.parent?.type === "property" ? node.parent : undefined;
    return isWhole && part === "key" && property !== undefined ? property.offset : node.offset;
  }
  return root.offset;
}

/** `CommaExpected` → `comma expected`, with advice for faults that pasting causes. */
function describeFault(error: number, source: string, offset: number): string {
  const words = printParseErrorCode(error)
    .replace(/(?<=[a-z])(?=[A-Z])/g, " ")
    .toLowerCase();
  const hint = pastingFaults.find(([pattern]) => pattern.test(source.slice(offset, offset + 3)))?.[1];
  if (hint !== undefined) return `${words}: ${hint}`;
  const isUnwrapped = words === "end of file expected" && /^\s*"/.test(source);
  return isUnwrapped ? `${words}: write { } around the whole` : words;
}

const pastingFaults: readonly (readonly [RegExp, string])[] = [
  [/^[“”„‟«»]/u, 'these are typographic quotes; write "'],
  [/^['‘’]/u, 'texts stand in double quotes; write "'],
  [/^\u00a0/u, "this is a no-break space; write an ordinary one"],
  [/^```/, "this is Markdown's mark; leave it out"],
];

/** A value of `raw` that has another place in the file. */
export interface Move {
  readonly to: Path;
  readonly from: Path;
}
