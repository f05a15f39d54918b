/** Types as text, with just enough structure to join them correctly, and the comments that go with them. */

/**
 * `open` accepts everything (and is `any` where values are read), `never` nothing. `loop` is a type defined only by
 * itself; it adds nothing to a union or an intersection.
 */
export interface TypeText {
  readonly text: string;
  readonly kind: "plain" | "union" | "intersection" | "open" | "never" | "loop";
}

/** A larger union is of no use to a reader and slows every type checker down. */
export const MAX_UNION = 100;

export const never: TypeText = { text: "never", kind: "never" };

export function plain(text: string): TypeText {
  return { text, kind: "plain" };
}

export function union(members: readonly TypeText[], open: TypeText): TypeText {
  const useful = members.filter(({ kind }) => kind !== "never" && kind !== "loop");
  const anything = useful.find(({ kind }) => kind === "open");
  if (anything !== undefined) return anything;
  const distinct = [...new Map(useful.map((member) => [member.text, member])).values()];
  const [first] = distinct;
  if (first === undefined) return members.find(({ kind }) => kind === "loop") ?? never;
  if (distinct.length === 1) return first;
  if (distinct.length > MAX_UNION)
    return { text: `${open.text} /* one of ${distinct.length} types */`, kind: "open" };
  // `|` binds weaker than `&`, so no member needs parentheses.
  return { text: distinct.map(({ text }) => text).join(" | "), kind: "union" };
}

export function intersection(parts: readonly TypeText[], open: TypeText): TypeText {
  const useful = parts.filter(({ kind }) => kind !== "open" && kind !== "loop");
  if (useful.some(({ kind }) => kind === "never")) return never;
  const distinct = [...new Map(useful.map((part) => [part.text, part])).values()];
  const [first] = distinct;
  // Of several open parts, the one that gives the reason.
  if (first === undefined)
    return (
      parts.find(({ kind, text }) => kind === "open" && text !== open.text) ??
      parts.find(({ kind }) => kind === "open") ??
      parts[0] ??
      open
    );
  if (distinct.length === 1) return first;
  const text = distinct.map((part) => (part.kind === "union" ? `(${part.text})` : part.text)).join(" & ");
  return { text, kind: "intersection" };
}

export function arrayOf(item: TypeText): TypeText {
  return plain(`${item.kind === "union" || item.kind === "intersection" ? `(${item.text})` : item.text}[]`);
}

export interface Member {
  readonly name: string;
  readonly type: TypeText;
  readonly optional: boolean;
  /** Comment text without its delimiters; empty for none. */
  readonly doc: string;
}

const ONE_LINE = 80;

/** An object type; `index` is the type of every other property, or null. */
export function objectOf(members: readonly Member[], index: TypeText | null): TypeText {
  const fields = members.map(
    ({ name, type, optional }) => `${propertyKey(name)}${optional ? "?" : ""}: ${type.text}`,
  );
  if (index !== null) fields.push(`[key: string]: ${index.text}`);
  if (fields.length === 0) return plain("{}");
  const oneLine = `{ ${fields.join("; ")} }`;
  const documented = members.some(({ doc }) => doc !== "");
  if (!documented && oneLine.length <= ONE_LINE && !oneLine.includes("\n")) return plain(oneLine);
  const lines = fields.map((field, at) => indent(`${comment(members[at]?.doc ?? "")}${field};`));
  return plain(`{\n${lines.join("\n")}\n}`);
}

/** Indents every line by two blanks. Type text has no line break inside a literal, so nothing else changes. */
export function indent(text: string): string {
  return `  ${text.replaceAll("\n", "\n  ")}`;
}

/** A property's name as a type writes it. */
export function propertyKey(name: string): string {
  return IDENTIFIER.test(name) ? name : JSON.stringify(name);
}

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** A comment on a line of its own before the thing it documents, or nothing. */
export function comment(doc: string): string {
  return doc === "" ? "" : `/** ${doc} */\n`;
}

/** Text from a server on one line, cut to `maxLength`, that cannot end the comment it is put in. */
export function docText(text: string, maxLength: number): string {
  const line = text
    .slice(0, maxLength * 4)
    .replace(/[\s\p{Cc}\p{Bidi_Control}]+/gu, " ")
    .trim();
  const cut = line.length > maxLength || text.length > maxLength * 4;
  return `${line.slice(0, maxLength).trimEnd()}${cut ? "…" : ""}`.toWellFormed().replaceAll("*/", "*\\/");
}
