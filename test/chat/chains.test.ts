/** Chains and retries as the gateway's clients see them. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { configFrom } from "../../src/config/load.ts";
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
        // Each model has its own health.
        calm: { baseUrl: first.baseUrl, retries: 1 },
        calmer: { baseUrl: first.baseUrl, retries: 1 },
        calmest: { baseUrl: first.baseUrl, retries: 1 },
        patient: { baseUrl: first.baseUrl, models: ["x"] },
      },
      models: {
        fast: ["first/x", "second/y"],
        steady: ["calm/x", "second/y"],
        "steady-stream": ["calmer/x", "second/y"],
        steadiest: ["calmest/x", "second/y"],
      },
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

test("the answer of a chain names the model that replied, in its body and in a header", async () => {
  answers = { first: refuse(503), second: say("hello") };
  const { status, headers, body } = await chat.ask(ask);
  expect(status).toBe(200);
  expect(body).toMatchObject({ model: "second/y", choices: [{ message: { content: "hello" } }] });
  expect(headers.get("x-toolarium-model")).toBe("second/y");
});

test("a stream of a chain names that model in each of its chunks", async () => {
  answers = { first: refuse(503), second: say("hello") };
  const response = await chat.post({ ...ask, stream: true });
  expect(response.headers.get("x-toolarium-model")).toBe("second/y");
  const models = [...(await response.text()).matchAll(/"model":"([^"]*)"/g)].map(([, model]) => model);
  expect(models.length).toBeGreaterThan(2);
  expect(new Set(models)).toEqual(new Set(["second/y"]));
});

test("raw bytes come from the model that the header names", async () => {
  answers = { first: refuse(503), second: say("hello") };
  const { headers, body } = await chat.ask({ ...ask, tools_filter: [] });
  expect(body).toMatchObject({ id: "up_1", model: "m" });
  expect(headers.get("x-toolarium-model")).toBe("second/y");
});

test("an answer of one model has the name that the client used; the header has the full name", async () => {
  answers = { second: say("hello") };
  const { headers, body } = await chat.ask({ ...ask, model: "second/y:agent" });
  expect(body.model).toBe("second/y:agent");
  expect(headers.get("x-toolarium-model")).toBe("second/y");
});

const resetFirst: ProviderAnswer = (response) => response.socket?.destroy();

describe.each([false, true])("once a tool was called (stream: %s)", (isStream) => {
  const play =
    (...turns: ProviderAnswer[]): ProviderAnswer =>
    (...request) =>
      turns.shift()?.(...request);
  const call: ProviderAnswer = (response) =>
    isStream
      ? stream(response, [
          chunk({
            content: "hm",
            tool_calls: [
              { index: 0, id: "c1", type: "function", function: { name: "shop__items", arguments: "{}" } },
            ],
          }),
          chunk({}, "tool_calls"),
          DONE,
        ])
      : callItems(response, first.requests[0] as never, 1);
  const request = { ...ask, model: "patient/x:agent", stream: isStream };
  const send = async (body: object): Promise<string> => (await chat.post(body)).text();

  test.each<[what: string, failure: ProviderAnswer]>([
    ["a rate limit", (response) => json(response, 429, {}, { "retry-after": "0" })],
    ["an outage", refuse(503)],
    ["a connection that is reset", resetFirst],
  ])("the next turn is asked for again after %s, and no tool is called again", async (_, failure) => {
    answers = { first: play(call, failure, say("done")) };
    chat.shop.forget();
    const text = await send(request);
    expect(text).toContain("done");
    expect(text).not.toContain("The answer ends here");
    expect(chat.shop.calls).toEqual([["items", {}]]);
    expect(first.requests).toHaveLength(3);
    expect(first.requests[2]?.body).toEqual(first.requests[1]?.body);
  });

  test("a chain fails over to its next model where the first one fails for good", async () => {
    answers = { first: play(call, refuse(503), refuse(503)), second: say("from the other") };
    chat.shop.forget();
    expect(await send({ ...request, model: isStream ? "steady-stream:agent" : "steady:agent" })).toContain(
      "from the other",
    );
    expect(chat.shop.calls).toEqual([["items", {}]]);
    expect(JSON.stringify(second.requests[0]?.body["messages"])).toContain('[\\"apple\\",\\"pear\\"]');
  });

  test("a failure after the first part is reported and not retried", async () => {
    answers = {
      first: play(call, (response) => {
        stream(response, [chunk({ content: "half" })], false);
        response.socket?.end();
      }),
    };
    chat.shop.forget();
    const text = await send({ ...request, model: "patient/x:agent" });
    expect(text).toContain("The answer ends here");
    expect(first.requests).toHaveLength(2);
  });
});

test("a later turn on which every model fails ends the answer in words", async () => {
  const turns = [callItems, refuse(503), refuse(503), refuse(503)];
  answers = { first: (...request) => turns.shift()?.(...request), second: refuse(503) };
  chat.shop.forget();
  const { status, headers, body } = await chat.ask({ ...ask, model: "steadiest", mode: "agent" });
  expect(status).toBe(200);
  expect(headers.get("x-should-retry")).toBe("false");
  expect(body.toolarium.stop_reason).toBe("upstream_error");
  expect(body.choices[0].message.content).toContain('The model provider "second": no');
  expect(chat.shop.calls).toEqual([["items", {}]]);
});

test("when every model fails the client gets the last one's message, type and status", async () => {
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

test.each<[string, ProviderAnswer]>([
  ["an error under the status 200", (response) => json(response, 200, [{ error: { message: "full" } }])],
  [
    "an error as the first event",
    (response) => stream(response, [{ error: { message: "full", code: 503 } }, DONE]),
  ],
  ["a page of HTML", (response) => json(response, 200, "<html></html>", { "content-type": "text/html" })],
  ["nothing", (response) => json(response, 200, "")],
])(
  "%s is a failure in every mode: the next model answers, and no byte of the first goes out",
  async (_, broken) => {
    answers = { first: broken, second: say("hello") };
    for (const mode of ["plain", "agent", "code"])
      for (const streams of [true, false])
        for (const tools of [{}, { tools_filter: [] }]) {
          // After a success it is asked first again.
          answers = { first: say("well") };
          await chat.ask({ ...ask, model: "first/x" });
          first.forget();
          answers = { first: broken, second: say("hello") };
          const response = await chat.post({ ...ask, ...tools, mode, stream: streams });
          expect([mode, streams, response.status, first.requests.length]).toEqual([mode, streams, 200, 1]);
          const text = await response.text();
          expect(text).toContain("hello");
          expect(text).not.toContain("error");
          expect(response.headers.get("x-toolarium-model")).toBe("second/y");
        }
  },
);
