/**
 * What a model reads about a program or a call: valid JSON or plain text, short, with the next step, and never
 * longer than `MAX_BYTES`. What is cut says so.
 */
import type { ToolFailure } from "../journal.ts";
import type { SettledCall } from "../runs/call-result.ts";
import type { Report } from "../runs/report.ts";

/** UTF-8 bytes of one tool message. More would crowd out the conversation of most models. */
const MAX_BYTES = 65_536;
const MAX_LOG_BYTES = 16_384;
const MAX_DIAGNOSTICS = 5;
const MAX_CALLS = 50;
const MAX_LINE_CHARS = 160;

/** The tool message of one `run_code` call. `code` is the program as the model wrote it. */
export function describeReport(report: Report, code: string): string {
  const logs = cutLogs(report.logs.map(({ level, text }) => (level === "log" ? text : `[${level}] ${text}`)));
  const notes = report.diagnostics
    .slice(0, MAX_DIAGNOSTICS)
    .map(({ severity, message, line, column }) => `${severity} at ${line}:${column}: ${message}`);
  const rest = {
    ...(logs.length === 0 ? {} : { logs }),
    ...(notes.length === 0 ? {} : { notes }),
  };
  if (report.error === null && report.status === "completed")
    return fitJson(report.result ?? null, (result) => ({ status: report.status, result, ...rest }));
  return fitJson(describeError(report, code), (error) => ({ status: report.status, error, ...rest }));
}

/** The tool message of one call made outside a program. */
export function describeValue(value: unknown): string {
  if (typeof value !== "string") return fitJson(value ?? null, (shown) => shown);
  const bytes = Buffer.byteLength(value);
  return bytes <= MAX_BYTES ? value : cutText(value, bytes, MAX_BYTES);
}

export function describeFailure({ kind, message, data }: ToolFailure): string {
  return fitJson({ kind, message, ...(data === undefined ? {} : { data }) }, (error) => ({ error }));
}

/** What became of one call as the content of a tool message that a client gets: whole, however long. */
export function toolContent(result: SettledCall): string {
  if (result.type === "value")
    return typeof result.value === "string" ? result.value : JSON.stringify(result.value ?? null);
  const { kind, message } = result.failure;
  return JSON.stringify({ error: { kind, message } });
}

/** A message of the gateway's own to the model, in the form of a failed call. */
export function describeProblem(message: string): string {
  return JSON.stringify({ error: { message } });
}

function describeError({ error, calls, status }: Report, code: string): unknown {
  if (error === null) return { message: `The program ended as ${status}.` };
  const { code: name, message, hint, line, column, effects, tool } = error;
  const text = line === undefined ? undefined : code.split("\n")[line - 1]?.trim().slice(0, MAX_LINE_CHARS);
  return {
    code: name,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(line === undefined ? {} : { line, column, at: text }),
    ...(tool === undefined ? {} : { tool }),
    effects,
    // What has been done matters for what to do next only if something may have changed.
    ...(effects === "none"
      ? {}
      : { calls: calls.slice(0, MAX_CALLS).map((call) => `${call.tool}: ${call.status}`) }),
  };
}

/** JSON around a value; a value too large for it is replaced by the beginning of its text. */
function fitJson(value: unknown, wrap: (value: unknown) => unknown): string {
  const whole = JSON.stringify(wrap(value));
  if (Buffer.byteLength(whole) <= MAX_BYTES) return whole;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const bytes = Buffer.byteLength(text);
  let room = MAX_BYTES;
  for (;;) {
    const shorter = JSON.stringify(wrap(cutText(text, bytes, room)));
    const excess = Buffer.byteLength(shorter) - MAX_BYTES;
    if (excess <= 0) return shorter;
    room -= Math.min(excess, Math.ceil(room / 2));
  }
}

function cutText(text: string, bytes: number, maxBytes: number): string {
  const mark = (shown: number): string => ` … [cut: ${shown} of ${bytes} bytes shown; ask for less]`;
  const shown = Math.max(0, maxBytes - Buffer.byteLength(mark(maxBytes)));
  // A character cut in half decodes to a replacement character, which is dropped.
  const head = Buffer.from(text).subarray(0, shown).toString("utf8").replace(/�$/, "");
  return head + mark(Buffer.byteLength(head));
}

function cutLogs(entries: readonly string[]): readonly string[] {
  let bytes = 0;
  const cutAt = entries.findIndex((entry) => {
    bytes += Buffer.byteLength(entry);
    return bytes > MAX_LOG_BYTES;
  });
  if (cutAt === -1) return entries;
  return [...entries.slice(0, cutAt), `[cut: ${entries.length - cutAt} more entries; print less]`];
}
