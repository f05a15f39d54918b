/**
 * Finds the one line that explains a failed process in its output: `Error: DB_URL is not set`, rather than the stack
 * below it, the source line above it, or npm's own lines. Text only: the caller redacts secrets and paths.
 */
import { stripVTControlCharacters } from "node:util";

/** The failure: a process that never became ready, or one that worked and was lost. */
export type Ending = "start" | "loss";

const LINE_CHARS = 300;
/** When no line names a failure: so many last lines, which are probably about it. */
const LAST_LINES = 3;

/**
 * Empty when nothing was written. For a start, the first line that names a failure counts, because later ones are
 * consequences; a complaint before it is put in front. For a loss, the last one counts, because the process survived
 * the earlier ones.
 */
export function tellingLine(stderr: string, ending: Ending): string {
  const lines = withoutNoise(readLines(stderr));
  const find = (isMeant: (line: Line) => boolean): number =>
    ending === "start" ? lines.findIndex(isMeant) : lines.findLastIndex(isMeant);
  const failure = find(namesFailure);
  const complaint = find(complains);
  const isBefore = ending === "start" && complaint < failure;
  const found = (failure < 0 || isBefore ? [complaint, failure] : [failure]).filter((index) => index >= 0);
  const told =
    found.length > 0
      ? found.map((index) => withContinuation(lines, index))
      : lines.slice(-LAST_LINES).map(wordsOf);
  return cut(told.join(" | "));
}

function cut(text: string): string {
  return (text.length > LINE_CHARS ? `${text.slice(0, LINE_CHARS - 1)}…` : text).toWellFormed();
}

interface Line {
  readonly text: string;
  readonly isIndented: boolean;
}

/** Skips colours, carriage returns and empty lines. */
function readLines(stderr: string): readonly Line[] {
  return stripVTControlCharacters(stderr)
    .split(/[\r\n]+/)
    .filter((line) => line.trim() !== "")
    .map((line) => ({ text: line.trim(), isIndented: /^\s/.test(line) }));
}

function withoutNoise(lines: readonly Line[]): readonly Line[] {
  return lines.filter(({ text }, index) => {
    // A source line has marks under it: `^^^`, and in Node its place above it.
    const isQuoted = MARKS.test(lines[index + 1]?.text ?? "") || MARKS.test(lines[index + 2]?.text ?? "");
    const isSource =
      MARKS.test(text) || (isQuoted && (isPlace(text) || isPlace(lines[index - 1]?.text ?? "")));
    return !isSource && !isPlace(text) && !noise.some((pattern) => pattern.test(text));
  });
}

const MARKS = /^[\^~]+$/;

/** `file:///app/index.js:12`, `node:internal/modules/esm/resolve:274` */
function isPlace(text: string): boolean {
  return (
    /^(?:file:\/\/|node:|\/|[A-Za-z]:\\|\[eval\]|\[stdin\])\S*:\d+$/.test(text) ||
    /^\[eval\d*\]:\d+$/.test(text)
  );
}

/** Stack frames, and lines that package runners and runtimes always print. */
const noise: readonly RegExp[] = [
  /^at\s/,
  /^File ".*", line \d+/,
  /^Traceback \(most recent call last\)/,
  /^During handling of the above exception/,
  /^The above exception was the direct cause/,
  /^goroutine \d+ \[/,
  /^Node\.js v\d/,
  /^npm\s+(?:warn|notice|info|http|verb|sill|timing)\b/i,
  /^npm err(?:or|!)\s*(?:A complete log of this run|code\b|errno\b|syscall\b|path\b|command\b|\d{3}\s*$|\s*$)/i,
  /^npm err(?:or|!)\s*\w+\s*$/i,
  /^(?:Need to install the following packages|Ok to proceed)/,
  /^\(node:\d+\) (?:\[\w+\] )?\w*Warning\b/,
  /^\(Use `node --trace-/,
  /^(?:Debugger attached|Waiting for the debugger)/,
  /^(?:Resolved|Prepared|Installed|Downloaded|Downloading|Building|Built|Updated|Audited) /,
  /^(?:warning|warn)\b[:\s[(]/i,
  /^Unable to find image .* locally/,
  /^[0-9a-f]{12}: |^(?:Digest|Status): |: Pulling from /,
  /^note: run with `RUST_BACKTRACE/,
  /^[{}[\](),;]+$/,
];

function namesFailure({ text, isIndented }: Line): boolean {
  return !isIndented && failures.some((pattern) => pattern.test(text));
}

/** Reports a problem in less certain words. */
function complains({ text, isIndented }: Line): boolean {
  return !isIndented && COMPLAINT.test(text);
}

const failures: readonly RegExp[] = [
  // `TypeError: …`, `Error [ERR_X]: …`, `java.lang.IllegalStateException: …`, `error: …`, `docker: Error response: …`
  /(?:^|[\s.:[("'])\w*(?:error|exception)\b(?: \[\w+\])?(?::|\b.*?:|$)/i,
  // Levels of logs.
  /\b(?:ERROR|FATAL|CRITICAL)\b|"level":\s*(?:"(?:error|fatal|critical)"|[56]0\b)/,
  /\[(?:error|fatal|critical)\]|^(?:fatal|panic)\b|\bpanicked at\b|\b(?:uncaught|unhandled)\b/i,
  /^npm err(?:or|!)/i,
  /: (?:command )?not found$/,
];
const COMPLAINT =
  /\b(?:not set|not found|not defined|no such|missing|required|requires|must|please|invalid|unable|cannot|can't|could not|couldn't|failed|failure|denied|refused|unauthorized|forbidden|unknown|unexpected|undefined|expired|unsupported|unrecognized|in use|not a|does not|doesn't)\b/i;

/** The lines after `ZodError: [` and `panicked at src/main.rs:4:5:` hold the message. */
function withContinuation(lines: readonly Line[], index: number): string {
  const parts = [wordsOf(lines[index])];
  for (let next = index + 1; next < lines.length && needsMore(parts.join(" ")); next += 1)
    parts.push(wordsOf(lines[next]));
  return parts.join(" ").slice(0, 2 * LINE_CHARS);
}

function needsMore(told: string): boolean {
  return (
    told.length < LINE_CHARS / 2 && (/[:[{(,]$/.test(told) || /panicked at \S+$/.test(told) || hasOpen(told))
  );
}

function hasOpen(told: string): boolean {
  const count = (pattern: RegExp): number => told.match(pattern)?.length ?? 0;
  return /: [[{]/.test(told) && count(/[[{]/g) > count(/[\]}]/g);
}

/** The message of a line in a structured log. */
function wordsOf(line: Line | undefined): string {
  const text = line?.text ?? "";
  if (!text.startsWith("{")) return text;
  try {
    const logged: unknown = JSON.parse(text);
    if (typeof logged !== "object" || logged === null) return text;
    const message = ["msg", "message", "error", "err"].flatMap((name) => {
      const value: unknown = Reflect.get(logged, name);
      return typeof value === "string" && value !== "" ? [value] : [];
    });
    return message[0] ?? text;
  } catch {
    return text;
  }
}
