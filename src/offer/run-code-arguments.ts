/**
 * Reads the program from the arguments of `run_code`, in the requested form or in one of the known forms in which
 * models send it instead. It never guesses: it refuses two programs, and a program that was cut off.
 */
import { decodeCallArguments, isCutOffJson, sliceBrokenJson } from "../code/intake/unescape.ts";
import { isFields } from "../upstream/model.ts";
import { RUN_CODE } from "./meta-tools.ts";

export type RunCodeArguments =
  /** `repair`: tells the model how the program was found in arguments of another form. */
  | { readonly ok: true; readonly code: string; readonly repair?: string }
  /** `problem` is written for the model. */
  | { readonly ok: false; readonly problem: string };

export function readRunCodeArguments(text: string): RunCodeArguments {
  const value = readJson(text);
  const asked = isFields(value) ? value["code"] : undefined;
  if (typeof asked === "string")
    return asked.trim() === "" ? problem("got an empty program.") : { ok: true, code: asked };
  const wrapped = decodeCallArguments(text);
  if (wrapped !== undefined)
    return found(wrapped, "The program was found in other arguments than it should be.");
  const broken = sliceBrokenJson(text);
  if (broken !== undefined)
    return found(
      text.slice(broken.start, broken.end),
      "The program was taken out of JSON whose quotes were not escaped.",
    );
  if (isCutOffJson(text))
    return problem(
      "got arguments that end in the middle of the program: if a limit of tokens cut them off, send a shorter one.",
    );
  if (text.trim() === "") return problem("got no program.");
  if (value !== undefined) return problem(`got no program${sayFields(value)}.`);
  if (/^\s*["[{]/.test(text)) return problem("got arguments that are not valid JSON.");
  return found(text, "The program came as bare text.");
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function found(code: string, repair: string): RunCodeArguments {
  if (code.trim() === "") return problem("got an empty program.");
  return { ok: true, code, repair: `${repair} ${EXPECTED}` };
}

const MAX_NAMES = 5;

function sayFields(value: unknown): string {
  const names = isFields(value) ? Object.keys(value) : [];
  if (names.length === 0) return "";
  const shown = names.slice(0, MAX_NAMES).map((name) => JSON.stringify(name.slice(0, 40)));
  return `, or more than one, in ${shown.join(", ")}`;
}

function problem(what: string): RunCodeArguments {
  return { ok: false, problem: `${RUN_CODE} ${what} ${EXPECTED}` };
}

const EXPECTED = 'Call it with {"code": "…"}, the program as one JSON string.';
