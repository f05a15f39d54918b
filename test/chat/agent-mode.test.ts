import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Fields } from "../../src/upstream/model.ts";
import { json } from "../upstream/helpers/provider.ts";
import type { TestChat } from "./helpers/chat.ts";
import { conversation, offered, type ScriptedTurn, type Stage, startStage } from "./helpers/scripted.ts";

let stage: Stage;
let chat: TestChat;
beforeAll(async () => {
  stage = await startStage({ maxTurns: 3 });
  chat = stage.chat;
});
afterAll(() => stage[Symbol.asyncDispose]());

const user = { role: "user", content: "go" } as const;
const body = (rest: Fields = {}): Fields => ({ model: "test/m:agent", messages: [user], ...rest });

describe("calls that run by themselves", () => {
  test("are answered in the model's order and the next turn sees them; usage is the sum", async () => {
    const asked = stage.play(
      {
        calls: [
          ["shop__stock", { item: "apple" }],
          ["shop__items", {}],
          ["shop__fail", {}],
        ],
      },
      "done",
    );
    const { headers, body: answer } = await chat.ask(body());
    expect(answer.choices).toEqual([
      { index: 0, message: { role: "assistant", content: "done" }, finish_reason: "stop" },
    ]);
    expect(answer.usage).toEqual({
      prompt_tokens: 20,
      completion_tokens: 2,
      total_tokens: 22,
      prompt_tokens_details: { cached_tokens: 8 },
    });
    expect(conversation(asked[1]).slice(2)).toEqual([
      { role: "tool", tool_call_id: "up_1_0", content: '{"item":"apple","count":3}' },
      { role: "tool", tool_call_id: "up_1_1", content: '["apple","pear"]' },
      {
        role: "tool",
        tool_call_id: "up_1_2",
        content: '{"error":{"kind":"tool","message":"the till is closed"}}',
      },
    ]);
    expect(answer.toolarium).toMatchObject({
      run_id: headers.get("x-toolarium-run-id"),
      mode: "agent",
      steps: [
        { turn: 1, type: "call", tool: "shop/stock", status: "ok" },
        { turn: 1, type: "call", tool: "shop/items", status: "ok" },
        { turn: 1, type: "call", tool: "shop/fail", status: "error" },
      ],
    });
  });

  test("are in the run's record, which is complete before the answer ends", async () => {
    stage.play({ calls: [["shop__stock", { item: "pear" }]] }, "done");
    const response = await chat.post(body());
    await response.text();
    const run = `${chat.url}/v1/sandbox/runs/${response.headers.get("x-toolarium-run-id")}`;
    expect(await (await fetch(run)).json()).toMatchObject({
      status: "completed",
      calls: [{ tool: "shop/stock", status: "ok" }],
    });
    const events = await (await fetch(`${run}/events`)).text();
    expect([...events.matchAll(/^event: (.*)$/gm)].map(([, name]) => name)).toEqual([
      "run.started",
      "call.started",
      "call.finished",
      "run.finished",
    ]);
  });

  test("outside the allowed set are refused in words, and the server is never asked", async () => {
    const asked = stage.play(
      {
        calls: [
          ["shop__secret", {}],
          ["shop__stok", {}],
        ],
      },
      "done",
    );
    await (await chat.post(body())).text();
    const [secret, misspelt] = conversation(asked[1]).slice(2);
    expect(secret?.["content"]).toContain('"kind":"denied"');
    expect(secret?.["content"]).toContain("tools.allow");
    expect(misspelt?.["content"]).toContain('"kind":"unknown_tool"');
    expect(chat.shop.calls).toEqual([]);
  });

  test("with invalid arguments come back to the model as errors", async () => {
    const asked = stage.play(
      {
        calls: [
          ["shop__stock", { itm: 1 }],
          ["shop__stock", "{oops"],
        ],
      },
      "done",
    );
    await (await chat.post(body())).text();
    for (const message of conversation(asked[1]).slice(2))
      expect(message["content"]).toContain('"kind":"invalid_arguments"');
    expect(chat.shop.calls).toEqual([]);
  });

  test("end after agent.maxTurns turns, visibly", async () => {
    const again: ScriptedTurn = { text: "hm", calls: [["shop__items", {}]] };
    const asked = stage.play(again, again, again, again);
    const { body: answer } = await chat.ask(body());
    expect(asked).toHaveLength(3);
    expect(chat.shop.calls).toHaveLength(3);
    expect(answer.choices[0].finish_reason).toBe("stop");
    expect(answer.choices[0].message.content).toMatch(/^hm\n\nhm\n\nhm\n\n\[Stopped after 3 turns/);
    expect(answer.toolarium.stop_reason).toBe("max_turns");
  });
});

describe("what the model is offered", () => {
  test("are the visible tools with their schemas, one call at a time, and the caller's own", async () => {
    const asked = stage.play("done");
    const own = { type: "function", function: { name: "own", parameters: { type: "object" } } };
    const stub = { type: "function", function: { name: "shop__stock", description: "mine" } };
    await (
      await chat.post(body({ tools: [own, stub], tools_filter: ["shop/stock", "shop/order", "shop/secret"] }))
    ).text();
    expect(offered(asked[0]).map(({ name }) => name)).toEqual(["shop__order", "shop__stock", "own"]);
    expect(asked[0]?.body).toMatchObject({ model: "m", parallel_tool_calls: false });
    expect(asked[0]?.body).not.toHaveProperty("tools_filter");
    expect(offered(asked[0])[1]).toEqual({
      name: "shop__stock",
      description: "Shop: stock.",
      parameters: {
        type: "object",
        properties: { item: { type: "string" } },
        required: ["item"],
        additionalProperties: false,
      },
    });
  });

  test("a client that sets parallel_tool_calls keeps it; a demand for a call holds for the first turn", async () => {
    const asked = stage.play({ calls: [["shop__items", {}]] }, "done");
    await (await chat.post(body({ parallel_tool_calls: true, tool_choice: "required" }))).text();
    expect(asked[0]?.body).toMatchObject({ parallel_tool_calls: true, tool_choice: "required" });
    expect(asked[1]?.body).not.toHaveProperty("tool_choice");
  });

  test("without any tool the provider gets neither tools nor parallel_tool_calls", async () => {
    const asked = stage.play("done");
    await (await chat.post(body({ tools_filter: [] }))).text();
    expect(asked[0]?.body).not.toHaveProperty("tools");
    expect(asked[0]?.body).not.toHaveProperty("parallel_tool_calls");
  });
});

describe("calls that the gateway does not make", () => {
  test("a call that needs approval is returned alone, after the other calls have finished", async () => {
    stage.play({
      text: "ordering",
      calls: [
        ["shop__stock", { item: "apple" }],
        ["shop__order", { item: "pear" }],
      ],
    });
    const { body: answer } = await chat.ask(body());
    const [{ message, finish_reason }] = answer.choices;
    expect(finish_reason).toBe("tool_calls");
    expect(message).toEqual({
      role: "assistant",
      content: "ordering",
      tool_calls: [
        {
          id: expect.any(String),
          type: "function",
          function: { name: "shop__order", arguments: '{"item":"pear"}' },
        },
      ],
    });
    expect(message.tool_calls[0].id).toMatch(/^call_[A-Za-z0-9_-]{22}_[0-9a-z]+$/);
    expect(answer.toolarium).toMatchObject({
      stop_reason: "approval",
      steps: [{ status: "ok" }, { status: "waiting" }],
    });
    expect(chat.shop.calls).toEqual([["stock", { item: "apple" }]]);
    const run = await fetch(`${chat.url}/v1/sandbox/runs/${answer.toolarium.run_id}`);
    expect(await run.json()).toMatchObject({
      status: "waiting",
      pending: [{ call: message.tool_calls[0].id }],
    });
  });

  test("the client's tool message continues the conversation", async () => {
    const asked = stage.play({ calls: [["shop__order", { item: "pear" }]] }, "done");
    const { body: paused } = await chat.ask(body());
    const [{ message }] = paused.choices;
    const answer = { role: "tool", tool_call_id: message.tool_calls[0].id, content: "ordered" };
    const { body: done } = await chat.ask(body({ messages: [user, message, answer] }));
    expect(done.choices[0].message.content).toBe("done");
    expect(conversation(asked[1])).toMatchObject([
      user,
      { role: "assistant", tool_calls: [{ id: "up_1_0", function: { name: "shop__order" } }] },
      { role: "tool", tool_call_id: "up_1_0", content: "ordered" },
    ]);
    expect(chat.shop.calls).toEqual([]);
  });

  test("a caller's own tool is returned under the model's own id, without a stop reason", async () => {
    stage.play({ calls: [["own", { a: 1 }]] });
    const tools = [{ type: "function", function: { name: "own" } }];
    const { body: answer } = await chat.ask(body({ tools }));
    expect(answer.choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: {
        content: null,
        tool_calls: [{ id: "up_1_0", function: { name: "own", arguments: '{"a":1}' } }],
      },
    });
    expect(answer.toolarium).not.toHaveProperty("stop_reason");
  });
});

test("several choices are returned with all their calls, because only one choice could be continued", async () => {
  const call = { id: "c", type: "function", function: { name: "shop__items", arguments: "{}" } };
  const choices = [0, 1].map((index) => ({
    index,
    finish_reason: "tool_calls",
    message: { role: "assistant", tool_calls: [call] },
  }));
  const made = chat.shop.calls.length;
  const asked = stage.play((response) => json(response, 200, { choices }));
  const { status, body: answer } = await chat.ask(body({ n: 2 }));
  expect([status, answer.choices]).toEqual([200, choices]);
  expect(asked).toHaveLength(1);
  expect(chat.shop.calls).toHaveLength(made);
  expect((await chat.ask({ ...body({ n: 2 }), model: "test/m:code" })).body.error.param).toBe("n");
});
