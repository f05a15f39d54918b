/** What a model's protocol leaves around a program: its thoughts, and the tags of a function call. */

/** The part of a text that counts, and the notes about it. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly note: string;
}

const THOUGHT = "(?:think|thinking|thought|thoughts|reasoning|reflection|scratchpad|analysis|plan)";
const OPENED_THOUGHT = new RegExp(`^\\s*<(${THOUGHT})>`, "i");
const CLOSED_THOUGHT = new RegExp(`</${THOUGHT}>[ \\t]*(?=\\r?\\n|$|[^\\s"'\`])`, "i");

/** The text after the thoughts at its beginning; undefined when there are none. */
export function afterThoughts(text: string): Stretch | undefined {
  const opened = OPENED_THOUGHT.exec(text);
  const end = CLOSED_THOUGHT.exec(text);
  // Without an opening tag, the text before the closing one may be a program, but prose is not.
  if (end === null || (opened === null && !isProse(text.slice(0, end.index)))) return undefined;
  const start = end.index + end[0].length;
  if (text.slice(start).trim() === "") return undefined;
  return { start, end: text.length, note: "The thoughts before the program were left out." };
}

/** Text that cannot surround a program. */
function isProse(text: string): boolean {
  const words = text.replace(/`[^`\n]*`/g, "");
  return !/[{};=`]|=>|[()]\s*$/.test(words);
}

const PREFIX = "(?:[\\w-]+:)?";
const PARAMETER = new RegExp(`<${PREFIX}parameter(?:\\s+name\\s*=\\s*["']?(\\w+)["']?|=(\\w+))\\s*>`, "gi");
const CODE_NAMES = /^(?:code|program|script|source|typescript|javascript)$/i;

const TAGS =
  "code|pre|script|source|snippet|program|typescript|javascript|ts|js|run_code|execute|execute_code|tool_code|action|answer|solution|tool_call|tool_calls|tool_use|function_call|function_calls|function|invoke|parameter|arguments|args|input|code_block|codeblock";
const TAG = new RegExp(
  `<${PREFIX}(${TAGS})(?:\\s[^<>]*|=[\\w"']+)?>|<!\\[CDATA\\[|<\\|[\\w-]+\\|>|\\[TOOL_CALLS\\]`,
  "i",
);

/** The content of the outermost tags; undefined when no tags enclose the program. */
export function insideTags(text: string): Stretch | undefined {
  const found = [insideParameter(text), insideTag(text), beforeClosers(text)];
  return found.find(
    (stretch) => stretch !== undefined && text.slice(stretch.start, stretch.end).trim() !== "",
  );
}

const TAKEN_OUT = "The program was taken out of the tags around it.";

/** The parameter of a call that is named like a program, whatever other parameters there are. */
function insideParameter(text: string): Stretch | undefined {
  const parameters = [...text.matchAll(PARAMETER)];
  const [first] = parameters;
  if (first === undefined || !isProse(text.slice(0, first.index))) return undefined;
  const programs = parameters.filter(([, name, short]) => CODE_NAMES.test(name ?? short ?? ""));
  const [program, second] = programs;
  if (program === undefined || second !== undefined) return undefined;
  const start = program.index + program[0].length;
  const next = parameters[parameters.indexOf(program) + 1]?.index ?? text.length;
  const inside = text.slice(start, next);
  const closing = [...inside.matchAll(new RegExp(`</${PREFIX}parameter>`, "gi"))].at(-1);
  const end = closing === undefined ? start + withoutClosers(inside).length : start + closing.index;
  return { start, end, note: TAKEN_OUT };
}

function insideTag(text: string): Stretch | undefined {
  const opened = TAG.exec(text);
  if (opened === null || !isProse(text.slice(0, opened.index))) return undefined;
  if (CLOSER.test(text.slice(0, opened.index))) return undefined;
  // In the middle of a line it may be a type, or an element.
  if (!/(?:^|[\n\r])[ \t]*$/.test(text.slice(Math.max(0, opened.index - 80), opened.index))) return undefined;
  const start = opened.index + opened[0].length;
  const closer = closerOf(opened);
  const closed = closer === undefined ? -1 : text.toLowerCase().lastIndexOf(closer);
  if (closed < start)
    return { start, end: start + withoutClosers(text.slice(start)).length, note: TAKEN_OUT };
  // A tag that closes and opens again encloses two programs.
  if (
    text
      .toLowerCase()
      .slice(start, closed)
      .includes(closer ?? "")
  )
    return undefined;
  const behind = withoutClosers(text.slice(closed + (closer?.length ?? 0)));
  return isProse(behind) ? { start, end: closed, note: TAKEN_OUT } : undefined;
}

const CLOSER = new RegExp(`</${PREFIX}(?:${TAGS})>`, "i");

function closerOf([tag, name]: RegExpExecArray): string | undefined {
  if (tag.startsWith("<![")) return "]]>";
  if (name === undefined) return undefined;
  return `</${/^<([\w-]+:)?/.exec(tag)?.[1] ?? ""}${name}>`.toLowerCase();
}

/** The end of a wrapping whose beginning is missing. */
function beforeClosers(text: string): Stretch | undefined {
  const inside = withoutClosers(text);
  if (inside.length === text.trimEnd().length || TAG.test(inside)) return undefined;
  return { start: 0, end: inside.length, note: TAKEN_OUT };
}

const MAX_CLOSERS = 10;
const MAX_CLOSER_CHARS = 100;

/** Closing tags at the end of a text whose opening ones are elsewhere. */
function withoutClosers(text: string): string {
  const closer = new RegExp(`(?:</${PREFIX}(?:${TAGS})>|<\\|[\\w-]+\\|>)$`, "i");
  let rest = text.trimEnd();
  for (let left = MAX_CLOSERS; left > 0; left -= 1) {
    const tail = rest.slice(-MAX_CLOSER_CHARS);
    const found = closer.exec(tail);
    if (found === null) break;
    rest = rest.slice(0, rest.length - tail.length + found.index).trimEnd();
  }
  return rest;
}
