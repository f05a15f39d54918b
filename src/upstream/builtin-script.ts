/**
 * The model `builtin/script`: it plays the script in the last user message, so that the whole path can be tried and
 * tested without an account. It invents nothing, and costs nothing.
 */

import { createHash } from "node:crypto";
import { z } from "zod";
import { parseJson } from "../json.ts";
import {
  type ChatMessage,
  type ChatModel,
  contentText,
  type Fields,
  isFields,
  type ModelEvent,
} from "./model.ts";
import { newCallId } from "./reading/tool-call-reader.ts";

export const builtinScript: ChatModel = {
  name: "builtin/script",
  async *stream({ messages, tools }) {
    const offered = tools.map(functionName);
    const playsProgram = offered.includes("run_code") && !isScriptOf(messages, offered);
    const step = playsProgram ? playProgram(messages) : playCalls(messages, offered);
    yield* step.type === "text" ? sayText(step.text) : makeCalls(step.calls);
  },
};

type Step =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "calls"; readonly calls: readonly ScriptedCall[] };

interface ScriptedCall {
  readonly name: string;
  readonly arguments: Fields;
}

const NO_TOKENS = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };

const PROGRAM_USAGE = `This model runs what you write. Put a program in a fenced code block, for example:

\`\`\`ts
return 6 * 7
\`\`\`

It becomes one run_code call, and what the program returns is the answer.`;

const CALLS_USAGE = `This model makes the calls you write. Put a JSON array in a fenced block, for example:

\`\`\`json
[{ "tool": "server/tool", "arguments": {} }]
\`\`\`

One call is made each turn; calls in an inner array are made together. The last result is the answer. To run a program instead, use the mode "code".`;

const scriptedCall = z.object({ tool: z.string(), arguments: z.looseObject({}).default({}) });
const scriptSchema = z.array(z.union([scriptedCall, z.array(scriptedCall).min(1)]));
type Script = z.infer<typeof scriptSchema>;

/** Where both programs and tools are offered, a list of calls of those tools is such a script. */
function isScriptOf(messages: readonly ChatMessage[], offered: readonly string[]): boolean {
  const script = parseScript(fencedBlock(lastExchange(messages).prompt) ?? "") ?? [];
  const calls = script.flat();
  return calls.length > 0 && calls.every(({ tool }) => offered.includes(offeredName(tool, offered)));
}

function playProgram(messages: readonly ChatMessage[]): Step {
  const { prompt, results } = lastExchange(messages);
  const result = results.at(-1);
  if (result !== undefined) return { type: "text", text: programResult(result) };
  const code = fencedBlock(prompt);
  if (code === undefined) return { type: "text", text: PROGRAM_USAGE };
  return { type: "calls", calls: [{ name: "run_code", arguments: { code } }] };
}

function playCalls(messages: readonly ChatMessage[], offered: readonly string[]): Step {
  const { prompt, results, lastCalled } = lastExchange(messages);
  const block = fencedBlock(prompt);
  if (block === undefined) return { type: "text", text: CALLS_USAGE };
  const script = parseScript(block);
  if (script === undefined)
    return { type: "text", text: `The fenced block is not a JSON array of calls.\n\n${CALLS_USAGE}` };

  const turns = script
    .map((turn) => [turn].flat())
    .map((turn) =>
      turn.map((call) => ({ name: offeredName(call.tool, offered), arguments: call.arguments })),
    );
  const next = turns[turnsPlayed(turns, results.length, lastCalled)];
  if (next !== undefined) return { type: "calls", calls: next };
  return { type: "text", text: results.at(-1) ?? "The script is empty." };
}

/**
 * The number of finished turns, counted by results. A paused response shows its pending calls only, so results of
 * earlier turns may be missing: then the names just answered give the turn, at the earliest.
 */
function turnsPlayed(
  turns: readonly (readonly ScriptedCall[])[],
  resultCount: number,
  lastCalled: readonly string[],
): number {
  if (resultCount === 0) return 0;
  let callsSoFar = 0;
  const ends = turns.map((turn) => (callsSoFar += turn.length));
  const answered = turns.findIndex(
    (turn, index) =>
      (ends[index] ?? 0) >= resultCount &&
      lastCalled.every((name) => turn.some((call) => call.name === name)),
  );
  return answered === -1 ? ends.filter((end) => end <= resultCount).length : answered + 1;
}

interface Exchange {
  /** Text of the last user message. */
  readonly prompt: string;
  /** Contents of the tool messages after it. */
  readonly results: readonly string[];
  /** Names called by the last assistant message after it. */
  readonly lastCalled: readonly string[];
}

function lastExchange(messages: readonly ChatMessage[]): Exchange {
  const at = messages.findLastIndex(({ role }) => role === "user");
  const after = messages.slice(at + 1);
  const calls = after.findLast(({ role }) => role === "assistant")?.["tool_calls"];
  return {
    prompt: contentText(messages[at]?.["content"], "\n"),
    results: after
      .filter(({ role }) => role === "tool")
      .map((message) => contentText(message["content"], "\n")),
    lastCalled: Array.isArray(calls) ? calls.map(functionName) : [],
  };
}

/** The text inside the first fenced block. The block ends at a line with nothing but the same fence. */
function fencedBlock(text: string): string | undefined {
  return /^[ \t]*(`{3,}|~{3,})[^\n]*\r?\n([\s\S]*?)^[ \t]*\1[ \t]*\r?$/m.exec(text)?.[2];
}

function parseScript(block: string): Script | undefined {
  try {
    return scriptSchema.safeParse(parseJson(block)).data;
  } catch {
    return undefined;
  }
}

/** The function name for a tool `server/tool`; names that were cleaned or cut end in a hash of the id. */
function offeredName(tool: string, offered: readonly string[]): string {
  const plain = tool.replace("/", "__");
  const hash = createHash("sha256").update(tool).digest("hex").slice(0, 8);
  const hashed = offered.find((name) => name.endsWith(`_${hash}`));
  return hashed ?? offered.find((name) => name === plain) ?? tool;
}

/** The program's result from the tool message about it: a string as it is, any other value as JSON. */
function programResult(message: string): string {
  try {
    const answer: unknown = parseJson(message);
    if (!isFields(answer) || !("result" in answer)) return message;
    return typeof answer["result"] === "string" ? answer["result"] : JSON.stringify(answer["result"]);
  } catch {
    return message;
  }
}

function* sayText(text: string): Generator<ModelEvent> {
  yield { type: "text-delta", text };
  yield { type: "finish", reason: "stop", usage: NO_TOKENS, response: {} };
}

function* makeCalls(calls: readonly ScriptedCall[]): Generator<ModelEvent> {
  for (const [index, call] of calls.entries()) {
    yield { type: "tool-call-start", index, id: newCallId(), name: call.name, fields: {} };
    yield { type: "tool-call-arguments", index, text: JSON.stringify(call.arguments) };
  }
  yield { type: "finish", reason: "tool_calls", usage: NO_TOKENS, response: {} };
}

function functionName(holder: unknown): string {
  const named = isFields(holder) && isFields(holder["function"]) ? holder["function"]["name"] : undefined;
  return typeof named === "string" ? named : "";
}
