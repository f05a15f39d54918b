/** Anthropic, Google and Bedrock through their packages, against servers that speak their protocols. */
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { configFrom } from "../../src/config/load.ts";
import { createModelRegistry, type ModelRegistry } from "../../src/upstream/registry.ts";
import { failureOf, readAnswer } from "./helpers/answers.ts";
import { SDK_KEY, sdkProviders } from "./helpers/sdk.ts";

const mock = new LLMock({ port: 0 });
let registry: ModelRegistry;

beforeAll(async () => {
  // In the words of each protocol.
  const usage = {
    ...{ input_tokens: 5, output_tokens: 2 },
    ...{ prompt_tokens: 5, completion_tokens: 2 },
    ...{ promptTokenCount: 5, candidatesTokenCount: 2 },
  };
  const call = (city: string) => ({ name: "weather", arguments: JSON.stringify({ city }) });
  mock.on({ userMessage: "hello" }, { content: "Hello there.", usage });
  mock.on({ userMessage: "think" }, { content: "Done.", reasoning: "Let me see.", usage });
  mock.on({ userMessage: "long" }, { content: "It goes on", finishReason: "length", usage });
  mock.on({ userMessage: "weather", hasToolResult: true }, { content: "Sunny in both.", usage });
  mock.on({ userMessage: "weather" }, { toolCalls: [call("Bern"), call("Rome")], usage });
  for (const status of [400, 429, 500])
    mock.on(
      { userMessage: `fail ${status}` },
      { error: { message: `failed, your key was ${SDK_KEY}`, type: "their_type" }, status },
    );
  const url = await mock.start();
  const providers = sdkProviders.map(
    ({ type, path, config }) => [type, { type, baseUrl: url + path, retries: 0, ...config }] as const,
  );
  registry = await createModelRegistry(configFrom({ providers: Object.fromEntries(providers) }).config);
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await mock.stop();
});

const tools = [
  {
    type: "function",
    function: {
      name: "weather",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  },
];

describe.each(sdkProviders.flatMap((each) => [true, false].map((stream) => ({ ...each, stream }))))(
  "$type, asked with stream: $stream,",
  ({ model, stream }) => {
    const say = (content: string) => [
      { role: "system", content: "Be brief." },
      { role: "user", content },
    ];
    const ask = (content: string, more: object = {}) =>
      readAnswer(registry.resolve(model).model, { messages: say(content), stream, ...more });

    test("answers with text, its reason and its usage", async () => {
      expect(await ask("hello")).toMatchObject({
        text: "Hello there.",
        calls: [],
        reason: "stop",
        usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
      });
    });

    test("tells its thoughts beside its text", async () => {
      const { text, events } = await ask("think");
      const thoughts = events.flatMap((event) =>
        event.type === "extra" ? (event.message["reasoning_content"] ?? []) : [],
      );
      expect([text, thoughts.join("")]).toEqual(["Done.", "Let me see."]);
    });

    test("says that its answer was cut at a length", async () => {
      expect(await ask("long")).toMatchObject({ text: "It goes on", reason: "length" });
    });

    test("calls tools, and goes on with their results", async () => {
      const { calls, reason } = await ask("weather", { tools });
      expect(reason).toBe("tool_calls");
      expect(calls.map(({ name, arguments: text }) => [name, JSON.parse(text)])).toEqual([
        ["weather", { city: "Bern" }],
        ["weather", { city: "Rome" }],
      ]);
      const toolCalls = calls.map(({ id, name, arguments: text }) => ({
        id,
        type: "function",
        function: { name, arguments: text },
      }));
      const { text } = await ask("weather", {
        tools,
        messages: [
          ...say("weather"),
          { role: "assistant", content: null, tool_calls: toolCalls },
          ...calls.map(({ id }) => ({ role: "tool", tool_call_id: id, content: "sunny" })),
        ],
      });
      expect(text).toBe("Sunny in both.");
    });

    test.each([
      [400, 400, false],
      [429, 429, true],
      [500, 502, true],
    ])("refuses with %i in its own words, without our key", async (status, shown, retryable) => {
      expect(await failureOf(ask(`fail ${status}`))).toMatchObject({
        code: "upstream_error",
        message: expect.stringMatching(/^The model provider "\w+": failed, your key was \[redacted\]$/),
        type: "their_type",
        status: shown,
        retryable,
      });
    });
  },
);
