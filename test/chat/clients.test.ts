/** The clients that people use, against a scripted model of the kind that people test with. */
import { LLMock } from "@copilotkit/aimock";
import { generateText, isStepCount, jsonSchema, streamText, tool } from "ai";
import type OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startChat, type TestChat } from "./helpers/chat.ts";

const mock = new LLMock({ port: 0 });
let chat: TestChat;

beforeAll(async () => {
  const usage = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };
  const code = "const items = await shop.items({});\nreturn items.length;";
  const turns = (word: string, name: string, args: object): void => {
    mock.on(
      { userMessage: word, hasToolResult: false },
      { toolCalls: [{ name, arguments: JSON.stringify(args) }], usage },
    );
    mock.on({ userMessage: word, hasToolResult: true }, { content: `${word}: done.`, usage });
  };
  turns("count", "run_code", { code });
  turns("look", "shop__items", {});
  turns("buy", "shop__order", { item: "pear" });
  turns("order", "run_code", { code: "return await shop.order({ item: 'pear' });" });
  turns("weather", "weather", { city: "Bern" });
  const provider = await mock.start();
  chat = await startChat({ provider: `${provider}/v1` });
});
afterAll(async () => {
  await chat[Symbol.asyncDispose]();
  await mock.stop();
});

const user = (content: string) => [{ role: "user" as const, content }];
const weather = { type: "function" as const, function: { name: "weather", parameters: { type: "object" } } };

describe("the openai SDK", () => {
  test.each([
    ["code", "count"],
    ["agent", "look"],
  ])("gets an answer in %s mode", async (mode, word) => {
    const answer = await chat.openai.chat.completions.create({
      model: `test/m:${mode}`,
      messages: user(word),
    });
    expect(answer.choices[0]?.message.content).toBe(`${word}: done.`);
    expect(answer.usage).toMatchObject({ total_tokens: 14 });
  });

  test.each([
    ["code", "count"],
    ["agent", "look"],
  ])("gets a stream in %s mode", async (mode, word) => {
    const stream = chat.openai.chat.completions.stream({
      model: `test/m:${mode}`,
      messages: user(word),
      stream_options: { include_usage: true },
    });
    const answer = await stream.finalChatCompletion();
    expect(answer.choices[0]).toMatchObject({
      finish_reason: "stop",
      message: { content: `${word}: done.` },
    });
    expect(await stream.totalUsage()).toMatchObject({ total_tokens: 14 });
  });

  test.each([false, true])(
    "gets a call that waits for a person as a tool call (stream: %s)",
    async (streamed) => {
      const request = { model: "test/m:agent", messages: user("buy") };
      const { choices } = streamed
        ? await chat.openai.chat.completions.stream(request).finalChatCompletion()
        : await chat.openai.chat.completions.create(request);
      expect(choices[0]?.finish_reason).toBe("tool_calls");
      expect(choices[0]?.message.tool_calls).toMatchObject([{ function: { name: "shop__order" } }]);
    },
  );

  describe.each([
    ["agent", "buy"],
    ["code", "order"],
  ])("goes on in %s mode after", (mode, word) => {
    const model = `test/m:${mode}`;
    const ask = async (messages: OpenAI.ChatCompletionMessageParam[], streamed: boolean) => {
      const { choices } = streamed
        ? await chat.openai.chat.completions.stream({ model, messages }).finalChatCompletion()
        : await chat.openai.chat.completions.create({ model, messages });
      if (choices[0] === undefined) throw new Error("no choice");
      return choices[0];
    };

    test.each([false, true])("an approval in a tool message (stream: %s)", async (streamed) => {
      const { message } = await ask(user(word), streamed);
      const answers = (message.tool_calls ?? []).map(({ id }) => ({
        role: "tool" as const,
        tool_call_id: id,
        content: '{"toolarium_decision":"approve"}',
      }));
      expect(answers).toHaveLength(1);
      const answer = await ask([...user(word), message, ...answers], streamed);
      expect(answer).toMatchObject({ finish_reason: "stop", message: { content: `${word}: done.` } });
    });

    test.each([false, true])(
      "a native decision, when it sends the same again (stream: %s)",
      async (streamed) => {
        const { message } = await ask(user(word), streamed);
        const [{ run, call } = { run: "", call: "" }] = (
          await chat.send("/v1/approvals")
        ).body.data.toReversed();
        expect(message.tool_calls?.map(({ id }) => id)).toEqual([call]);
        await chat.send(`/v1/runs/${run}/calls/${call}`, { decision: "approve" });
        const answer = await ask([...user(word), message], streamed);
        expect(answer).toMatchObject({ finish_reason: "stop", message: { content: `${word}: done.` } });
      },
    );
  });

  test("plays its own tools in its own loop, while the gateway plays ours", async () => {
    const runner = chat.openai.chat.completions.runTools({
      model: "test/m:agent",
      messages: user("weather"),
      tools: [
        {
          type: "function",
          function: { ...weather.function, description: "Tells it.", function: (_: string) => "sunny" },
        },
      ],
    });
    expect(await runner.finalContent()).toBe("weather: done.");
  });

  test("sees our refusals as errors with code and parameter", async () => {
    const asking = chat.openai.chat.completions.create({
      model: "test/m",
      messages: user("hi"),
      tools: [{ ...weather, function: { ...weather.function, name: "run_code" } }],
    });
    await expect(asking).rejects.toMatchObject({ status: 400, code: "invalid_request", param: "tools" });
  });

  test("lists models, and finds one whose name holds a slash and a suffix", async () => {
    const ids: string[] = [];
    for await (const { id } of chat.openai.models.list()) ids.push(id);
    expect(ids).toContain("test/m:code");
    expect(ids).toContain("builtin/script");
    expect(await chat.openai.models.retrieve("test/m:code")).toMatchObject({
      id: "test/m:code",
      owned_by: "test",
    });
    await expect(chat.openai.models.retrieve("nobody/m")).rejects.toMatchObject({ code: "model_not_found" });
  });
});

describe("the AI SDK", () => {
  test.each([
    ["code", "count"],
    ["agent", "look"],
  ])("gets an answer in %s mode", async (mode, word) => {
    const answer = await generateText({ model: chat.aiSdk(`test/m:${mode}`), prompt: word, maxRetries: 0 });
    expect(answer.text).toBe(`${word}: done.`);
    expect(answer.finishReason).toBe("stop");
    expect(answer.usage).toMatchObject({ totalTokens: 14 });
  });

  test.each([
    ["code", "count"],
    ["agent", "look"],
  ])("gets a stream in %s mode", async (mode, word) => {
    const result = streamText({
      model: chat.aiSdk("test/m"),
      prompt: word,
      maxRetries: 0,
      headers: { "x-toolarium-mode": mode },
    });
    let text = "";
    for await (const part of result.textStream) text += part;
    expect(text).toBe(`${word}: done.`);
    expect(await result.finishReason).toBe("stop");
    expect(await result.usage).toMatchObject({ totalTokens: 14 });
  });

  test("plays its own tools in its own loop (stream)", async () => {
    const result = streamText({
      model: chat.aiSdk("test/m:agent"),
      prompt: "weather",
      maxRetries: 0,
      stopWhen: isStepCount(3),
      tools: {
        weather: tool({
          inputSchema: jsonSchema<{ city: string }>({
            type: "object",
            properties: { city: { type: "string" } },
          }),
          execute: ({ city }) => `sunny in ${city}`,
        }),
      },
    });
    expect(await result.text).toBe("weather: done.");
    expect((await result.steps).map(({ finishReason }) => finishReason)).toEqual(["tool-calls", "stop"]);
  });
});
