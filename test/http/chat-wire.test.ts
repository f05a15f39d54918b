/** The wire form, line by line, as the strictest clients accept it. */
import { describe, expect, test } from "vitest";
import type { ChatEvent } from "../../src/chat/events.ts";
import { ToolariumError } from "../../src/errors.ts";
import { type StreamOptions, toChunks, toCompletion } from "../../src/http/openai/openai-answer.ts";
import { toOpenAiError } from "../../src/http/request/openai-error.ts";

const envelope = { id: "chatcmpl-x", created: 1_700_000_000, model: "test/m:code" };
const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };

const started: ChatEvent = { type: "started", mode: "agent", runId: "run_x" };
const finish = (reason: string, rest: object = {}): ChatEvent => ({
  type: "finish",
  reason,
  stopReason: null,
  usage,
  response: {},
  auto: null,
  ...rest,
});
const twoCalls: ChatEvent[] = [
  { type: "tool-call-start", index: 0, id: "call_a", name: "add", fields: {} },
  { type: "tool-call-arguments", index: 0, text: '{"a":' },
  { type: "tool-call-start", index: 1, id: "call_b", name: "sub", fields: { extra_content: 1 } },
  { type: "tool-call-arguments", index: 0, text: "1}" },
  { type: "tool-call-arguments", index: 1, text: "{}" },
];
const step: ChatEvent = {
  type: "step",
  turn: 1,
  step: { type: "call", call: "call_c", tool: "shop/items", status: "ok", error: null },
};

async function* play(events: readonly ChatEvent[], failure?: Error): AsyncGenerator<ChatEvent> {
  yield* events;
  if (failure !== undefined) throw failure;
}

async function linesOf(
  events: AsyncIterable<ChatEvent>,
  options: Partial<StreamOptions> = {},
): Promise<unknown[]> {
  const lines: unknown[] = [];
  const all = { envelope, includeUsage: false, includeSteps: false, onFailure: () => {}, ...options };
  for await (const { data } of toChunks(events, all)) lines.push(data === "[DONE]" ? data : JSON.parse(data));
  return lines;
}

const head = {
  id: "chatcmpl-x",
  object: "chat.completion.chunk",
  created: 1_700_000_000,
  model: "test/m:code",
};
const chunk = (delta: object, finishReason: string | null = null): object => ({
  ...head,
  choices: [{ index: 0, delta, finish_reason: finishReason }],
});

describe("a stream", () => {
  test("of text: the role first, one finish, [DONE]; no usage unless asked", async () => {
    const events = [started, { type: "text-delta", text: "Hi" }, finish("stop")] as ChatEvent[];
    expect(await linesOf(play(events))).toEqual([
      chunk({ role: "assistant", content: "" }),
      chunk({ content: "Hi" }),
      chunk({}, "stop"),
      "[DONE]",
    ]);
  });

  test("has the usage in its own chunk after the finish, if requested", async () => {
    const lines = await linesOf(play([started, finish("stop")]), { includeUsage: true });
    expect(lines.slice(1)).toEqual([chunk({}, "stop"), { ...head, choices: [], usage }, "[DONE]"]);
  });

  test("of calls: id, type and name once, then only arguments", async () => {
    const lines = await linesOf(play([started, ...twoCalls, finish("tool_calls")]));
    const add = { index: 0, id: "call_a", type: "function", function: { name: "add", arguments: "" } };
    const sub = {
      index: 1,
      id: "call_b",
      type: "function",
      function: { name: "sub", arguments: "" },
      extra_content: 1,
    };
    const more = (index: number, text: string): object =>
      chunk({ tool_calls: [{ index, function: { arguments: text } }] });
    expect(lines.slice(1)).toEqual([
      chunk({ tool_calls: [add] }),
      more(0, '{"a":'),
      chunk({ tool_calls: [sub] }),
      more(0, "1}"),
      more(1, "{}"),
      chunk({}, "tool_calls"),
      "[DONE]",
    ]);
  });

  test("holds the gateway's fields only on request, and only in chunks without choices", async () => {
    const events = [started, step, finish("stop", { stopReason: "max_turns" })];
    expect(JSON.stringify(await linesOf(play(events)))).not.toContain("toolarium");
    const toolarium = (rest: object): object => ({
      ...head,
      choices: [],
      toolarium: { run_id: "run_x", mode: "agent", steps: [], ...rest },
    });
    expect(await linesOf(play(events), { includeSteps: true })).toEqual([
      chunk({ role: "assistant", content: "" }),
      toolarium({}),
      toolarium({
        steps: [{ turn: 1, type: "call", call: "call_c", tool: "shop/items", status: "ok", error: null }],
      }),
      toolarium({ stop_reason: "max_turns" }),
      chunk({}, "stop"),
      "[DONE]",
    ]);
  });

  test("passes on unknown fields of the provider, in their place", async () => {
    const events: ChatEvent[] = [
      started,
      { type: "extra", message: { reasoning_content: "hm" }, choice: { logprobs: null } },
      finish("stop", { response: { system_fingerprint: "fp", id: "theirs" } }),
    ];
    expect(await linesOf(play(events))).toEqual([
      chunk({ role: "assistant", content: "" }),
      {
        ...head,
        choices: [{ index: 0, delta: { reasoning_content: "hm" }, finish_reason: null, logprobs: null }],
      },
      { ...head, system_fingerprint: "fp", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
      "[DONE]",
    ]);
  });

  test("that fails ends in one error line, without finish and [DONE], and is logged", async () => {
    const failures: unknown[] = [];
    const failure = new ToolariumError("upstream_error", "it broke");
    const events = [started, { type: "text-delta", text: "Hi" }] as ChatEvent[];
    const lines = await linesOf(play(events, failure), { onFailure: (error) => failures.push(error) });
    expect(lines).toEqual([
      chunk({ role: "assistant", content: "" }),
      chunk({ content: "Hi" }),
      { error: { message: "it broke", type: "upstream_error", param: null, code: "upstream_error" } },
    ]);
    expect(failures).toEqual([failure]);
  });
});

describe("a body", () => {
  test("holds the text, the usage and the `toolarium` object", async () => {
    const events = [
      started,
      { type: "text-delta", text: "H" },
      { type: "text-delta", text: "i" },
      step,
      finish("stop"),
    ];
    expect(await toCompletion(play(events as ChatEvent[]), envelope)).toEqual({
      failed: false,
      body: {
        ...head,
        object: "chat.completion",
        choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
        usage,
        toolarium: {
          run_id: "run_x",
          mode: "agent",
          steps: [{ turn: 1, ...("step" in step ? step.step : {}) }],
        },
      },
    });
  });

  test("with calls alone has null as its content", async () => {
    const { body } = await toCompletion(play([started, ...twoCalls, finish("tool_calls")]), envelope);
    expect(body["choices"]).toEqual([
      {
        index: 0,
        finish_reason: "tool_calls",
        message: {
          role: "assistant",
          content: null,
          tool_calls: [
            { id: "call_a", type: "function", function: { name: "add", arguments: '{"a":1}' } },
            { id: "call_b", type: "function", function: { name: "sub", arguments: "{}" }, extra_content: 1 },
          ],
        },
      },
    ]);
  });

  test("that ended in a failure counts as failed; one that ended by a limit or a pause does not", async () => {
    const failedBy = async (end: Partial<Parameters<typeof finish>[1]>): Promise<boolean> =>
      (await toCompletion(play([started, finish("stop", end)]), envelope)).failed;
    expect(await failedBy({ stopReason: "upstream_error", isFailure: true })).toBe(true);
    // A provider may use any finish reason, also one of the gateway's own.
    for (const stopReason of [null, "max_turns", "approval", "upstream_error"])
      expect(await failedBy({ stopReason })).toBe(false);
  });

  test("has no usage if no provider reported it: zero would be wrong", async () => {
    const { body } = await toCompletion(play([started, finish("stop", { usage: null })]), envelope);
    expect(body).not.toHaveProperty("usage");
  });
});

describe("an error", () => {
  test("has message, type, param and code, and says when retrying is useless", () => {
    const error = new ToolariumError("invalid_request", "n must be 1", { param: "n" });
    expect(toOpenAiError(error)).toEqual({
      status: 400,
      body: {
        error: { message: "n must be 1", type: "invalid_request_error", param: "n", code: "invalid_request" },
      },
      headers: { "x-should-retry": "false" },
    });
    expect(toOpenAiError(new ToolariumError("queue_full"))).toMatchObject({ status: 503, headers: {} });
  });

  test("that is unexpected shows no details", () => {
    const { status, body } = toOpenAiError(new Error("secret path"));
    expect(status).toBe(500);
    expect(JSON.stringify(body)).not.toContain("secret");
  });
});
