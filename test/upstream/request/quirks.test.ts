/** Parameters of requests: each provider is sent what it takes, and what its entry says. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { configFrom } from "../../../src/config/load.ts";
import { type Fields, images } from "../../../src/upstream/model.ts";
import { aTool, startWire, type Wire } from "../helpers/sent.ts";

let wire: Wire;
beforeAll(async () => {
  wire = await startWire();
});
afterAll(() => wire[Symbol.asyncDispose]());

const OPENAI = "api.openai.com";
const tools = [aTool];

describe("parameters that a provider refuses are not sent", () => {
  test.each<[host: string, model: string, params: Fields, sent: Fields]>([
    [
      OPENAI,
      "gpt-4.1",
      { parallel_tool_calls: false, max_tokens: 9 },
      { parallel_tool_calls: false, max_tokens: 9 },
    ],
    [OPENAI, "o1", { parallel_tool_calls: false }, {}],
    [OPENAI, "o3-2025-04-16", { parallel_tool_calls: true, temperature: 0.2, top_p: 1 }, {}],
    [OPENAI, "o4-mini", { parallel_tool_calls: false, max_tokens: 9 }, { max_completion_tokens: 9 }],
    ["openrouter.ai", "openai/o3", { parallel_tool_calls: false }, {}],
    ["me.openai.azure.com", "o3-mini", { parallel_tool_calls: false, seed: 1 }, { seed: 1 }],
    [
      OPENAI,
      "gpt-5-mini",
      { temperature: 0, max_tokens: 9, verbosity: "low" },
      { max_completion_tokens: 9, verbosity: "low" },
    ],
    [OPENAI, "gpt-5", { parallel_tool_calls: false }, { parallel_tool_calls: false }],
    [OPENAI, "gpt-5.2", { temperature: 0 }, { temperature: 0 }],
    [OPENAI, "gpt-5.4-mini", { temperature: 0 }, {}],
    [OPENAI, "gpt-5-chat-latest", { temperature: 0 }, { temperature: 0 }],
    [
      OPENAI,
      "gpt-4o",
      { max_tokens: 5, max_completion_tokens: 9 },
      { max_tokens: 5, max_completion_tokens: 9 },
    ],
    [OPENAI, "o3", { max_tokens: 5, max_completion_tokens: 9 }, { max_completion_tokens: 9 }],
    ["api.groq.com", "llama-3.3-70b", { logprobs: true, temperature: 0 }, { temperature: 0 }],
    [
      "api.mistral.ai",
      "mistral-large-latest",
      { max_completion_tokens: 9, seed: 7, store: false, user: "u", stream_options: { include_usage: true } },
      { max_tokens: 9, random_seed: 7 },
    ],
    [
      "generativelanguage.googleapis.com",
      "gemini-2.5-flash",
      { seed: 7, frequency_penalty: 1, store: true, temperature: 1 },
      { temperature: 1 },
    ],
    ["api.x.ai", "grok-4", { presence_penalty: 0, stop: ["x"], reasoning_effort: "low" }, {}],
    ["api.x.ai", "grok-3-mini", { reasoning_effort: "low" }, { reasoning_effort: "low" }],
    ["api.cohere.ai", "command-a", { parallel_tool_calls: false, store: true }, {}],
    ["models.example", "m", { their_own: null, top_k: 4 }, { their_own: null, top_k: 4 }],
  ])("%s, %s: %j", async (host, model, params, sent) => {
    const {
      model: _,
      messages: __,
      tools: ___,
      stream: ____,
      ...rest
    } = await wire.send({ host, model, params, tools });
    expect(rest).toEqual(sent);
  });

  test("nor are those of OpenAI's that are null, or that speak of tools where there are none", async () => {
    const params = { parallel_tool_calls: null, temperature: null, tool_choice: "auto" };
    expect(await wire.send({ params })).not.toHaveProperty("tool_choice");
    expect(Object.keys(await wire.send({ params, tools }))).toEqual([
      "tool_choice",
      "model",
      "messages",
      "tools",
      "stream",
    ]);
  });

  test("a host is taken for what it is, not for what it ends like", async () => {
    const sent = await wire.send({ host: "notmistral.ai", params: { user: "u" } });
    expect(sent["user"]).toBe("u");
  });
});

describe("a format that a provider refuses beside tools", () => {
  const schema = { type: "object", properties: { answer: { type: "string" } } };
  const params = { response_format: { type: "json_schema", json_schema: { name: "a", schema } } };

  test.each(["api.groq.com", "generativelanguage.googleapis.com"])(
    "is asked for in words: %s",
    async (host) => {
      const sent = await wire.send({ host, model: "gemini-2.5-pro", params, tools });
      expect(sent).not.toHaveProperty("response_format");
      expect(sent["messages"]).toEqual([
        { role: "user", content: "hi" },
        { role: "system", content: expect.stringContaining(JSON.stringify(schema)) },
      ]);
    },
  );

  test("is sent where there are no tools, and to those who take it", async () => {
    expect(await wire.send({ host: "api.groq.com", params })).toMatchObject(params);
    expect(await wire.send({ host: OPENAI, params, tools })).toMatchObject(params);
  });
});

describe("what a provider's entry says of a model", () => {
  const entry = (options: object): object => ({
    models: ["other", { name: "m", ...options }],
  });

  test("is omitted and set whatever the request says, also where its bytes are passed on", async () => {
    const asked = {
      entry: entry({ omit: ["temperature"], set: { reasoning_effort: "low", provider: { sort: "price" } } }),
      params: { temperature: 1, reasoning_effort: "high", top_p: 1 },
    };
    for (const raw of [false, true]) {
      const { model: _, messages: __, stream: ___, ...rest } = await wire.send({ ...asked, raw });
      expect(rest).toEqual({ top_p: 1, reasoning_effort: "low", provider: { sort: "price" } });
    }
  });

  test("does not concern its other models, which stay names", async () => {
    const sent = await wire.send({
      model: "other",
      entry: entry({ omit: ["temperature"] }),
      params: { temperature: 1 },
    });
    expect(sent["temperature"]).toBe(1);
    const { config } = configFrom({
      providers: { p: { baseUrl: "https://models.example/v1", ...entry({ omit: ["user"] }) } },
    });
    expect(config.providers[0]?.models).toEqual(["other", "m"]);
  });

  test.each([
    [{ omit: ["messages"] }, "model, messages, tools and stream are the request itself"],
    [{ set: { stream: true } }, "model, messages, tools and stream are the request itself"],
    [{ omitted: ["user"] }, "omitted"],
  ])("is a fault of the configuration where it would change the request itself: %j", (options, fault) => {
    const providers = { p: { baseUrl: "https://models.example/v1", ...entry(options) } };
    expect(() => configFrom({ providers })).toThrow(fault);
  });
});

describe("images in results of the gateway's tools", () => {
  const picture = { mimeType: "image/png", base64: "AAAA" };
  const messages = [
    { role: "user", content: "go" },
    {
      role: "assistant",
      content: null,
      tool_calls: [{ id: "Ab3dEf6h9", type: "function", function: { name: "look", arguments: "{}" } }],
    },
    { role: "tool", tool_call_id: "Ab3dEf6h9", content: "[image/png, 3 B]", [images]: [picture] },
  ];

  test.each<[host: string, model: string, entry: object, roles: string]>([
    [OPENAI, "gpt-4.1-mini", {}, "user assistant tool user"],
    [OPENAI, "gpt-3.5-turbo", {}, "user assistant tool"],
    [OPENAI, "o3-mini", {}, "user assistant tool"],
    ["api.mistral.ai", "pixtral-large", {}, "user assistant tool assistant user"],
    ["openrouter.ai", "google/gemini-2.5-pro", {}, "user assistant tool user"],
    ["models.example", "m", { models: [{ name: "m", images: true }] }, "user assistant tool user"],
    [OPENAI, "gpt-4o", { models: [{ name: "gpt-4o", images: false }] }, "user assistant tool"],
  ])("%s, %s, %j: %s", async (host, model, entry, roles) => {
    const sent = await wire.send({ host, model, entry, messages });
    expect((sent["messages"] as Fields[]).map(({ role }) => role).join(" ")).toBe(roles);
    expect(JSON.stringify(sent).includes("AAAA")).toBe(roles.endsWith("user"));
  });
});

test("a request whose answer is passed on unread is sent as it came", async () => {
  const messages = [
    { role: "developer", content: null, name: "a b" },
    { role: "assistant", content: "", tool_calls: [], refusal: null },
    { role: "tool", tool_call_id: "none", content: "x" },
  ];
  const params = { parallel_tool_calls: null, user: "u", temperature: 1 };
  const sent = await wire.send({ host: "api.mistral.ai", model: "o3", messages, params, raw: true });
  expect(sent).toEqual({ ...params, model: "o3", messages, stream: false });
});
