/** What users of the openai SDK meet beside an answer: approvals given elsewhere, refusals, models, leaving a loop. */
import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startChat, type TestChat } from "../chat/helpers/chat.ts";
import { until } from "../helpers/until.ts";
import type { TestProvider } from "../upstream/helpers/provider.ts";
import { startFaultyModel, startScriptedModel } from "./helpers/models.ts";

const stage = new AsyncDisposableStack();
let chat: TestChat;
let faulty: TestProvider;
beforeAll(async () => {
  const scripted = stage.use(await startScriptedModel());
  faulty = stage.use(await startFaultyModel());
  chat = stage.use(await startChat({ provider: scripted.baseUrl, faultyProvider: faulty.baseUrl }));
});
afterAll(() => stage.disposeAsync());
beforeEach(() => chat.shop.forget());

const user = (content: string) => [{ role: "user" as const, content }];

describe.each([
  ["agent", "buy"],
  ["code", "program"],
])("in %s mode", (mode, word) => {
  const model = `test/m:${mode}`;
  const ask = async (messages: OpenAI.ChatCompletionMessageParam[], streamed: boolean) => {
    const { choices } = streamed
      ? await chat.openai.chat.completions.stream({ model, messages }).finalChatCompletion()
      : await chat.openai.chat.completions.create({ model, messages });
    if (choices[0] === undefined) throw new Error("no choice");
    return choices[0];
  };

  test.each([false, true])(
    "a call that waits is a tool call, and the same conversation goes on once it was decided elsewhere (stream: %s)",
    async (streamed) => {
      const { message, finish_reason: reason } = await ask(user(word), streamed);
      expect(reason).toBe("tool_calls");
      const approvals = (await chat.send("/v1/approvals")).body.data;
      const { run, call } = approvals.at(-1);
      expect(message.tool_calls).toMatchObject([{ id: call, function: { name: "shop__order" } }]);
      await chat.send(`/v1/runs/${run}/calls/${call}`, { decision: "approve" });
      const answer = await ask([...user(word), message], streamed);
      expect(answer).toMatchObject({ finish_reason: "stop", message: { content: `${word}: done.` } });
      expect(chat.shop.calls).toEqual([["order", { item: "pear" }]]);
    },
  );
});

test("leaving the loop over a stream gives up the model's answer", async () => {
  const before = faulty.requests.length;
  const stream = await chat.openai.chat.completions.create({
    model: "faulty/m:agent",
    messages: user("endless"),
    stream: true,
  });
  for await (const { choices } of stream) if (choices[0]?.delta.content) break;
  await until("the request was given up", () => faulty.requests[before]?.abandoned === true);
});

test("a refusal is an error with code and parameter", async () => {
  const asking = chat.openai.chat.completions.create({
    model: "test/m",
    messages: user("greet"),
    tools: [{ type: "function", function: { name: "run_code", parameters: { type: "object" } } }],
  });
  await expect(asking).rejects.toMatchObject({ status: 400, code: "invalid_request", param: "tools" });
});

test("a rate limit of the provider keeps its status and its Retry-After, and the SDK tries again by itself", async () => {
  const asking = chat.openai.chat.completions.create({ model: "test/m", messages: user("first-429") });
  const error = await asking.catch((caught: unknown) => caught);
  if (!(error instanceof OpenAI.APIError)) throw new Error(`it did not fail as expected: ${error}`);
  expect(error.status).toBe(429);
  expect(error.headers?.get("retry-after")).toMatch(/^\d+$/);
  expect(error.headers?.get("x-should-retry")).toBeNull();
});

test("models are listed, and one is found whose name holds a slash and a suffix", async () => {
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
