/** Chains and retries as the gateway's clients see them. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { configFrom } from "../../src/config.ts";
import {
  chunk,
  completion,
  DONE,
  json,
  type ProviderAnswer,
  startProvider,
  stream,
  type TestProvider,
} from "../upstream/helpers/provider.ts";
import { startChat, type TestChat } from "./helpers/chat.ts";

let answers: { readonly [provider: string]: ProviderAnswer };
let first: TestProvider;
let second: TestProvider;
let chat: TestChat;
beforeAll(async () => {
  first = await startProvider((...request) => answers["first"]?.(...request));
  second = await startProvider((...request) => answers["second"]?.(...request));
  chat = await startChat({
    upstream: configFrom({
      providers: {
        first: { baseUrl: first.baseUrl, retries: 0 },
        second: { baseUrl: second.baseUrl, retries: 0 },
        // Has not failed before its own test.
        calm: { baseUrl: first.baseUrl },
      },
      models: { fast: ["first/x", "second/y"], steady: ["calm/x", "second/y"] },
    }).config,
  });
});
afterAll(async () => {
  await chat[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  await second[Symbol.asyncDispose]();
});
beforeEach(() => {
  first.forget();
  second.forget();
});

const refuse =
  (status: number): ProviderAnswer =>
  (response) =>
    json(response, status, { error: { message: "no", type: "their_type" } });
const say =
  (text: string): ProviderAnswer =>
  (response, { body }) =>
    body["stream"] === true
      ? stream(response, [chunk({ content: text }), chunk({}, "stop"), DONE])
      : json(response, 200, completion({ content: text }));
const callItems: ProviderAnswer = (response) =>
  json(
    response,
    200,
    completion(
      { tool_calls: [{ id: "c1", type: "function", function: { name: "shop__items", arguments: "{}" } }] },
      "tool_calls",
    ),
  );

const ask = { model: "fast", messages: [{ role: "user", content: "go" }] };

test("the answer of a chain names the model that it comes from, in its body and in a header", async () => {
  answers = { first: refuse(503), second: say("hello") };
  const { status, headers, body } = await chat.ask(ask);
  expect(status).toBe(200);
  expect(body).toMatchObject({ model: "second/y", choices: [{ message: { content: "hello" } }] });
  expect(headers.get("x-toolarium-model")).toBe("second/y");
});

test("so does a stream, in each of its chunks", async () => {
  answers = { first: refuse(503), second: say("hello") };
  const response = await chat.post({ ...ask, stream: true });
  expect(response.headers.get("x-toolarium-model")).toBe("second/y");
  const models = [...(await response.text()).matchAll(/"model":"([^"]*)"/g)].map(([, model]) => model);
  expect(models.length).toBeGreaterThan(2);
  expect(new Set(models)).toEqual(new Set(["second/y"]));
});

test("bytes that are passed through are of the model that the header names", async () => {
  answers = { first: refuse(503), second: say("hello") };
  const { headers, body } = await chat.ask({ ...ask, tools_filter: [] });
  expect(body).toMatchObject({ id: "up_1", model: "m" });
  expect(headers.get("x-toolarium-model")).toBe("second/y");
});

test("an answer of one model has the name that the client used, and the header the whole one", async () => {
  answers = { second: say("hello") };
  const { headers, body } = await chat.ask({ ...ask, model: "second/y:agent" });
  expect(body.model).toBe("second/y:agent");
  expect(headers.get("x-toolarium-model")).toBe("second/y");
});

test("once a tool was called a failure is neither tried again nor given to the next model", async () => {
  const turns = [callItems, refuse(503)];
  answers = { first: (...request) => turns.shift()?.(...request), second: say("hello") };
  const { status, headers, body } = await chat.ask({ ...ask, model: "steady", mode: "agent" });
  expect(status).toBe(200);
  expect(headers.get("x-should-retry")).toBe("false");
  expect(body.toolarium.stop_reason).toBe("upstream_error");
  expect(body.choices[0].message.content).toContain('The model provider "calm": no');
  expect(chat.shop.calls).toEqual([["items", {}]]);
  expect([first.requests.length, second.requests.length]).toEqual([2, 0]);
});

test("when every model fails the client hears the last one's message, type and status", async () => {
  answers = { first: refuse(429), second: refuse(429) };
  const { status, headers, body } = await chat.ask(ask);
  expect(status).toBe(429);
  expect(body.error).toMatchObject({ message: expect.stringMatching(/: no$/), type: "their_type" });
  expect(headers.get("x-toolarium-model")).toBeNull();
});

test("a chain is a model among the others", async () => {
  const { body } = await chat.send("/v1/models");
  const owned = body.data.filter((model: { id: string }) => model.id.startsWith("fast"));
  expect(owned.map(({ id }: { id: string }) => id)).toEqual([
    "fast",
    "fast:plain",
    "fast:agent",
    "fast:code",
    "fast:auto",
  ]);
  expect((await chat.send("/v1/models/fast")).body).toMatchObject({ id: "fast", owned_by: "toolarium" });
});
