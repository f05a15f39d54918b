/** A request in OpenAI's shape, as providers behind packages are asked. */
import { describe, expect, test } from "vitest";
import type { ModelRequest } from "../../../src/upstream/model.ts";
import { toCallOptions } from "../../../src/upstream/sdk/sdk-prompt.ts";
import { hello } from "../helpers/answers.ts";

const options = (request: Partial<ModelRequest>) => toCallOptions({ ...hello, ...request }, "anthropic");
const promptOf = (...messages: ModelRequest["messages"]) => options({ messages }).prompt;

describe("a conversation", () => {
  test("has its instructions first, whoever gave them and wherever they stood", () => {
    expect(
      promptOf(
        { role: "system", content: "one" },
        { role: "user", content: "hi" },
        { role: "developer", content: [{ type: "text", text: "two" }] },
      ),
    ).toEqual([
      { role: "system", content: "one" },
      { role: "system", content: "two" },
      { role: "user", content: [{ type: "text", text: "hi" }] },
    ]);
  });

  test("keeps text, images, sounds and files of the user", () => {
    expect(
      promptOf({
        role: "user",
        content: [
          { type: "text", text: "look" },
          { type: "image_url", image_url: { url: "data:image/png;base64,AAAA", detail: "low" } },
          { type: "image_url", image_url: { url: "https://example.com/a.jpg" } },
          { type: "input_audio", input_audio: { data: "BBBB", format: "mp3" } },
          { type: "file", file: { file_data: "data:application/pdf;base64,CCCC", filename: "a.pdf" } },
        ],
      }),
    ).toEqual([
      {
        role: "user",
        content: [
          { type: "text", text: "look" },
          { type: "file", data: { type: "data", data: "AAAA" }, mediaType: "image/png" },
          {
            type: "file",
            data: { type: "url", url: new URL("https://example.com/a.jpg") },
            mediaType: "image/*",
          },
          { type: "file", data: { type: "data", data: "BBBB" }, mediaType: "audio/mpeg" },
          {
            type: "file",
            data: { type: "data", data: "CCCC" },
            mediaType: "application/pdf",
            filename: "a.pdf",
          },
        ],
      },
    ]);
  });

  test("has calls with their names at their results, which are one message", () => {
    const call = (id: string, name: string, args: string) => ({
      id,
      type: "function",
      function: { name, arguments: args },
    });
    expect(
      promptOf(
        {
          role: "assistant",
          content: "wait",
          tool_calls: [call("1", "a", '{"x":1}'), call("2", "b", ""), call("3", "c", "{broken")],
        },
        { role: "tool", tool_call_id: "1", content: "one" },
        { role: "tool", tool_call_id: "2", content: [{ type: "text", text: "two" }] },
      ),
    ).toEqual([
      {
        role: "assistant",
        content: [
          { type: "text", text: "wait" },
          { type: "tool-call", toolCallId: "1", toolName: "a", input: { x: 1 } },
          { type: "tool-call", toolCallId: "2", toolName: "b", input: {} },
          { type: "tool-call", toolCallId: "3", toolName: "c", input: { arguments: "{broken" } },
        ],
      },
      {
        role: "tool",
        content: [
          { type: "tool-result", toolCallId: "1", toolName: "a", output: { type: "text", value: "one" } },
          { type: "tool-result", toolCallId: "2", toolName: "b", output: { type: "text", value: "two" } },
        ],
      },
    ]);
  });

  test("keeps Anthropic's marks of what is to be cached, for Anthropic", () => {
    const part = (text: string, more: object = {}) => ({ type: "text", text, ...more });
    const mark = { cache_control: { type: "ephemeral" } };
    const messages = [
      { role: "system", content: [part("rules", mark), part("today")] },
      { role: "user", content: [part("book", mark), part("question")] },
    ];
    const providerOptions = { anthropic: { cacheControl: { type: "ephemeral" } } };
    expect(promptOf(...messages)).toEqual([
      { role: "system", content: "rules", providerOptions },
      { role: "system", content: "today" },
      { role: "user", content: [{ ...part("book"), providerOptions }, part("question")] },
    ]);
    expect(JSON.stringify(toCallOptions({ ...hello, messages }, "google"))).not.toContain("ephemeral");
  });

  test("leaves out an answer that says nothing", () => {
    expect(promptOf({ role: "assistant", content: "" }, { role: "user", content: "hi" })).toHaveLength(1);
  });

  test("gives signatures back only to the kind of provider that they came from", () => {
    const messages = [
      {
        role: "assistant",
        content: "said",
        reasoning_details: [
          {
            type: "reasoning.text",
            format: "google",
            text: "hm",
            metadata: { google: { thoughtSignature: "g" } },
          },
        ],
        tool_calls: [
          {
            id: "1",
            function: { name: "a", arguments: "{}" },
            extra_content: { google: { thought_signature: "s" } },
          },
        ],
      },
    ];
    const text = { type: "text", text: "said" };
    const call = { type: "tool-call", toolCallId: "1", toolName: "a", input: {} };
    expect(toCallOptions({ ...hello, messages }, "anthropic").prompt).toEqual([
      { role: "assistant", content: [text, call] },
    ]);
    expect(toCallOptions({ ...hello, messages }, "google").prompt).toEqual([
      {
        role: "assistant",
        content: [
          { type: "reasoning", text: "hm", providerOptions: { google: { thoughtSignature: "g" } } },
          text,
          { ...call, providerOptions: { google: { thoughtSignature: "s" } } },
        ],
      },
    ]);
  });

  test.each([
    ["role", { role: "function", content: "x" }],
    ["part", { role: "user", content: [{ type: "video", video: "x" }] }],
    ["address", { role: "user", content: [{ type: "image_url", image_url: { url: "nowhere" } }] }],
    ["file of the provider", { role: "user", content: [{ type: "file", file: { file_id: "f" } }] }],
    ["call", { role: "assistant", tool_calls: [{ id: "1", type: "custom", custom: {} }] }],
  ])("with a %s that has no counterpart is refused", (_, message) => {
    expect(() => promptOf(message)).toThrowError(
      expect.objectContaining({ code: "invalid_request", param: "messages" }),
    );
  });
});

const tools = [
  {
    type: "function",
    function: { name: "a", description: "A.", parameters: { type: "object" }, strict: true },
  },
  { type: "function", function: { name: "b" } },
];

test("tools keep their name, description, schema and strictness", () => {
  expect(options({ tools }).tools).toEqual([
    { type: "function", name: "a", description: "A.", inputSchema: { type: "object" }, strict: true },
    { type: "function", name: "b", inputSchema: { type: "object", properties: {} } },
  ]);
});

test.each([
  ["auto", { type: "auto" }],
  ["none", { type: "none" }],
  ["required", { type: "required" }],
  [
    { type: "function", function: { name: "a" } },
    { type: "tool", toolName: "a" },
  ],
])("the choice of a tool %j is %j", (choice, expected) => {
  expect(options({ tools, params: { tool_choice: choice } }).toolChoice).toEqual(expected);
});

test("parameters have their counterparts; null and what nobody else knows are left out", () => {
  const { prompt: _, ...rest } = options({
    params: {
      ...{ max_tokens: 5, max_completion_tokens: 6, temperature: 0.5, top_p: 0.9, top_k: 3, seed: 1 },
      ...{ presence_penalty: 0.1, frequency_penalty: null, stop: "END", reasoning_effort: "high" },
      ...{ logit_bias: { 1: 1 }, user: "u", stream_options: {}, n: 1 },
    },
  });
  expect(rest).toEqual({
    ...{ maxOutputTokens: 6, temperature: 0.5, topP: 0.9, topK: 3, seed: 1, presencePenalty: 0.1 },
    ...{ stopSequences: ["END"], reasoning: "high" },
  });
});

test.each([
  [{ type: "text" }, undefined],
  [{ type: "json_object" }, { type: "json" }],
  [
    { type: "json_schema", json_schema: { name: "n", schema: { type: "object" }, strict: true } },
    { type: "json", name: "n", schema: { type: "object" } },
  ],
])("the format %j is %j", (format, expected) => {
  expect(options({ params: { response_format: format } }).responseFormat).toEqual(expected);
});

test("one call at a time is asked for where the provider would make several", () => {
  const params = { parallel_tool_calls: false };
  expect(options({ tools, params }).providerOptions).toEqual({ anthropic: { disableParallelToolUse: true } });
  expect(toCallOptions({ ...hello, tools, params }, "google").providerOptions).toBeUndefined();
});

test.each([
  ["n", { params: { n: 2 } }],
  ["tools", { tools: [{ type: "custom", custom: { name: "c" } }] }],
  ["tool_choice", { tools, params: { tool_choice: { type: "allowed_tools" } } }],
  ["response_format", { params: { response_format: { type: "grammar" } } }],
])("%s without a counterpart is refused", (param, request) => {
  expect(() => options(request)).toThrowError(expect.objectContaining({ code: "invalid_request", param }));
});
