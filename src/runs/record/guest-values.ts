/**
 * Values on their way into a program. An integer beyond ±2^53 would lose digits there, so the program gets it as a
 * string, and the run's report says so. The text depends on the value alone, so a replay gets the same.
 */
import type { Diagnostic } from "../../code/compile.ts";
import type { ExactNumber } from "../../json/exact-number.ts";
import { isExact, mayLoseDigits, parseJson, replaceExact } from "../../json.ts";
import type { RunState } from "./run-state.ts";

/** JSON text as a program receives it. */
export function toGuestText(text: string): string {
  if (!mayLoseDigits(text)) return text;
  const value = parseJson(text);
  const told = toGuestValue(value);
  return told === value ? text : JSON.stringify(told);
}

export function toGuestValue(value: unknown): unknown {
  return replaceExact(value, (number) => (isText(number) ? number.rawJSON : Number(number.rawJSON)));
}

/**
 * An integer that a double cannot hold reaches a program as text, and so does a number too large for one. A fraction
 * becomes the nearest double, as a JavaScript literal would.
 */
function isText({ rawJSON }: ExactNumber): boolean {
  return /^-?\d+$/.test(rawJSON) || !Number.isFinite(Number(rawJSON));
}

/** One note for each place in a tool's results where such integers came, and for what else is odd about a result. */
export function notesOnResults(state: RunState): readonly Diagnostic[] {
  const places = new Map<string, Diagnostic>();
  for (const event of state.settlements) {
    if (!event.outcome.ok) continue;
    const tool = state.call(event.call)?.tool ?? "";
    if (event.note !== undefined) places.set(`${tool} note`, noteOf(`${tool}: ${event.note}`, ""));
    if (!mayLoseDigits(event.outcome.value)) continue;
    for (const path of pathsOf(parseJson(event.outcome.value)))
      places.set(`${tool} ${path}`, noteOn(`${tool}: ${path === "" ? "the result" : path}`, path));
  }
  return firstOf([...places.values()]);
}

export function notesOnInput(input: unknown): readonly Diagnostic[] {
  return firstOf(
    pathsOf(input).map((path) => {
      const whole = path === "" || path.startsWith("[") ? `input${path}` : `input.${path}`;
      return noteOn(whole, whole);
    }),
  );
}

const MAX_NOTES = 5;

function firstOf(notes: readonly Diagnostic[]): readonly Diagnostic[] {
  if (notes.length <= MAX_NOTES) return notes;
  const more = noteOf(`and ${notes.length - MAX_NOTES} more such notes on values`, "");
  return [...notes.slice(0, MAX_NOTES), more];
}

function noteOn(what: string, path: string): Diagnostic {
  return noteOf(
    `${what} holds a number that JavaScript cannot hold with all its digits: it is a string of them here. Compare it with strings, and pass it on as it is.`,
    path,
  );
}

function noteOf(message: string, path: string): Diagnostic {
  return { severity: "note", code: null, message, line: 1, column: 1, path };
}

/** Where a value holds such integers: `rows[].id`. All elements of an array are one place. */
function pathsOf(value: unknown): readonly string[] {
  const paths = new Set<string>();
  const visit = (item: unknown, path: string): void => {
    if (typeof item !== "object" || item === null) return;
    if (isExact(item)) {
      if (isText(item)) paths.add(path);
    } else if (Array.isArray(item)) {
      for (const element of item) visit(element, `${path}[]`);
    } else {
      for (const [key, part] of Object.entries(item)) visit(part, path + step(key, path === ""));
    }
  };
  visit(value, "");
  return [...paths];
}

function step(key: string, isFirst: boolean): string {
  if (!/^[A-Za-z_$][\w$]*$/.test(key)) return `[${JSON.stringify(key.slice(0, MAX_KEY_CHARS))}]`;
  return `${isFirst ? "" : "."}${key.slice(0, MAX_KEY_CHARS)}`;
}

const MAX_KEY_CHARS = 100;
