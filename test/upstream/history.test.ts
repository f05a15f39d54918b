/** Conversations that go back to a provider: repaired where every provider, or this one, would refuse them. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ChatMessage, type Fields, images } from "../../src/upstream/model.ts";
import { aTool, startWire, type Wire } from "./helpers/sent.ts";

let wire: Wire;
beforeAll(async () => {
  wire = await startWire();
});
afterAll(() => wire[Symbol.asyncDispose]());

const user = { role: "user", content: "go" };
const result = (id: unknown, content: unknown = "done"): ChatMessage => ({
  role: "tool",
  tool_call_id: id,
  content,
});
const call = (id: unknown, name: unknown = "look", args: unknown = "{}", rest: Fields = {}): Fields => ({
  ...rest,
  id,
  type: "function",
  function: { name, arguments: args },
});
/** The calls in a message that was sent. */
const callsIn = (message: Fields | undefined): readonly Fields[] =>
  (message?.["tool_calls"] ?? []) as readonly Fields[];
const calling = (...calls: readonly Fields[]): ChatMessage => ({
  role: "assistant",
  content: null,
  tool_calls: calls,
});

describe("arguments of a call are a JSON object", () => {
  test.each<[written: unknown, sent: string]>([
    ['{"a": 1}', '{"a": 1}'],
    ['{"id":12345678901234567890}', '{"id":12345678901234567890}'],
    ["", "{}"],
    ["  ", "{}"],
    ["null", "{}"],
    [undefined, "{}"],
    [{ a: 1 }, '{"a":1}'],
    ["[1,2]", '{"arguments":[1,2]}'],
    ["7", '{"arguments":7}'],
    ['"{\\"a\\":1}"', '{"a":1}'],
    ['{"a": 1', '{"invalid_json":"{\\"a\\": 1"}'],
    ["look at that", '{"invalid_json":"look at that"}'],
  ])("%j is sent as %j", async (written, sent) => {
    const messages = [user, calling(call("c1", "look", written)), result("c1")];
    expect((await wire.messages({ messages }))[1]).toMatchObject({
      tool_calls: [{ function: { arguments: sent } }],
    });
  });
});

describe("a name that a model made up", () => {
  test.each<[name: unknown, sent: string]>([
    ["shop__order", "shop__order"],
    ["shop.order", "shop_order"],
    ["order a thing!", "order_a_thing_"],
    ["x".repeat(70), "x".repeat(64)],
    ["приказ", "_"],
    ["", "unnamed"],
    [null, "unnamed"],
  ])("%j is sent as %j", async (name, sent) => {
    const messages = [user, calling(call("c1", name)), result("c1")];
    expect((await wire.messages({ messages }))[1]).toMatchObject({
      tool_calls: [{ function: { name: sent } }],
    });
  });

  test("stays if a tool of that name is offered", async () => {
    const tools = [{ type: "function", function: { name: "a.b", parameters: {} } }];
    const messages = [user, calling(call("c1", "a.b")), result("c1")];
    expect((await wire.messages({ messages, tools }))[1]).toMatchObject({
      tool_calls: [{ function: { name: "a.b" } }],
    });
  });
});

describe("ids of calls", () => {
  const ids = async (
    host: string,
    model: string,
    ...given: readonly unknown[]
  ): Promise<readonly unknown[]> => {
    const messages = [user, ...given.flatMap((id) => [calling(call(id)), result(id)])];
    const sent = await wire.messages({ host, model, messages });
    const calls = sent.flatMap(
      ({ tool_calls: made }) => (made as Fields[] | undefined)?.map(({ id }) => id) ?? [],
    );
    const results = sent.flatMap(({ role, tool_call_id: id }) => (role === "tool" ? [id] : []));
    expect(results).toEqual(calls);
    return calls;
  };

  test("stay what they are where they are taken", async () => {
    const given = ["functions.look:0", "call_1", "x".repeat(200)];
    expect(await ids("models.example", "m", ...given)).toEqual(given);
    expect(await ids("api.moonshot.ai", "kimi-k2", "functions.look:0")).toEqual(["functions.look:0"]);
  });

  test.each([
    ["api.mistral.ai", "mistral-small", /^[a-zA-Z0-9]{9}$/],
    ["vllm.example", "mistralai/Ministral-8B-Instruct-2410", /^[a-zA-Z0-9]{9}$/],
    ["api.openai.com", "gpt-4o", /^.{1,40}$/],
    ["openrouter.ai", "anthropic/claude-sonnet-4.5", /^[a-zA-Z0-9_-]{1,64}$/],
  ])("get a form that is taken by %s, %s; the same one each time", async (host, model, form) => {
    const given = ["functions.look:0", `call_${"x".repeat(60)}`, "call_abc", "", "Ab3dEf6h9"];
    const sent = await ids(host, model, ...given);
    for (const id of sent) expect(id).toMatch(form);
    expect(new Set(sent).size).toBe(given.length);
    expect(sent.at(-1)).toBe("Ab3dEf6h9");
    expect(await ids(host, model, ...given)).toEqual(sent);
    expect(await ids(host, model, ...given.slice(0, 2))).toEqual(sent.slice(0, 2));
  });

  test("are told apart where two calls have the same one, in one turn or in two", async () => {
    const messages = [
      user,
      calling(call("c", "look"), call("c", "see")),
      result("c", "one"),
      result("c", "two"),
      calling(call("c")),
      result("c", "three"),
    ];
    const sent = await wire.messages({ messages });
    const [first, second] = callsIn(sent[1]).map(({ id }) => id);
    const [third] = callsIn(sent[4]).map(({ id }) => id);
    expect(new Set([first, second, third]).size).toBe(3);
    expect(sent.slice(2, 4)).toEqual([result(first, "one"), result(second, "two")]);
    expect(sent[5]).toEqual(result(third, "three"));
  });
});

describe("calls and results stand together", () => {
  const nothing = '{"error":{"message":"There is no result of this call."}}';

  test.each<[what: string, messages: readonly ChatMessage[], sent: readonly ChatMessage[]]>([
    [
      "a call without a result gets one",
      [user, calling(call("a"), call("b")), result("b"), user],
      [user, calling(call("a"), call("b")), result("a", nothing), result("b"), user],
    ],
    [
      "a result without a call is left out",
      [user, result("z"), { role: "assistant", content: "hm" }, result("y"), user],
      [user, { role: "assistant", content: "hm" }, user],
    ],
    [
      "what stood between comes after",
      [user, calling(call("a")), user, result("a")],
      [user, calling(call("a")), result("a"), user],
    ],
    [
      "results come in the order of their calls",
      [user, calling(call("a"), call("b")), result("b", "2"), result("a", "1")],
      [user, calling(call("a"), call("b")), result("a", "1"), result("b", "2")],
    ],
    [
      "a second result of the same call is left out",
      [user, calling(call("a")), result("a", "1"), result("a", "2")],
      [user, calling(call("a")), result("a", "1")],
    ],
    [
      "the only result is that of the only call, whatever its id",
      [user, calling(call("a")), result("b", "1")],
      [user, calling(call("a")), result("a", "1")],
    ],
    [
      "an empty list of calls is none",
      [user, { role: "assistant", content: "hm", tool_calls: [] }, user],
      [user, { role: "assistant", content: "hm" }, user],
    ],
    [
      "what a delta has besides is not sent",
      [user, calling(call("a", "look", "{}", { index: 0 })), result("a")],
      [user, calling(call("a")), result("a")],
    ],
  ])("%s", async (_what, messages, sent) => {
    expect(await wire.messages({ messages })).toEqual(sent);
  });
});

describe("fields of messages", () => {
  const said = {
    role: "assistant",
    content: "hm",
    refusal: null,
    annotations: [{ type: "url_citation" }],
    audio: { id: "a1", data: "UklGRg==", transcript: "hm" },
    reasoning: "I think",
    reasoning_content: "I think",
    their_own: 1,
  };

  test.each<[host: string, sent: Fields]>([
    [
      "models.example",
      { audio: { id: "a1" }, reasoning: "I think", reasoning_content: "I think", their_own: 1 },
    ],
    ["api.openai.com", { audio: { id: "a1" } }],
    ["api.groq.com", {}],
    ["api.mistral.ai", {}],
  ])("that an answer has and a request may not have stay away from %s", async (host, sent) => {
    expect((await wire.messages({ host, messages: [user, said, user] }))[1]).toEqual({
      role: "assistant",
      content: "hm",
      ...sent,
    });
  });

  test("thoughts go back to DeepSeek where tools are offered, which demands them, and nowhere else", async () => {
    const messages = [
      user,
      { ...calling(call("a")), reasoning_content: "I think" },
      result("a"),
      calling(call("b")),
      result("b"),
    ];
    const thoughts = async (asked: object): Promise<readonly unknown[]> =>
      (await wire.messages({ messages, ...asked }))
        .filter(({ role }) => role === "assistant")
        .map((each) => each["reasoning_content"]);
    expect(await thoughts({ host: "api.deepseek.com", tools: [aTool] })).toEqual(["I think", ""]);
    expect(await thoughts({ host: "api.deepseek.com" })).toEqual([undefined, undefined]);
    expect(await thoughts({ host: "api.groq.com", tools: [aTool] })).toEqual([undefined, undefined]);
    expect(await thoughts({ tools: [aTool] })).toEqual(["I think", undefined]);
  });

  test("reasoning_details and signatures of calls go back whole", async () => {
    const details = [{ type: "reasoning.encrypted", data: "xyz", index: 0 }];
    const extra = { extra_content: { google: { thought_signature: "sig" } } };
    const turn = { ...calling(call("a", "look", "{}", extra)), reasoning_details: details };
    const [, sent] = await wire.messages({
      host: "openrouter.ai",
      model: "google/gemini-3-pro",
      messages: [user, turn, result("a")],
    });
    expect(sent).toEqual(turn);
  });

  test("a call of another model gets the signature that Gemini takes in the place of its own", async () => {
    const messages = [user, calling(call("a"), call("b")), result("a"), result("b")];
    const asked = { host: "generativelanguage.googleapis.com", messages };
    const [, sent] = await wire.messages({ ...asked, model: "gemini-3-pro-preview" });
    expect(sent).toMatchObject({
      tool_calls: [
        { extra_content: { google: { thought_signature: "skip_thought_signature_validator" } } },
        {},
      ],
    });
    expect(callsIn(sent)[1]).not.toHaveProperty("extra_content");
    const [, older] = await wire.messages({ ...asked, model: "gemini-2.5-pro" });
    expect(callsIn(older)[0]).not.toHaveProperty("extra_content");
  });

  test("a refusal is what was said where it has no field of its own", async () => {
    const refused = { role: "assistant", content: null, refusal: "I will not." };
    const sent = (host: string) => wire.messages({ host, messages: [user, refused, user] });
    expect((await sent("api.openai.com"))[1]).toEqual({
      role: "assistant",
      content: "",
      refusal: "I will not.",
    });
    expect((await sent("api.groq.com"))[1]).toEqual({ role: "assistant", content: "I will not." });
  });

  test("names are such as are taken, and are left out where there are none", async () => {
    const messages = [{ ...user, name: "Ann Lee <a@b>" }];
    expect(await wire.messages({ messages })).toEqual([{ ...user, name: "Ann_Lee_a@b_" }]);
    expect(await wire.messages({ host: "api.groq.com", messages })).toEqual([user]);
  });

  test("a result names its tool where that is wanted", async () => {
    const messages = [user, calling(call("a", "look")), { ...result("a"), name: "made_up" }];
    const host = "generativelanguage.googleapis.com";
    expect((await wire.messages({ host, model: "gemini-2.5-pro", messages }))[2]).toEqual({
      ...result("a"),
      name: "look",
    });
    expect((await wire.messages({ messages }))[2]).toEqual(result("a"));
  });
});

describe("contents", () => {
  test.each<[host: string, model: string, content: unknown]>([
    ["models.example", "m", { content: null }],
    ["api.mistral.ai", "mistral-small", { content: "" }],
    ["generativelanguage.googleapis.com", "gemini-2.5-pro", {}],
  ])("what only calls tools has the text that %s takes", async (host, model, content) => {
    for (const nothing of [null, "", [{ type: "text", text: "" }]]) {
      const messages = [user, { ...calling(call("Ab3dEf6h9")), content: nothing }, result("Ab3dEf6h9")];
      const [, sent] = await wire.messages({ host, model, messages });
      const { role: _, tool_calls: __, ...rest } = sent ?? {};
      expect(rest).toEqual(content);
    }
  });

  test("what says nothing is not sent", async () => {
    const messages = [
      { role: "system", content: "" },
      {
        role: "user",
        content: [
          { type: "text", text: "" },
          { type: "text", text: "go" },
        ],
      },
      { role: "assistant", content: "" },
      { role: "assistant", content: null },
      user,
    ];
    const parts = { role: "user", content: [{ type: "text", text: "go" }] };
    expect(await wire.messages({ messages })).toEqual([{ role: "system", content: "" }, parts, user]);
    expect(
      await wire.messages({ host: "openrouter.ai", model: "anthropic/claude-opus-4", messages }),
    ).toEqual([parts, user]);
  });

  test("parts are one text where only text is taken, pictures stay parts", async () => {
    const text = (...texts: string[]) => texts.map((each) => ({ type: "text", text: each }));
    const picture = [...text("see"), { type: "image_url", image_url: { url: "data:image/png;base64,AA==" } }];
    const messages = [
      { role: "user", content: text("one", "two") },
      { role: "user", content: picture },
    ];
    expect(await wire.messages({ host: "api.deepseek.com", messages })).toEqual([
      { role: "user", content: "one\n\ntwo" },
      { role: "user", content: picture },
    ]);
    expect(await wire.messages({ messages })).toEqual(messages);
  });

  test.each<[content: unknown, sent: unknown]>([
    [null, ""],
    [{ a: 1 }, '{"a":1}'],
    [7, "7"],
  ])("a result is text: %j", async (content, sent) => {
    const messages = [user, calling(call("a")), result("a", content)];
    expect((await wire.messages({ messages }))[2]?.["content"]).toBe(sent);
  });
});

describe("roles", () => {
  const developer = { role: "developer", content: "be brief" };

  test("developer is system, but for those who know it", async () => {
    const sent = (host: string) => wire.messages({ host, messages: [developer, user] });
    expect((await sent("api.deepseek.com"))[0]).toEqual({ role: "system", content: "be brief" });
    expect((await sent("api.openai.com"))[0]).toEqual(developer);
  });

  test("instructions stand first, and people and assistants take turns, where that is demanded", async () => {
    const messages = [
      user,
      { role: "user", content: [{ type: "text", text: "now" }] },
      { role: "system", content: "be brief" },
      { role: "assistant", content: "hm" },
      { role: "assistant", content: "well" },
      developer,
      user,
    ];
    expect(await wire.messages({ model: "google/gemma-3-27b-it", messages })).toEqual([
      { role: "system", content: "be brief\n\nbe brief" },
      {
        role: "user",
        content: [
          { type: "text", text: "go" },
          { type: "text", text: "now" },
        ],
      },
      { role: "assistant", content: "hm\n\nwell" },
      user,
    ]);
    expect((await wire.messages({ messages })).map(({ role }) => role)).toEqual([
      "user",
      "user",
      "system",
      "assistant",
      "assistant",
      "system",
      "user",
    ]);
  });

  test("an assistant speaks between a tool and a person where that is demanded", async () => {
    const messages = [user, calling(call("Ab3dEf6h9")), result("Ab3dEf6h9"), user];
    const roles = async (host: string) => (await wire.messages({ host, messages })).map(({ role }) => role);
    expect(await roles("api.mistral.ai")).toEqual(["user", "assistant", "tool", "assistant", "user"]);
    expect(await roles("api.openai.com")).toEqual(["user", "assistant", "tool", "user"]);
  });
});

test("providers of other protocols get the repaired conversation as well", async () => {
  const messages = [
    user,
    calling(call("functions.look:0", "look at", "[1")),
    {
      ...result("functions.look:0", "[image/png, 3 B]"),
      [images]: [{ mimeType: "image/png", base64: "AAAA" }],
    },
    { role: "user", content: [{ type: "text", text: "" }] },
    { role: "user", content: "hm" },
  ];
  const id = expect.stringMatching(/^[a-zA-Z0-9_-]+$/);
  const entry = { type: "anthropic", apiKey: "k" };
  const sent = await wire.messages({ model: "claude-sonnet-4-5", entry, messages });
  expect(sent).toEqual([
    { role: "user", content: [{ type: "text", text: "go" }] },
    {
      role: "assistant",
      content: [{ type: "tool_use", id, name: "look_at", input: { invalid_json: "[1" } }],
    },
    {
      role: "user",
      content: [
        {
          type: "tool_result",
          tool_use_id: id,
          content: [
            { type: "text", text: "[image/png, 3 B]" },
            { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
          ],
        },
        { type: "text", text: "hm" },
      ],
    },
  ]);
});
