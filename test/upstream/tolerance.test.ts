/** Everything providers are seen to do that OpenAI would not. What comes out is always well-formed. */
import { describe, expect, test } from "vitest";
import { ask, askStream, failureOf } from "./helpers/answers.ts";
import { chunk, completion, DONE, json, stream } from "./helpers/provider.ts";

const call = (entry: unknown): unknown => chunk({ tool_calls: [entry] });
const add = (rest: object, args: unknown): object => ({
  ...rest,
  function: { name: "add", arguments: args },
});

describe("text", () => {
  test("a well-formed stream gives its text, reason and usage", async () => {
    const answer = await askStream([
      chunk({ role: "assistant", content: "" }),
      chunk({ content: "Hel" }),
      chunk({ content: "lo" }),
      chunk({}, "stop"),
      chunk({}, null, { choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } }),
      DONE,
    ]);
    expect(answer).toMatchObject({ text: "Hello", reason: "stop", calls: [] });
    expect(answer.usage).toEqual({ prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 });
  });

  test("a stream without [DONE] is complete when a finish reason came", async () => {
    expect(await askStream([chunk({ content: "a" }), chunk({}, "stop")])).toMatchObject({
      text: "a",
      reason: "stop",
    });
  });

  test("a stream without a finish reason is complete when [DONE] came", async () => {
    expect(await askStream([chunk({ content: "a" }), DONE])).toMatchObject({ text: "a", reason: "stop" });
  });

  test("a stream with neither was cut, and fails", async () => {
    const failure = await failureOf(askStream([chunk({ content: "half an ans" })]));
    expect(failure).toMatchObject({ code: "upstream_error", status: 502 });
    expect(failure["message"]).toContain("before it was complete");
  });

  test("chunks with empty or missing choices, and empty deltas, are passed over", async () => {
    const answer = await askStream([
      { object: "chat.completion.chunk", choices: [] },
      { prompt_filter_results: [{}] },
      chunk(null),
      chunk({ content: null }),
      chunk({ content: "a" }),
      chunk({}, "stop"),
      DONE,
    ]);
    expect(answer).toMatchObject({ text: "a", reason: "stop" });
  });

  test("content may be a list of parts, and a message may stand where a delta belongs", async () => {
    const answer = await askStream([
      chunk({ content: [{ type: "text", text: "a" }, { type: "thinking" }] }),
      { choices: [{ message: { content: "b" }, finish_reason: "stop" }] },
    ]);
    expect(answer.text).toBe("ab");
  });

  test.each([
    [
      "CRLF lines",
      'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\r\n\r\ndata: [DONE]\r\n\r\n',
    ],
    [
      "no blank after the colon",
      'data:{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\ndata:[DONE]\n\n',
    ],
    ["no blank line at the end", 'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}'],
    [
      "no blank lines at all",
      'data: {"choices":[{"delta":{"content":"a"}}]}\ndata: {"choices":[{"finish_reason":"stop"}]}\n',
    ],
    [
      "comments and event names",
      ': hi\n\nevent: chunk\ndata: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n',
    ],
    [
      "one object over two data lines",
      'data: {"choices":[{"delta":\ndata: {"content":"a"},"finish_reason":"stop"}]}\n\n',
    ],
  ])("an event stream with %s is read", async (_, text) => {
    expect(await askStream([text])).toMatchObject({ text: "a", reason: "stop" });
  });

  test("a stream cut into single bytes keeps its characters whole", async () => {
    const answer = await ask(async (response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      for (const byte of Buffer.from(`data: ${JSON.stringify(chunk({ content: "Größe 🚀" }, "stop"))}\n\n`))
        await new Promise((resolve) => response.write(Uint8Array.of(byte), resolve));
      response.end();
    });
    expect(answer.text).toBe("Größe 🚀");
  });
});

describe("tool calls", () => {
  test("arguments in pieces under one index are one call", async () => {
    const { calls, reason } = await askStream([
      call({ index: 0, id: "call_a", type: "function", function: { name: "add", arguments: "" } }),
      call({ index: 0, function: { arguments: '{"a":' } }),
      call({ index: 0, function: { arguments: "1}" } }),
      chunk({}, "tool_calls"),
      DONE,
    ]);
    expect(calls).toMatchObject([{ id: "call_a", name: "add", arguments: '{"a":1}' }]);
    expect(reason).toBe("tool_calls");
  });

  test.each([
    ["index, type and role are missing", [add({ id: "x" }, '{"a":1}'), add({ id: "y" }, "{}")]],
    [
      "every call has index 0 and an id of its own",
      [add({ index: 0, id: "x" }, '{"a":1}'), add({ index: 0, id: "y" }, "{}")],
    ],
    ["both have one id", [add({ index: 0, id: "x" }, '{"a":1}'), add({ index: 1, id: "x" }, "{}")]],
    ["ids are missing", [add({ index: 0 }, '{"a":1}'), add({ index: 1 }, "{}")]],
    ["index and id are missing", [add({}, '{"a":1}'), add({}, "{}")]],
    [
      "ids are empty and indexes have gaps",
      [add({ index: 3, id: "" }, '{"a":1}'), add({ index: 7, id: "" }, "{}")],
    ],
    ["arguments are objects", [add({ id: "x" }, { a: 1 }), add({ id: "y" }, {})]],
    [
      "arguments are repeated with name and id",
      [add({ id: "x" }, '{"a"'), add({ id: "x" }, ":1}"), add({ id: "y" }, "{}")],
    ],
    ["the name is repeated without id or index", [add({}, '{"a"'), add({}, ":1}"), add({}, "{}")]],
    ["pieces have no head at all", [add({}, '{"a"'), { function: { arguments: ":1}" } }, add({}, "{}")]],
    [
      "the name comes after the arguments began",
      [
        { index: 0, id: "x", function: { arguments: '{"a"' } },
        { index: 0, function: { name: "add", arguments: ":1}" } },
        add({ index: 1, id: "y" }, "{}"),
      ],
    ],
  ])("two calls stay two calls when %s", async (_, entries) => {
    const { calls, reason } = await askStream([...entries.map(call), chunk({}, "tool_calls"), DONE]);
    expect(calls).toMatchObject([
      { name: "add", arguments: '{"a":1}' },
      { name: "add", arguments: "{}" },
    ]);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2);
    expect(reason).toBe("tool_calls");
  });

  test("made-up ids never look like those of pending calls", async () => {
    const { calls } = await askStream([call(add({}, "{}")), chunk({}, "tool_calls")]);
    expect(calls[0]?.id).toMatch(/^call_[0-9a-f]{24}$/);
  });

  test("fields that belong to a call are kept", async () => {
    const signature = { google: { thought_signature: "abc" } };
    const { calls } = await askStream([call(add({ id: "x", extra_content: signature }, "{}")), DONE]);
    expect(calls).toMatchObject([{ fields: { extra_content: signature } }]);
  });

  test("the reason is tool_calls whenever there are calls, and stop when it says so without any", async () => {
    expect((await askStream([call(add({ id: "x" }, "{}")), chunk({}, "stop")])).reason).toBe("tool_calls");
    expect((await askStream([call(add({ id: "x" }, "{}")), DONE])).reason).toBe("tool_calls");
    expect((await askStream([chunk({ content: "a" }), chunk({}, "tool_calls")])).reason).toBe("stop");
  });

  test("a call whose name never came fails the answer", async () => {
    const failure = await failureOf(askStream([call({ index: 0, function: { arguments: "{}" } }), DONE]));
    expect(failure).toMatchObject({ code: "upstream_error", status: 502 });
  });
});

describe("usage and unknown fields", () => {
  const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
  test.each([
    ["beside the finish reason", [chunk({ content: "a" }, "stop", { usage })]],
    ["inside the choice", [{ choices: [{ delta: { content: "a" }, finish_reason: "stop", usage }] }]],
    ["in a vendor's object", [chunk({ content: "a" }, "stop", { x_groq: { usage } })]],
    [
      "counted up in every chunk",
      [chunk({ content: "a" }, null, { usage: { prompt_tokens: 1 } }), chunk({}, "stop", { usage })],
    ],
    ["null until the end", [chunk({ content: "a" }, "stop", { usage: null }), { choices: [], usage }]],
  ])("usage %s is found", async (_, parts) => {
    expect((await askStream([...parts, DONE])).usage).toEqual(usage);
  });

  test("unknown fields of message, choice and answer are kept", async () => {
    const { events } = await askStream([
      chunk({ reasoning_content: "hm" }, null, { system_fingerprint: "fp" }),
      {
        choices: [{ delta: { content: "a" }, logprobs: { content: [1] }, finish_reason: "stop" }],
        citations: ["c"],
      },
      DONE,
    ]);
    expect(events).toMatchObject([
      { type: "extra", message: { reasoning_content: "hm" }, choice: {} },
      { type: "extra", message: {}, choice: { logprobs: { content: [1] } } },
      { type: "text-delta", text: "a" },
      { type: "finish", response: { system_fingerprint: "fp", citations: ["c"] } },
    ]);
  });
});

describe("the other form than asked", () => {
  test("a whole completion answers a stream request", async () => {
    const message = {
      content: "a",
      tool_calls: [{ id: "x", type: "function", function: { name: "add", arguments: "{}" } }],
    };
    const answer = await ask((response) => json(response, 200, completion(message, "tool_calls")));
    expect(answer).toMatchObject({
      text: "a",
      reason: "tool_calls",
      calls: [{ id: "x", name: "add", arguments: "{}" }],
    });
  });

  test("a stream answers a request for a whole completion, also under a wrong content type", async () => {
    const parts = [chunk({ content: "a" }), chunk({}, "stop"), DONE];
    const request = { stream: false };
    expect((await ask((response) => stream(response, parts), { request })).text).toBe("a");
    const text = `data: ${JSON.stringify(chunk({ content: "b" }, "stop"))}\n\n`;
    expect((await ask((response) => json(response, 200, text), { request })).text).toBe("b");
  });

  test("a completion without choices is a failure", async () => {
    const failure = await failureOf(
      ask((response) => json(response, 200, { choices: [] }), { request: { stream: false } }),
    );
    expect(failure).toMatchObject({ code: "upstream_error", status: 502 });
  });
});
