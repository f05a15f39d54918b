/** What goes over the wire to providers behind packages, and what of it may break. */
import { describe, expect, test } from "vitest";
import { failureOf, readAnswer } from "./helpers/answers.ts";
import { json, type ProviderAnswer, stream } from "./helpers/provider.ts";
import { inOrder, startRegistry, type TestRegistry } from "./helpers/registry.ts";
import {
  amazonFrame,
  anthropicEnd,
  anthropicStart,
  anthropicText,
  SDK_KEY,
  sdkProviders,
  streamAnthropic,
} from "./helpers/sdk.ts";

const start = (type: string, answer: ProviderAnswer, config: object = {}): Promise<TestRegistry> =>
  startRegistry({ providers: { p: [answer, { type, apiKey: SDK_KEY, retries: 0, ...config }] } });
const startAnthropic = (answer: ProviderAnswer, config: object = {}) => start("anthropic", answer, config);
const modelOf = (world: TestRegistry) => world.registry.resolve("p/m").model;

const hello: ProviderAnswer = (response) =>
  streamAnthropic(response, [anthropicStart, ...anthropicText("hello"), ...anthropicEnd("end_turn")]);

describe.each(sdkProviders)("a provider of the type $type", ({ type, config }) => {
  test("that sends nothing is given up after the time for the first byte", async () => {
    await using world = await start(type, () => {}, { ...config, firstByteTimeoutMs: 30 });
    expect(await failureOf(readAnswer(modelOf(world)))).toMatchObject({
      message: 'The model provider "p": sent nothing for 0.03 s',
      status: 504,
    });
  });

  test("that cannot be reached fails with the system's code, and without its address", async () => {
    await using world = await start(type, (response) => response.destroy(), config);
    const { message, status, retryable } = await failureOf(readAnswer(modelOf(world)));
    expect(message).toMatch(/^The model provider "p": could not be reached, or cut the connection \(\w+\)$/);
    expect({ status, retryable }).toEqual({ status: 502, retryable: true });
  });

  test("that sends us elsewhere is not followed", async () => {
    await using world = await start(
      type,
      (response) => {
        response.writeHead(307, { location: "/elsewhere" });
        response.end();
      },
      config,
    );
    expect(await failureOf(readAnswer(modelOf(world)))).toMatchObject({ status: 502, retryable: false });
    expect(world.requests("p")).toHaveLength(1);
  });

  test("hears that the client has left", async () => {
    const leaving = new AbortController();
    await using world = await start(type, () => leaving.abort(new Error("left")), config);
    await expect(readAnswer(modelOf(world), {}, leaving.signal)).rejects.toThrow("left");
    await expect.poll(() => world.requests("p")[0]?.abandoned).toBe(true);
  });

  test("is not asked for what it cannot do", async () => {
    await using world = await start(type, () => {}, config);
    expect(await failureOf(readAnswer(modelOf(world), { params: { n: 2 } }))).toMatchObject({
      code: "invalid_request",
      param: "n",
    });
    expect(world.requests("p")).toEqual([]);
  });
});

test.each([
  ["anthropic", {}, "x-api-key", SDK_KEY],
  ["google", {}, "x-goog-api-key", SDK_KEY],
  ["bedrock", { region: "us-east-1" }, "authorization", `Bearer ${SDK_KEY}`],
])("the key of %s goes where its protocol has it", async (type, config, header, value) => {
  await using world = await start(type, (response) => json(response, 500, {}), config);
  await failureOf(readAnswer(modelOf(world)));
  expect(world.requests("p")[0]?.headers[header]).toBe(value);
});

test("requests to Bedrock without a key are signed, whatever stands in the environment", async () => {
  const before = process.env["AWS_BEARER_TOKEN_BEDROCK"];
  process.env["AWS_BEARER_TOKEN_BEDROCK"] = "of-somebody-else";
  try {
    await using world = await startRegistry({
      providers: {
        p: [
          (response) =>
            json(
              response,
              403,
              { message: "wrong secret-access-key" },
              { "x-amzn-errortype": "AccessDeniedException:http" },
            ),
          {
            type: "bedrock",
            region: "eu-west-1",
            accessKeyId: "AKIA0123456789",
            secretAccessKey: "secret-access-key",
            sessionToken: "session-token",
          },
        ],
      },
    });
    expect(await failureOf(readAnswer(modelOf(world)))).toMatchObject({
      message: 'The model provider "p": wrong [redacted]',
      type: "AccessDeniedException",
      status: 502,
    });
    expect(world.requests("p")[0]?.headers).toMatchObject({
      authorization: expect.stringMatching(/^AWS4-HMAC-SHA256 Credential=AKIA0123456789\/\d+\/eu-west-1\//),
      "x-amz-security-token": "session-token",
    });
  } finally {
    if (before === undefined) delete process.env["AWS_BEARER_TOKEN_BEDROCK"];
    else process.env["AWS_BEARER_TOKEN_BEDROCK"] = before;
  }
});

test("cached and written tokens are part of the prompt", async () => {
  await using world = await startAnthropic(hello);
  expect((await readAnswer(modelOf(world))).usage).toEqual({
    prompt_tokens: 24,
    completion_tokens: 9,
    total_tokens: 33,
    prompt_tokens_details: { cached_tokens: 8, cache_write_tokens: 4 },
  });
});

test("a thought's signature comes out with its message, and goes back with it", async () => {
  await using world = await startAnthropic((response) =>
    streamAnthropic(response, [
      anthropicStart,
      { type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "hm" } },
      { type: "content_block_delta", index: 0, delta: { type: "signature_delta", signature: "sig-1" } },
      { type: "content_block_stop", index: 0 },
      ...anthropicEnd("end_turn"),
    ]),
  );
  const { events } = await readAnswer(modelOf(world));
  const [said, whole] = events.flatMap((event) => (event.type === "extra" ? [event.message] : []));
  expect(said).toEqual({ reasoning_content: "hm" });
  await readAnswer(modelOf(world), {
    params: { max_tokens: 9_000, reasoning_effort: "low" },
    messages: [
      { role: "user", content: "go" },
      { role: "assistant", content: "gone", ...whole },
      { role: "user", content: "on" },
    ],
  });
  expect(world.requests("p")[1]?.body["messages"]).toMatchObject([
    { role: "user" },
    {
      role: "assistant",
      content: [
        { type: "thinking", thinking: "hm", signature: "sig-1" },
        { type: "text", text: "gone" },
      ],
    },
    { role: "user" },
  ]);
});

test("an image of the model comes out beside its text", async () => {
  const part = { inlineData: { mimeType: "image/png", data: "AAAA" } };
  const answer = {
    candidates: [{ content: { role: "model", parts: [{ text: "here" }, part] }, finishReason: "STOP" }],
  };
  await using world = await start("google", (response) => stream(response, [answer]));
  const { text, events } = await readAnswer(modelOf(world));
  expect(text).toBe("here");
  expect(events).toContainEqual({
    type: "extra",
    message: { images: [{ type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } }] },
    choice: {},
  });
});

test("a long integer of Google's keeps its digits, and goes back with them", async () => {
  const answer =
    '{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"take","args":{"id":9007199254740993,"n":1}}}]},"finishReason":"STOP"}]}';
  await using world = await start("google", (response) => stream(response, [`data: ${answer}\r\n\r\n`]));
  const tools = [{ type: "function", function: { name: "take" } }];
  const { calls } = await readAnswer(modelOf(world), { tools });
  expect(calls).toMatchObject([{ name: "take", arguments: '{"id":"9007199254740993","n":1}' }]);
  const called = { id: "c1", function: { name: "take", arguments: '{"id":9007199254740993}' } };
  await readAnswer(modelOf(world), {
    tools,
    messages: [
      { role: "user", content: "go" },
      { role: "assistant", content: null, tool_calls: [called] },
      { role: "tool", tool_call_id: "c1", content: "taken" },
    ],
  });
  expect(world.requests("p")[1]?.text).toContain('"args":{"id":9007199254740993}');
});

test("a thought of Google's stands with its call, and goes back with it", async () => {
  const part = { functionCall: { name: "now", args: { zone: "CET" } }, thoughtSignature: "sig-1" };
  const answer = { candidates: [{ content: { role: "model", parts: [part] }, finishReason: "STOP" }] };
  await using world = await start("google", (response) => stream(response, [answer]));
  const tools = [{ type: "function", function: { name: "now" } }];
  const { calls } = await readAnswer(modelOf(world), { tools });
  expect(calls).toMatchObject([
    { name: "now", fields: { extra_content: { google: { thought_signature: "sig-1" } } } },
  ]);
  const [{ id, name, arguments: args, fields } = { id: "", name: "", arguments: "", fields: {} }] = calls;
  await readAnswer(modelOf(world), {
    tools,
    messages: [
      { role: "user", content: "go" },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ ...fields, id, function: { name, arguments: args } }],
      },
      { role: "tool", tool_call_id: id, content: "12:00" },
    ],
  });
  expect(world.requests("p")[1]?.body["contents"]).toMatchObject([
    { role: "user" },
    { role: "model", parts: [part] },
    {},
  ]);
});

test("a call without arguments has an empty object", async () => {
  await using world = await startAnthropic((response) =>
    streamAnthropic(response, [
      anthropicStart,
      {
        type: "content_block_start",
        index: 0,
        content_block: { type: "tool_use", id: "toolu_1", name: "now", input: {} },
      },
      { type: "content_block_stop", index: 0 },
      ...anthropicEnd("tool_use"),
    ]),
  );
  const tools = [{ type: "function", function: { name: "now" } }];
  const { calls } = await readAnswer(modelOf(world), { tools });
  expect(calls).toMatchObject([{ id: "toolu_1", name: "now", arguments: "{}" }]);
});

test("an answer that breaks off is a failure, after what was said of it", async () => {
  await using world = await startAnthropic((response) =>
    streamAnthropic(response, [anthropicStart, ...anthropicText("hel")]),
  );
  expect(await failureOf(readAnswer(modelOf(world)))).toMatchObject({
    message: 'The model provider "p": ended its answer before it was complete',
    status: 502,
  });
});

test("what is not of the protocol is a failure that does not repeat it", async () => {
  await using world = await startAnthropic((response) => {
    streamAnthropic(response, [anthropicStart, ...anthropicText("hel")], false);
    response.end("data: {half of it\n\n");
  });
  expect(await failureOf(readAnswer(modelOf(world)))).toMatchObject({
    message: 'The model provider "p": sent something that is not of its protocol',
    status: 502,
  });
});

test("a connection that is cut inside an answer is a failure with the system's code", async () => {
  await using world = await startAnthropic((response) => {
    streamAnthropic(response, [anthropicStart, ...anthropicText("hel")], false);
    response.write("event: ping\n", () => response.destroy());
  });
  expect(await failureOf(readAnswer(modelOf(world)))).toMatchObject({
    message: expect.stringMatching(/could not be reached, or cut the connection \(\w+\)$/),
    status: 502,
  });
});

test("an error inside an answer has the provider's words and type", async () => {
  const error = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
  await using world = await startAnthropic((response) =>
    streamAnthropic(response, [anthropicStart, ...anthropicText("hel"), error]),
  );
  expect(await failureOf(readAnswer(modelOf(world)))).toMatchObject({
    message: 'The model provider "p": Overloaded',
    type: "overloaded_error",
    status: 503,
  });
});

test.each([
  ["throttlingException", 429, true],
  ["validationException", 400, false],
  ["modelStreamErrorException", 502, true],
])("Bedrock's %s inside an answer has its words and a right status", async (type, status, retryable) => {
  const event = { ":message-type": "event", ":content-type": "application/json" };
  const exception = { ":message-type": "exception", ":exception-type": type };
  await using world = await start(
    "bedrock",
    (response) => {
      response.writeHead(200, { "content-type": "application/vnd.amazon.eventstream" });
      response.write(amazonFrame({ ...event, ":event-type": "messageStart" }, { role: "assistant" }));
      response.write(
        amazonFrame(
          { ...event, ":event-type": "contentBlockDelta" },
          { contentBlockIndex: 0, delta: { text: "hel" } },
        ),
      );
      response.end(amazonFrame(exception, { message: "in their words" }));
    },
    { region: "eu-west-1" },
  );
  expect(await failureOf(readAnswer(modelOf(world)))).toMatchObject({
    message: 'The model provider "p": in their words',
    type,
    status,
    retryable,
  });
});

test("silence inside an answer ends it", async () => {
  await using world = await startAnthropic(
    (response) => streamAnthropic(response, [anthropicStart, ...anthropicText("hel")], false),
    { idleTimeoutMs: 30 },
  );
  expect(await failureOf(readAnswer(modelOf(world)))).toMatchObject({ status: 504 });
});

test("who stops reading an answer ends it at the provider", async () => {
  await using world = await startAnthropic((response) =>
    streamAnthropic(response, [anthropicStart, ...anthropicText("hel")], false),
  );
  const request = { messages: [{ role: "user", content: "go" }], tools: [], params: {} };
  const answer = modelOf(world).stream(
    { ...request, stream: true, raw: false },
    new AbortController().signal,
  );
  for await (const event of answer) if (event.type === "text-delta") break;
  await expect.poll(() => world.requests("p")[0]?.abandoned).toBe(true);
});

test("a failure before the answer is tried again, with another key where the key was refused", async () => {
  await using world = await startRegistry({
    providers: {
      p: [
        inOrder(
          (response) =>
            json(response, 401, {
              type: "error",
              error: { type: "authentication_error", message: "bad key" },
            }),
          (response) =>
            json(response, 529, { type: "error", error: { type: "overloaded_error", message: "busy" } }),
          hello,
        ),
        { type: "anthropic", apiKeys: [{ key: "key-1" }, { key: "key-2" }] },
      ],
    },
  });
  expect((await readAnswer(modelOf(world))).text).toBe("hello");
  expect(world.requests("p").map(({ headers }) => headers["x-api-key"])).toEqual(["key-1", "key-2", "key-2"]);
});

test("a key that Google refuses like a parameter is replaced like any other", async () => {
  const refusal = {
    error: {
      code: 400,
      message: "API key not valid. Please pass a valid API key.",
      status: "INVALID_ARGUMENT",
      details: [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "API_KEY_INVALID" }],
    },
  };
  await using world = await startRegistry({
    providers: {
      p: [
        (response) => json(response, 400, refusal),
        { type: "google", apiKeys: [{ key: "key-1" }, { key: "key-2" }] },
      ],
    },
  });
  expect(await failureOf(readAnswer(modelOf(world)))).toMatchObject({
    message: 'The model provider "p": API key not valid. Please pass a valid API key.',
    type: "INVALID_ARGUMENT",
    status: 502,
  });
  expect(world.requests("p")).toHaveLength(2);
});
