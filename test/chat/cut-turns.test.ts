/** Turns that were cut off: the client gets their text, and none of their calls is made. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readRunCodeArguments } from "../../src/offer/run-code-arguments.ts";
import type { Fields } from "../../src/upstream/model.ts";
import { chunk, completion, DONE, json, type ProviderAnswer, stream } from "../upstream/helpers/provider.ts";
import type { TestChat } from "./helpers/chat.ts";
import { conversation, type Stage, startStage } from "./helpers/scripted.ts";
import { readStrictly } from "./helpers/strict-stream.ts";

let stage: Stage;
let chat: TestChat;
beforeAll(async () => {
  stage = await startStage();
  chat = stage.chat;
});
afterAll(() => stage[Symbol.asyncDispose]());

const user = { role: "user", content: "go" } as const;
const body = (mode: string, rest: Fields = {}): Fields => ({
  model: `test/m:${mode}`,
  messages: [user],
  ...rest,
});

const calls = {
  visit: ["shop__visit", "{}"],
  order: ["shop__order", '{"item":"pear"}'],
  program: ["run_code", JSON.stringify({ code: "return await shop.visit({});" })],
  search: ["search_tools", '{"query":"x"}'],
  own: ["look_up", "{}"],
} as const;

/** A turn with text and calls that ends with this reason. Null: without a reason. */
function turn(reason: string | null, ...names: readonly (keyof typeof calls)[]): ProviderAnswer {
  const toolCalls = names.map((name, index) => {
    const [called, args] = calls[name];
    return { index, id: `up_${index}`, type: "function", function: { name: called, arguments: args } };
  });
  return (response, request) => {
    const message = { content: "hm", tool_calls: toolCalls };
    return request.body["stream"] === true
      ? stream(response, [chunk(message), ...(reason === null ? [] : [chunk({}, reason)]), DONE])
      : json(response, 200, completion(message, reason ?? undefined));
  };
}

describe.each([true, false])("a turn that was cut (stream: %s)", (isStream) => {
  async function ask(request: Fields) {
    const response = await chat.post(
      { ...request, stream: isStream },
      { headers: { "x-toolarium-steps": "true" } },
    );
    expect(response.status).toBe(200);
    if (isStream) {
      const read = readStrictly(await response.text());
      return { ...read, stopReason: read.vendor.find((each) => each["stop_reason"])?.["stop_reason"] };
    }
    const answer = (await response.json()) as { choices: [Fields]; toolarium: Fields };
    const [{ message, finish_reason }] = answer.choices;
    const { content, tool_calls } = message as Fields;
    return {
      text: content,
      calls: tool_calls ?? [],
      reason: finish_reason,
      stopReason: answer.toolarium["stop_reason"],
    };
  }

  test.each([
    ["length", "agent", "visit", "length"],
    ["length", "agent", "order", "length"],
    ["length", "code", "program", "length"],
    ["length", "code", "search", "length"],
    ["length", "auto", "visit", "length"],
    ["length", "auto", "program", "length"],
    ["content_filter", "agent", "visit", "content_filter"],
    ["content_filter", "code", "program", "content_filter"],
    // Reasons of other providers, which gateways pass on.
    ["max_tokens", "agent", "visit", "length"],
    ["MAX_TOKENS", "auto", "order", "length"],
    ["refusal", "agent", "visit", "refusal"],
    ["SAFETY", "code", "program", "safety"],
    ["model_length", "agent", "visit", "model_length"],
    ["abort", "auto", "visit", "abort"],
  ] as const)("by %s in %s mode makes no call of %s, and says so", async (reason, mode, name, told) => {
    const asked = stage.play(turn(reason, name), "never");
    expect(await ask(body(mode))).toMatchObject({
      text: `hm\n\n[The model's answer was cut off with the finish reason "${told}", so its call was not made: ${calls[name][0]}.]`,
      calls: [],
      reason: told,
      stopReason: told,
    });
    expect(chat.shop.calls).toEqual([]);
    expect(asked).toHaveLength(1);
    expect((await chat.send("/v1/approvals")).body.data).toEqual([]);
  });

  test("returns neither calls that need approval nor those of the client's own tools", async () => {
    stage.play(turn("length", "visit", "order", "own"));
    const tools = [{ type: "function", function: { name: "look_up", parameters: { type: "object" } } }];
    const answer = await ask(body("agent", { tools }));
    expect(answer).toMatchObject({ calls: [], reason: "length" });
    expect(answer.text).toContain("calls were not made: shop__visit, shop__order, look_up.]");
    expect((await chat.send("/v1/approvals")).body.data).toEqual([]);
  });

  test("after other turns keeps the effects of their calls", async () => {
    stage.play({ calls: [["shop__visit", {}]] }, turn("length", "visit"));
    expect(await ask(body("agent"))).toMatchObject({ reason: "length", stopReason: "length" });
    expect(chat.shop.calls).toHaveLength(1);
  });

  test("without calls gives its text, with the reason", async () => {
    stage.play(turn("length"));
    expect(await ask(body("agent"))).toMatchObject({ text: "hm", reason: "length", stopReason: "length" });
  });
});

test("a stream that ends without a reason makes no call, also when [DONE] stands at its end", async () => {
  stage.play(turn(null, "visit"));
  const response = await chat.post(body("agent", { stream: true }));
  const answer = readStrictly(await response.text());
  expect(answer).toMatchObject({ calls: [], reason: "stop" });
  expect(answer.text).toContain("cut off without a finish reason, so its call was not made: shop__visit");
  expect(chat.shop.calls).toEqual([]);
});

test.each(["stop", "end_turn", "tool_use", "function_call", "STOP", "eos_token"])(
  "a turn that ends with %s is whole: its calls are made",
  async (reason) => {
    stage.play(turn(reason, "visit"), "done");
    const { body: answer } = await chat.ask(body("agent"));
    expect(answer.choices[0].message.content).toBe("hm\n\ndone");
    expect(answer.toolarium.stop_reason).toBeUndefined();
    expect(chat.shop.calls).toHaveLength(1);
  },
);

test("a turn that a provider ends with an error makes no call", async () => {
  stage.play(turn("error", "visit"));
  expect((await chat.ask(body("agent"))).status).toBeGreaterThanOrEqual(500);
  expect(chat.shop.calls).toEqual([]);
});

test("a retry gets the same words for a turn that was cut, and no call is made", async () => {
  const asked = stage.play(turn("length", "visit"), "never");
  const request = body("agent", { messages: [{ role: "user", content: "once" }] });
  const first = await chat.ask(request);
  const second = await chat.ask(request, { headers: { "x-stainless-retry-count": "1" } });
  expect(second.body.choices).toEqual(first.body.choices);
  expect(second.body.toolarium).toEqual(first.body.toolarium);
  expect(asked).toHaveLength(1);
  expect(chat.shop.calls).toEqual([]);
});

test("plain mode passes a turn that was cut on unchanged, with its reason", async () => {
  stage.play(turn("length", "visit"));
  const { body: answer } = await chat.ask(body("plain"));
  expect(answer.choices[0]).toMatchObject({
    finish_reason: "length",
    message: { content: "hm", tool_calls: [{ function: { name: "shop__visit" } }] },
  });
});

describe("arguments", () => {
  test.each(["", "  "])("that are %j count as empty for a tool that needs none", async (args) => {
    stage.play({ calls: [["shop__items", args]] }, "done");
    await chat.ask(body("agent"));
    expect(chat.shop.calls).toEqual([["items", {}]]);
  });

  test.each(["", " ", '{"item":"pe', '{"item":"pear"', "null", "{"])(
    "that are %j are refused for a tool that needs some, and the model is told",
    async (args) => {
      for (const mode of ["agent", "auto"]) {
        const asked = stage.play({ calls: [["shop__stock", args]] }, "done");
        await chat.ask(body(mode));
        const told = String(conversation(asked[1]).at(-1)?.["content"]);
        expect(told).toContain("The arguments of shop__stock are not valid");
        expect(told).toContain('"kind":"invalid_arguments"');
        expect(chat.shop.calls).toEqual([]);
      }
    },
  );

  test("that are empty are never filled with defaults alone", async () => {
    const depot = await startStage({
      depot: [
        {
          name: "ship",
          description: "",
          inputSchema: {
            type: "object",
            properties: { to: { type: "string", default: "home" } },
            required: ["to"],
          },
          annotations: {},
          needsApproval: false,
          execute: () => "shipped",
        },
      ],
      tools: { allow: ["*"], autoExecute: ["*"] },
    });
    try {
      const asked = depot.play({ calls: [["depot__ship", ""]] }, { calls: [["depot__ship", "{}"]] }, "done");
      await depot.chat.ask(body("agent"));
      const [first, second] = conversation(asked[2]).filter(({ role }) => role === "tool");
      expect(first?.["content"]).toContain("they are empty, expected one object of named arguments ({ to })");
      expect(second?.["content"]).toBe("shipped");
    } finally {
      await depot[Symbol.asyncDispose]();
    }
  });

  test.each([
    'await shop.order({ item: "a" }); // says "hi"',
    "const a = { b: 1 };\nreturn a",
    'return [`x`, {"y": "z"}, \'w\', "{}"]',
  ])("of run_code that break off anywhere hold no program: %s", (code) => {
    for (const text of [
      JSON.stringify({ code }),
      JSON.stringify({ code }, null, 1),
      JSON.stringify([{ code }]),
    ])
      for (let end = 1; end < text.length; end += 1)
        expect([text.slice(0, end), readRunCodeArguments(text.slice(0, end)).ok]).toEqual([
          text.slice(0, end),
          false,
        ]);
  });
});
