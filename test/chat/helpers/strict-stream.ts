/** Reads a stream by the strictest rules of all clients, and fails on the first rule that the stream breaks. */
import type { Fields } from "../../../src/upstream/model.ts";

export interface StrictStream {
  readonly text: string;
  readonly calls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
  readonly reason: string | undefined;
  readonly usage: Fields | undefined;
  /** The `toolarium` objects. */
  readonly vendor: readonly Fields[];
  /** The `error` that ended it early. */
  readonly error: Fields | undefined;
  /** Whether `[DONE]` was its last line. */
  readonly isDone: boolean;
  readonly comments: number;
}

interface Chunk extends Fields {
  readonly choices: readonly {
    readonly index: number;
    readonly delta: Fields;
    readonly finish_reason: string | null;
  }[];
}

/** @throws Error with the broken rule */
export function readStrictly(wire: string): StrictStream {
  const events = wire.split("\n\n");
  expectThat(events.pop() === "", "a stream ends with a blank line");
  const comments = events.filter((event) => event.startsWith(":"));
  const payloads = events.filter((event) => !event.startsWith(":")).map(payloadOf);
  const isDone = payloads.at(-1) === "[DONE]";
  if (isDone) payloads.pop();
  expectThat(!payloads.includes("[DONE]"), "[DONE] stands once, at the end");
  const chunks = payloads.map((payload) => JSON.parse(payload) as Fields);
  const error = chunks.at(-1)?.["error"] as Fields | undefined;
  if (error !== undefined) chunks.pop();
  expectThat(isDone !== (error !== undefined), "a stream ends with [DONE] or with an error, never both");
  return { ...readChunks(chunks, isDone), error, isDone, comments: comments.length };
}

function payloadOf(event: string): string {
  expectThat(/^data: [^\n]*$/.test(event), `an event is one data line and has no name: ${event}`);
  return event.slice("data: ".length);
}

function readChunks(chunks: readonly Fields[], isDone: boolean) {
  const [first] = chunks;
  let text = "";
  let reason: string | undefined;
  let usage: Fields | undefined;
  const vendor: Fields[] = [];
  const calls: { id: string; name: string; arguments: string }[] = [];
  for (const chunk of chunks) {
    checkEnvelope(chunk, first ?? chunk);
    const { choices } = chunk;
    if (chunk["toolarium"] !== undefined) {
      expectThat(choices.length === 0, "vendor data stands in chunks without choices");
      vendor.push(chunk["toolarium"] as Fields);
    }
    if (chunk["usage"]) {
      expectThat(
        reason !== undefined && choices.length === 0,
        "the usage has its own chunk behind the finish",
      );
      expectThat(usage === undefined, "the usage comes once");
      usage = chunk["usage"] as Fields;
    }
    const [choice, ...more] = choices;
    expectThat(more.length === 0, "one choice");
    if (choice === undefined) continue;
    expectThat(reason === undefined, "nothing follows the finish chunk");
    expectThat(choice.index === 0, "the choice has the index 0");
    const { role, content, tool_calls: pieces = [] } = choice.delta;
    expectThat(
      (role === "assistant") === (chunk === first),
      "the role stands in the first chunk, and only there",
    );
    if (typeof content === "string") text += content;
    for (const piece of pieces as readonly Fields[]) takePiece(calls, piece);
    if (choice.finish_reason !== null) reason = choice.finish_reason;
  }
  expectThat(!isDone || reason !== undefined, "a complete stream has a finish reason");
  expectThat(
    !isDone || calls.length > 0 === (reason === "tool_calls"),
    "calls end in tool_calls, and only calls",
  );
  return { text, calls, reason, usage, vendor };
}

function checkEnvelope(chunk: Fields, first: Fields): asserts chunk is Chunk {
  expectThat(chunk["object"] === "chat.completion.chunk", "every chunk names its type");
  expectThat(Array.isArray(chunk["choices"]), "every chunk has choices");
  for (const name of ["id", "created", "model"])
    expectThat(
      chunk[name] !== undefined && chunk[name] === first[name],
      `every chunk has the same ${name}, got ${chunk[name]} after ${first[name]}`,
    );
}

function takePiece(calls: { id: string; name: string; arguments: string }[], piece: Fields): void {
  const { index, id, type, function: called } = piece;
  const { name, arguments: args } = called as { name?: string; arguments?: string };
  expectThat(typeof index === "number" && index <= calls.length, `indexes have no gaps, got ${index}`);
  expectThat(typeof args === "string", "arguments are text");
  const call = calls[index];
  if (call === undefined) {
    expectThat(typeof id === "string" && id !== "" && type === "function", "a call begins with id and type");
    expectThat(typeof name === "string" && name !== "", "a call begins with its name");
    expectThat(!calls.some((other) => other.id === id), "every call has an id of its own");
    calls.push({ id, name, arguments: args });
    return;
  }
  const isRest = id === undefined && type === undefined && name === undefined;
  expectThat(isRest, "what follows of a call is arguments alone");
  call.arguments += args;
}

function expectThat(isSo: boolean, rule: string): asserts isSo {
  if (!isSo) throw new Error(`the stream breaks a rule: ${rule}`);
}
