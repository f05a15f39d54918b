/**
 * Keeps large texts outside of their events: arguments, results and messages can have megabytes, and several events
 * often hold the same text. The stored event has `{ "sha256": "…", "bytes": 123 }` in the text's place. These fields
 * are texts otherwise, so an object there can only be such a reference.
 */
import type { JournalEvent } from "../journal.ts";
import { sha256 } from "./chain.ts";

/** Takes the place of a text in a stored event. */
interface TextReference {
  /** Lower-case hex. */
  readonly sha256: string;
  /** Of the text as UTF-8. */
  readonly bytes: number;
}

/** UTF-16 units. Shorter texts stay where they are: a look-up costs more than it saves. */
const LARGE = 16_384;

type Path = readonly [field: string, inner?: string];

/** Where each type of event has texts that can be large. */
const places: ReadonlyMap<unknown, readonly Path[]> = new Map<JournalEvent["type"], readonly Path[]>([
  ["requested", [["args"]]],
  ["decided", [["args"], ["value"]]],
  ["settled", [["outcome", "value"]]],
  ["ended", [["result"]]],
  ["answered", [["content"]]],
  ["turn", [["message"], ["finish"]]],
]);

type Fields = Readonly<Record<string, unknown>>;

/** The event as it is stored. `keep` gets each text that is kept outside of it, with its bytes as UTF-8. */
export function moveLargeTexts(
  event: JournalEvent,
  keep: (hash: string, text: string, bytes: number) => void,
): Fields {
  return replaceTexts(event, (text) => {
    // A text with half a surrogate pair survives only as JSON.
    if (typeof text !== "string" || text.length < LARGE || !text.isWellFormed()) return text;
    const reference: TextReference = { sha256: sha256(text), bytes: Buffer.byteLength(text) };
    keep(reference.sha256, text, reference.bytes);
    return reference;
  });
}

/** The event as it was appended. A text that `find` does not know leaves its reference, which is no event's value. */
export function restoreLargeTexts(stored: Fields, find: (hash: string) => string | undefined): Fields {
  return replaceTexts(stored, (value) => (isReference(value) ? (find(value.sha256) ?? value) : value));
}

/** The hashes of the texts that a stored event refers to. */
export function largeTextHashes(stored: Fields): readonly string[] {
  const hashes: string[] = [];
  replaceTexts(stored, (value) => {
    if (isReference(value)) hashes.push(value.sha256);
    return value;
  });
  return hashes;
}

/** UTF-16 units of the texts of this event that can be large. */
export function largeTextLength(event: JournalEvent): number {
  let length = 0;
  replaceTexts(event, (text) => {
    if (typeof text === "string") length += text.length;
    return text;
  });
  return length;
}

/** Copies only what changes. */
function replaceTexts(event: object, replace: (value: unknown) => unknown): Fields {
  let fields = event as Fields;
  for (const [field, inner] of places.get(fields["type"]) ?? []) {
    const outer = fields[field];
    if (inner === undefined) fields = withField(fields, field, replace(outer));
    else if (isFields(outer))
      fields = withField(fields, field, withField(outer, inner, replace(outer[inner])));
  }
  return fields;
}

function withField(fields: Fields, name: string, value: unknown): Fields {
  return fields[name] === value ? fields : { ...fields, [name]: value };
}

function isReference(value: unknown): value is TextReference {
  return isFields(value) && typeof value["sha256"] === "string";
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}
