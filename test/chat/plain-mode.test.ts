import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Fields } from "../../src/upstream/model.ts";
import { until } from "../helpers/until.ts";
import { chunk, DONE, json, stream } from "../upstream/helpers/provider.ts";
import type { TestChat } from "./helpers/chat.ts";
import { offered, type Stage, startStage } from "./helpers/scripted.ts";

let stage: Stage;
let chat: TestChat;
beforeAll(async () => {
  stage = await startStage();
  chat = stage.chat;
});
afterAll(() => stage[Symbol.asyncDispose]());

const user = { role: "user", content: "go" } as const;
const body = (rest: Fields = {}): Fields => ({ model: "test/m", messages: [user], ...rest });

describe("with tools of servers", () => {
  test("they are offered beside the caller's own, and every call is returned to the client unexecuted", async () => {
    const asked = stage.play({
      text: "let me",
      calls: [
        ["shop__items", {}],
        ["own", {}],
      ],
    });
    const { headers, body: answer } = await chat.ask(
      body({ tools: [{ type: "function", function: { name: "own" } }] }),
    );
    expect(offered(asked[0]).map(({ name }) => name)).toEqual([
      "shop__fail",
      "shop__hold",
      "shop__items",
      "shop__order",
      "shop__slow",
      "shop__stock",
      "shop__visit",
      "shop__weigh",
      "own",
    ]);
    expect(asked[0]?.body).not.toHaveProperty("parallel_tool_calls");
    expect(answer.choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: { content: "let me", tool_calls: [{ id: "up_1_0" }, { id: "up_1_1" }] },
    });
    expect(chat.shop.calls).toEqual([]);
    expect(answer).not.toHaveProperty("toolarium");
    expect(headers.get("x-toolarium-run-id")).toBeNull();
  });

  test.each([false, true])(
    "a header tells how calls of those that were added are answered, streamed: %s",
    async (streamed) => {
      const hintOn = async (rest: Fields): Promise<string | null> => {
        stage.play("hello");
        const response = await chat.post({ ...body(rest), stream: streamed });
        await response.text();
        return response.headers.get("x-toolarium-hint");
      };
      const own = { type: "function", function: { name: "own" } };
      const stub = { type: "function", function: { name: "shop__items" } };
      expect(await hintOn({})).toMatch(/^Plain mode offered 8 tools .* POST \/v1\/mcp\/tool\/execute/);
      expect(await hintOn({ tools: [own, stub] })).toMatch(/^Plain mode offered 7 tools /);
      expect(await hintOn({ tools: [own, stub], tools_filter: ["shop/items"] })).toBeNull();
      expect(await hintOn({ tools_filter: [] })).toBeNull();
      expect(await hintOn({ mode: "agent" })).toBeNull();
    },
  );

  describe.each([[false], [true]])("a call outside the set, streamed: %s,", (streamed) => {
    const answerTo = async (rest: Fields = {}) => {
      const asking = { ...body(rest), stream: streamed };
      if (!streamed) return (await chat.ask(asking)).body.choices[0];
      const response = await chat.post(asking);
      return joinChunks(await response.text());
    };

    test("is refused in words that name the rule and the nearest names; the others are returned", async () => {
      stage.play({
        text: "let me",
        calls: [
          ["shop__secret", {}],
          ["shop__items", {}],
          ["nonsense", {}],
          ["own", { a: 1 }],
        ],
      });
      const { message, finish_reason } = await answerTo({
        tools: [{ type: "function", function: { name: "own" } }],
      });
      expect(finish_reason).toBe("tool_calls");
      expect(message.tool_calls).toMatchObject([
        { id: "up_1_1", function: { name: "shop__items", arguments: "{}" } },
        { id: "up_1_3", function: { name: "own", arguments: '{"a":1}' } },
      ]);
      expect(message.tool_calls).toHaveLength(2);
      expect(message.content).toMatch(
        /^let me\n\n\[Call refused: shop__secret is outside the allowed set: tools\.allow .*\]\n\n\[Call refused: There is no function "nonsense"\..*\]$/,
      );
    });

    test("ends the answer with stop when it was the only one", async () => {
      stage.play({ calls: [["shop__stock", { item: "pear" }]] });
      const { message, finish_reason } = await answerTo({ tools_filter: ["shop/items"] });
      expect(finish_reason).toBe("stop");
      expect(message.tool_calls ?? []).toEqual([]);
      expect(message.content).toMatch(/^\[Call refused: shop__stock .*tools_filter .*shop__items.*\]$/);
      expect(chat.shop.calls).toEqual([]);
    });

    test("is also a call by a tool's id, because the client knows only function names", async () => {
      stage.play({ calls: [["shop/stock", { item: "pear" }]] });
      const { message, finish_reason } = await answerTo();
      expect(finish_reason).toBe("stop");
      expect(message.tool_calls ?? []).toEqual([]);
      expect(message.content).toBe(
        '[Call refused: There is no function "shop/stock": the tool is offered as shop__stock.]',
      );
    });
  });

  test("fields that only the provider knows reach the client", async () => {
    stage.play((response) =>
      json(response, 200, {
        choices: [
          {
            message: { content: "a", reasoning_content: "hm" },
            logprobs: { content: [] },
            finish_reason: "stop",
          },
        ],
        usage: { total_tokens: 1 },
        service_tier: "flex",
      }),
    );
    const { body: answer } = await chat.ask(body());
    expect(answer).toMatchObject({
      object: "chat.completion",
      model: "test/m",
      service_tier: "flex",
      choices: [
        { logprobs: { content: [] }, message: { role: "assistant", content: "a", reasoning_content: "hm" } },
      ],
    });
  });

  test("several choices come through as the provider makes them", async () => {
    const twice = {
      choices: [
        { index: 0, message: { content: "a" } },
        { index: 1, message: { content: "b" } },
      ],
    };
    const asked = stage.play((response) => json(response, 200, twice));
    const { body: answer } = await chat.ask(body({ n: 2 }));
    expect(answer).toEqual(twice);
    expect(asked[0]?.body).toMatchObject({ n: 2 });
    expect(offered(asked[0])).toHaveLength(8);
  });
});

/** The choice that a client joins from a stream. Indexes of calls must count from 0 without gaps. */
function joinChunks(text: string) {
  const message = { content: "", tool_calls: [] as { function: { arguments: string } }[] };
  let reason: unknown;
  for (const line of text.split("\n\n").filter((each) => each.startsWith("data: {"))) {
    const [choice] = JSON.parse(line.slice("data: ".length)).choices;
    message.content += choice?.delta.content ?? "";
    for (const { index, ...call } of choice?.delta.tool_calls ?? []) {
      const known = message.tool_calls[index];
      if (known !== undefined) known.function.arguments += call.function.arguments;
      else expect(message.tool_calls.push(call)).toBe(index + 1);
    }
    reason = choice?.finish_reason ?? reason;
  }
  return { message, finish_reason: reason };
}

describe("without tools of servers it is a pipe", () => {
  const piped = (rest: Fields = {}): Fields => body({ tools_filter: [], ...rest });

  test("the provider gets the body with its own name of the model and without the gateway's fields", async () => {
    const asked = stage.play("a");
    await chat.ask(
      piped({
        temperature: 0.5,
        vendor: { deep: [1] },
        extra_body: { mode: "plain", top_k: 3 },
        metadata: { mode: "plain", team: "x" },
        tools: [{ type: "web_search" }],
      }),
    );
    expect(asked[0]?.body).toEqual({
      model: "m",
      messages: [user],
      stream: false,
      temperature: 0.5,
      vendor: { deep: [1] },
      extra_body: { top_k: 3 },
      metadata: { team: "x" },
      tools: [{ type: "web_search" }],
    });
  });

  test("a body comes back byte for byte", async () => {
    const text = '{ "choices": [], "odd":   1e3 }\n';
    stage.play((response) => json(response, 200, text));
    const response = await chat.post(piped());
    expect(await response.text()).toBe(text);
    expect(response.headers.get("content-type")).toBe("application/json");
  });

  test("a stream comes back byte for byte, comments and unknown events included", async () => {
    const text = `: hi\n\nevent: odd\ndata: {"a":1}\n\ndata: ${JSON.stringify(chunk({ content: "a" }))}\n\n${DONE}`;
    stage.play((response) => stream(response, [text]));
    const response = await chat.post(piped({ stream: true }));
    expect(await response.text()).toBe(text);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
  });

  test("a stream that the provider cuts ends in an error line and no [DONE]", async () => {
    stage.play(async (response) => {
      stream(response, [chunk({ content: "a" })], false);
      await new Promise((resolve) => response.write("data: {", resolve));
      response.destroy();
    });
    const lines = (await (await chat.post(piped({ stream: true }))).text()).trim().split("\n\n");
    expect(lines.at(-1)).toMatch(/^data: \{"error":\{"message":"The model provider/);
    expect(lines).not.toContain("data: [DONE]");
  });

  test("a provider that does not stream still gets its answer streamed", async () => {
    stage.play((response) =>
      json(response, 200, { choices: [{ message: { content: "a" }, finish_reason: "stop" }] }),
    );
    const response = await chat.post(piped({ stream: true }));
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    expect(await response.text()).toContain('"delta":{"content":"a"}');
  });

  test("a provider's refusal keeps its status", async () => {
    stage.play(404);
    for (const streamed of [false, true]) {
      stage.play(404);
      const { status, body: answer } = await chat.ask(piped({ stream: streamed }));
      expect(status).toBe(404);
      expect(answer.error.message).toContain("scripted failure");
    }
  });
});

describe.each([
  ["with tools", {}],
  ["as a pipe", { tools_filter: [] }],
])("a slow provider, %s,", (_, rest) => {
  test("does not delay a stream's headers, and its late answer follows", async () => {
    let answer: (() => void) | undefined;
    stage.play((response) => {
      answer = () => stream(response, [chunk({ content: "late" }), chunk({}, "stop"), DONE]);
    });
    const response = await chat.post(body({ stream: true, ...rest }));
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    await until("the provider was asked", () => answer !== undefined);
    answer?.();
    const text = await response.text();
    expect(text).toContain('"late"');
    expect(text.trim().endsWith("data: [DONE]")).toBe(true);
  });

  test("that then refuses ends the stream in one error line without [DONE]", async () => {
    let refuse: (() => void) | undefined;
    stage.play((response) => {
      refuse = () => json(response, 500, { error: { message: "too late" } });
    });
    const response = await chat.post(body({ stream: true, ...rest }));
    await until("the provider was asked", () => refuse !== undefined);
    refuse?.();
    const lines = (await response.text()).trim().split("\n\n");
    expect(lines.at(-1)).toMatch(/^data: \{"error":\{"message":".*too late/);
  });
});
