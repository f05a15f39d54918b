/**
 * What a model reads of a program: its result and output, or why it failed, with the next step. It lists no calls,
 * unless the program failed after some that may have changed something. Short: cuts are marked.
 */

import type { Diagnostic } from "../../code/compile.ts";
import { fitJson } from "./fit-json.ts";
import { withMarks } from "./media-marks.ts";
import type { ReadReport, Report } from "./report-shape.ts";

const MAX_DIAGNOSTICS = 5;
const MAX_CALLS = 50;
const MAX_LINE_CHARS = 160;
/** For the line about what was left out. */
const LINE_TOKENS = 100;

/**
 * JSON of `tokenBudget` tokens at most, if that is 250 at least: the tool message of one `run_code` call. `code` is the
 * program as the model wrote it.
 */
export function describeReport(report: ReadReport, code: string, tokenBudget: number): string {
  const message = toMessage(report, code);
  const { text, isWhole, wholeTokens } = fitJson(message, tokenBudget, LINE_TOKENS);
  if (isWhole) return text;
  const { result } = JSON.parse(text) as { readonly result?: unknown };
  const isCut = JSON.stringify(result) !== JSON.stringify(message.result);
  const total = wholeTokens.toLocaleString("en-US");
  const leftOut = `This is a part of about ${total} tokens. ${isCut ? wayToAll(report.id) : "Print less."}`;
  return `${text.slice(0, -1)},"left_out":${JSON.stringify(leftOut)}}`;
}

/** How to get the whole value, which is kept with its run. */
function wayToAll(run: string): string {
  return `A later program has the whole value as \`await runs.result(${JSON.stringify(run)})\`: pick from it what the answer needs.`;
}

interface Message {
  readonly status: Report["status"];
  readonly result?: unknown;
  readonly error?: object;
  readonly logs?: readonly string[];
  readonly notes?: readonly string[];
}

function toMessage(report: ReadReport, code: string): Message {
  const { status, error } = report;
  const logs = report.logs.map(({ level, text }) => (level === "log" ? text : `[${level}] ${text}`));
  const others = report.diagnostics.filter((diagnostic) => !isOf(error, diagnostic));
  const notes = others.map(({ severity, message, line, column, path }) =>
    path === undefined ? `${severity} at ${line}:${column}: ${message}` : `${severity}: ${message}`,
  );
  return {
    status,
    ...(error === null && status === "completed"
      ? { result: withMarks(report.result ?? null) }
      : { error: describeError(report, code) }),
    ...(logs.length === 0 ? {} : { logs }),
    ...(notes.length === 0 ? {} : { notes: firstOf(notes, MAX_DIAGNOSTICS) }),
  };
}

/** Whether the diagnostic is the error itself. A refusal is its first diagnostic, which a model should read once. */
function isOf(error: ReadReport["error"], { severity, message, line, column }: Diagnostic): boolean {
  return (
    severity === "error" &&
    line === error?.line &&
    column === error.column &&
    message.startsWith(error.message)
  );
}

function describeError({ error, calls, status }: ReadReport, code: string): object {
  if (error === null) return { message: `The program ended as ${status}.` };
  const { code: name, message, hint, line, column, effects, tool } = error;
  const text = line === undefined ? undefined : code.split("\n")[line - 1]?.trim().slice(0, MAX_LINE_CHARS);
  const made = calls.map((call) => `${call.tool}: ${call.status}`);
  return {
    code: name,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(line === undefined ? {} : { line, column: column ?? 1, ...(text === undefined ? {} : { at: text }) }),
    ...(tool === undefined ? {} : { tool }),
    effects,
    // Past calls matter for the next step only if they may have changed something.
    ...(effects === "none" ? {} : { calls: firstOf(made, MAX_CALLS) }),
  };
}

function firstOf(lines: readonly string[], most: number): readonly string[] {
  return lines.length > most ? [...lines.slice(0, most), `… ${lines.length - most} more`] : lines;
}
