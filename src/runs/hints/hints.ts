/** One sentence that says what to do, for failures whose own message does not. Written for a model to read. */
import type { EngineFailure } from "../../../sandbox/index.ts";
import { NO_IMPORT, wayOutOfMember } from "../../code/syntax/absent-names.ts";
import { hintForContent } from "./content-hints.ts";
import type { FailedProgram } from "./failing-value.ts";
import { hintForLimit } from "./limit-hints.ts";
import { hintForName, hintForNoFunction } from "./name-hints.ts";
import { hintForMissing, hintForNoArray } from "./value-hints.ts";

export function hintFor(failure: EngineFailure, program: FailedProgram): string | undefined {
  switch (failure.code) {
    case "guest_error":
      return failure.tool === undefined ? hintForError(failure.message, program) : undefined;
    case "pending_forever":
      return "Every promise must come from a tool call, sleep or setTimeout; check for a resolve that is never called.";
    case "not_serializable":
      return failure.message.includes("is a Promise")
        ? "Put await before each call, and await Promise.all(…) around an array of them."
        : "Return plain data: objects, arrays, strings, numbers, booleans, null.";
    case "result_too_large":
      return "Return a summary or fewer rows.";
    default:
      return hintForLimit(failure.code, program.run);
  }
}

/** V8's messages for the usual faults in programs of models; `what` is the expression as the program has it. */
const NOT_DEFINED = /^ReferenceError: (?<name>\S+) is not defined$/;
const NO_FUNCTION = /^TypeError: (?<what>.{1,300}) is not a (?:function|constructor)$/s;
const NOT_ITERABLE = /^TypeError: (?<what>.{1,300}?) is not iterable/s;
const MISSING = /^TypeError: Cannot read properties of (?:undefined|null) \(reading '/;
const READ_ONLY = /^TypeError: Cannot assign to read only property '(?<name>[^']{1,200})' of object/;
const NO_JSON = /^SyntaxError: .*\bJSON\b/s;

function hintForError(message: string, program: FailedProgram): string | undefined {
  if (message === "Error: Not supported") return NO_IMPORT;
  const undefinedName = NOT_DEFINED.exec(message)?.groups?.["name"];
  if (undefinedName !== undefined) return hintForName(undefinedName, program);
  const noFunction = NO_FUNCTION.exec(message)?.groups?.["what"];
  if (noFunction !== undefined) {
    return (
      wayOutOfMember(noFunction) ??
      hintForNoFunction(noFunction, program) ??
      hintForContent(program) ??
      hintForNoArray(noFunction, program, "call")
    );
  }
  const notIterable = NOT_ITERABLE.exec(message)?.groups?.["what"];
  if (notIterable !== undefined)
    return hintForContent(program) ?? hintForNoArray(notIterable, program, "iterate");
  if (MISSING.test(message)) return hintForContent(program) ?? hintForMissing(program);
  const readOnly = READ_ONLY.exec(message)?.groups?.["name"];
  if (readOnly !== undefined) return hintForAssignment(readOnly, program);
  return NO_JSON.test(message) ? (hintForContent(program) ?? hintForJson(message)) : undefined;
}

function hintForAssignment(name: string, { namespaces }: FailedProgram): string | undefined {
  const holds = (things: readonly { readonly global: string }[]): boolean =>
    things.some(({ global }) => global === name);
  const what = holds(namespaces.servers) ? "a tool server" : holds(namespaces.locals) ? "a tool" : undefined;
  return what === undefined ? undefined : `${name} is the name of ${what}: give your variable another.`;
}

/** What JSON.parse was given, as V8 quotes the beginning of it. */
function hintForJson(message: string): string {
  if (message.includes('"[object Promise]"'))
    return "Put await before the call; what it gives is parsed already.";
  if (message.includes('"[object ')) return "The value is an object already: leave JSON.parse out.";
  if (message.includes('"undefined"')) return "JSON.parse was given undefined: there is no such value.";
  return "JSON.parse was given text that is no JSON. A tool's JSON comes parsed, and any other text as it is.";
}
