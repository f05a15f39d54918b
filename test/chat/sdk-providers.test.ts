/** Every mode over Anthropic, Google and Bedrock, as a client of OpenAI's protocol sees it. */
import { LLMock } from "@copilotkit/aimock";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { configFrom } from "../../src/config/load.ts";
import { sdkProviders } from "../upstream/helpers/sdk.ts";
import { startChat, type TestChat } from "./helpers/chat.ts";

const mock = new LLMock({ port: 0 });
let chat: TestChat;

beforeAll(async () => {
  const usage = {
    ...{ input_tokens: 5, output_tokens: 2 },
    ...{ prompt_tokens: 5, completion_tokens: 2 },
    ...{ promptTokenCount: 5, candidatesTokenCount: 2 },
  };
  const turns = (word: string, name: string, args: object): void => {
    mock.on({ userMessage: word, hasToolResult: true }, { content: `${word}: done.`, usage });
    mock.on({ userMessage: word }, { toolCalls: [{ name, arguments: JSON.stringify(args) }], usage });
  };
  const error = { error: { message: "too many", type: "their_limit" }, status: 429 };
  mock.on({ userMessage: "hello" }, { content: "Hello there.", usage });
  mock.on({ userMessage: "limit" }, error);
  mock.on({ userMessage: "break", hasToolResult: true }, error);
  turns("break", "shop__items", {});
  turns("count", "run_code", { code: "const items = await shop.items({});\nreturn items.length;" });
  turns("look", "shop__items", {});
  turns("buy", "shop__order", { item: "pear" });
  const url = await mock.start();
  const providers = sdkProviders.map(
    ({ type, path, config }) => [type, { type, baseUrl: url + path, retries: 0, ...config }] as const,
  );
  chat = await startChat({ upstream: configFrom({ providers: Object.fromEntries(providers) }).config });
});
afterAll(async () => {
  await chat[Symbol.asyncDispose]();
  await mock.stop();
});

const user = (content: string) => [{ role: "user" as const, content }];

describe.each(sdkProviders.flatMap((each) => [true, false].map((streamed) => ({ ...each, streamed }))))(
  "$type, streamed: $streamed,",
  ({ model, streamed }) => {
    const ask = (
      mode: string,
      messages: OpenAI.ChatCompletionMessageParam[],
    ): Promise<OpenAI.ChatCompletion> => {
      const request = { model: `${model}:${mode}`, messages };
      return streamed
        ? chat.openai.chat.completions
            .stream({ ...request, stream_options: { include_usage: true } })
            .finalChatCompletion()
        : chat.openai.chat.completions.create(request);
    };

    test.each([
      ["plain", "hello", "Hello there.", 7],
      ["agent", "look", "look: done.", 14],
      ["code", "count", "count: done.", 14],
    ])("answers in %s mode", async (mode, word, text, tokens) => {
      const answer = await ask(mode, user(word));
      expect(answer.choices[0]).toMatchObject({ finish_reason: "stop", message: { content: text } });
      expect(answer.usage).toMatchObject({ total_tokens: tokens });
    });

    test("resumes with a call that a person has decided", async () => {
      const { choices } = await ask("agent", user("buy"));
      const [call] = choices[0]?.message.tool_calls ?? [];
      expect(call).toMatchObject({ function: { name: "shop__order" } });
      const answer = await ask("agent", [
        ...user("buy"),
        { role: "assistant", content: null, tool_calls: call === undefined ? [] : [call] },
        { role: "tool", tool_call_id: call?.id ?? "", content: '{"toolarium_decision":"approve"}' },
      ]);
      expect(answer.choices[0]).toMatchObject({ finish_reason: "stop", message: { content: "buy: done." } });
    });

    test.each(["plain", "agent", "code"])(
      "fails in %s mode with its own status, type and words",
      async (mode) => {
        const failure: unknown = await ask(mode, user("limit")).catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(OpenAI.RateLimitError);
        expect(failure).toMatchObject({
          status: 429,
          type: "their_limit",
          message: expect.stringMatching(/: too many$/),
        });
      },
    );

    test("reports a failure in words once a tool was called", async () => {
      const response = await chat.post({
        model: `${model}:agent`,
        messages: user("break"),
        stream: streamed,
      });
      expect(response.status).toBe(200);
      expect(await response.text()).toMatch(/The answer ends here: The model provider \\"\w+\\": too many/);
    });
  },
);
