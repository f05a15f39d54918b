/** Programs with calls that need approval: the client gets all pending calls together, and decides any of them. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Fields } from "../../src/upstream/model.ts";
import type { TestChat } from "./helpers/chat.ts";
import { conversation, type ScriptedTurn, type Stage, startStage } from "./helpers/scripted.ts";

let stage: Stage;
let chat: TestChat;
beforeAll(async () => {
  stage = await startStage();
  chat = stage.chat;
});
afterAll(() => stage[Symbol.asyncDispose]());

const user = { role: "user", content: "go" } as const;
const body = (...messages: readonly Fields[]): Fields => ({
  model: "test/m",
  mode: "code",
  messages: [user, ...messages],
});
const approve = '{"toolarium_decision":"approve"}';
const tool = (id: string, content: unknown): Fields => ({ role: "tool", tool_call_id: id, content });
const programs = (...codes: readonly string[]): ScriptedTurn => ({
  calls: codes.map((code) => ["run_code", { code }]),
});
const reports = (request: Parameters<typeof conversation>[0]): readonly Fields[] =>
  conversation(request)
    .filter(({ role }) => role === "tool")
    .map(({ content }) => JSON.parse(String(content)));
const pendingOf = (answer: Fields): { readonly message: Fields; readonly ids: readonly string[] } => {
  const [{ message }] = answer["choices"] as [{ message: Fields }];
  const calls = (message["tool_calls"] ?? []) as readonly { readonly id: string }[];
  return { message, ids: calls.map(({ id }) => id) };
};

const BUY = "return await shop.order({ item: 'pear' })";
const BUY_TWO =
  "return await Promise.all([shop.order({ item: 'apple' }), shop.order({ item: 'pear' })].map((order) => order.catch((error) => error.message)))";

describe("a program", () => {
  test("resumes after its call is approved by a tool message, and the model sees its report alone", async () => {
    const asked = stage.play(programs(`const items = await shop.items({}); ${BUY}`), "bought");
    const first = await chat.ask(body());
    const { message, ids } = pendingOf(first.body);
    const { body: answer } = await chat.ask(body(message, tool(ids[0] ?? "", approve)));
    expect(answer.choices[0]).toMatchObject({ finish_reason: "stop", message: { content: "bought" } });
    expect(conversation(asked[1])).toMatchObject([
      user,
      { role: "assistant", tool_calls: [{ id: "up_1_0", function: { name: "run_code" } }] },
      { role: "tool", tool_call_id: "up_1_0" },
    ]);
    expect(reports(asked[1])).toEqual([{ status: "completed", result: { ordered: "pear" } }]);
    expect(chat.shop.calls.map(([name]) => name)).toEqual(["items", "order"]);
    expect(answer.toolarium.steps).toMatchObject([{ turn: 1, type: "program", status: "completed" }]);
    expect(answer.toolarium.run_id).toBe(first.body.toolarium.run_id);
    // The report of the chat includes those of its programs.
    expect((await chat.send(`/v1/sandbox/runs/${answer.toolarium.run_id}`)).body).toMatchObject({
      status: "completed",
      result: { ordered: "pear" },
      calls: [{ tool: "shop/items" }, { tool: "shop/order", decision: "approved" }],
    });
  });

  test("resumes at once after a native decision, and the conversation needs no tool message", async () => {
    const asked = stage.play(programs(BUY), "bought");
    const first = await chat.ask(body());
    const { message, ids } = pendingOf(first.body);
    const run = first.body.toolarium.steps[0].run_id;
    const decided = await chat.send(`/v1/sandbox/runs/${run}/calls/${ids[0]}`, { decision: "approve" });
    expect(decided.body).toMatchObject({ status: "completed", result: { ordered: "pear" } });
    const { body: answer } = await chat.ask(body(message));
    expect(answer.choices[0].message.content).toBe("bought");
    expect(reports(asked[1])).toMatchObject([{ result: { ordered: "pear" } }]);
  });

  test("gets a denial and a supplied result at the calls that it made", async () => {
    const asked = stage.play(programs(BUY_TWO), "ok");
    const { message, ids } = pendingOf((await chat.ask(body())).body);
    const [first = "", second = ""] = ids;
    const denial = '{"toolarium_decision":"deny","reason":"not today"}';
    await chat.ask(body(message, tool(first, denial), tool(second, '{"ordered":"by phone"}')));
    expect(reports(asked[1])).toMatchObject([{ result: ["not today", { ordered: "by phone" }] }]);
    expect(chat.shop.calls).toEqual([]);
  });

  test("shows all its pending calls together; those not decided come back under the same ids", async () => {
    const asked = stage.play(programs(BUY_TWO), "ok");
    const paused = pendingOf((await chat.ask(body())).body);
    const [first = "", second = ""] = paused.ids;
    const some = await chat.ask(body(paused.message, tool(second, approve)));
    const rest = pendingOf(some.body);
    expect(rest.ids).toEqual([first]);
    expect(chat.shop.calls).toEqual([["order", { item: "pear" }]]);
    const messages = [paused.message, tool(second, approve), rest.message, tool(first, approve)];
    await chat.ask(body(...messages));
    expect(reports(asked[1])).toMatchObject([{ result: [{ ordered: "apple" }, { ordered: "pear" }] }]);
    expect(chat.shop.calls).toHaveLength(2);
  });

  test("is decided separately from another of the same turn; the model is asked when both have ended", async () => {
    const asked = stage.play(programs(BUY, "return await shop.order({ item: 'apple' })"), "ok");
    const paused = pendingOf((await chat.ask(body())).body);
    const [first = "", second = ""] = paused.ids;
    const rest = pendingOf((await chat.ask(body(paused.message, tool(first, approve)))).body);
    expect(rest.ids).toEqual([second]);
    expect(asked).toHaveLength(1);
    const { body: answer } = await chat.ask(
      body(paused.message, tool(first, approve), tool(second, approve)),
    );
    expect(answer.choices[0].message.content).toBe("ok");
    expect(reports(asked[1]).map(({ result }) => result)).toEqual([
      { ordered: "pear" },
      { ordered: "apple" },
    ]);
  });

  test("pauses each time when it makes one call that needs approval after another", async () => {
    const code = "await shop.order({ item: 'apple' }); return await shop.order({ item: 'pear' })";
    const asked = stage.play(programs(code), "ok");
    const paused = pendingOf((await chat.ask(body())).body);
    const again = pendingOf((await chat.ask(body(paused.message, tool(paused.ids[0] ?? "", approve)))).body);
    expect(again.ids).not.toEqual(paused.ids);
    const messages = [
      paused.message,
      tool(paused.ids[0] ?? "", approve),
      again.message,
      tool(again.ids[0] ?? "", approve),
    ];
    expect((await chat.ask(body(...messages))).body.choices[0].message.content).toBe("ok");
    expect(reports(asked[1])).toMatchObject([{ result: { ordered: "pear" } }]);
    expect(chat.shop.calls).toHaveLength(2);
  });
});

describe("a turn with calls of the gateway's and of the caller's tools", () => {
  const own = { type: "function", function: { name: "own" } };

  test("returns the caller's calls with those that need approval, and shows the model the turn unchanged", async () => {
    const asked = stage.play(
      {
        text: "both",
        calls: [
          ["own", { a: 1 }],
          ["run_code", { code: BUY }],
          ["run_code", { code: "return 7" }],
        ],
      },
      "done",
    );
    const first = await chat.ask({ ...body(), tools: [own] });
    const { message, ids } = pendingOf(first.body);
    expect(message).toMatchObject({
      content: "both",
      tool_calls: [{ function: { name: "own" } }, { function: { name: "shop__order" } }],
    });
    const [theirs = "", ours = ""] = ids;
    expect(theirs).toMatch(/^call_[A-Za-z0-9_-]{22}_[0-9a-z]+$/);
    const replies = [tool(theirs, "mine"), tool(ours, approve)];
    const { body: answer } = await chat.ask({ ...body(message, ...replies), tools: [own] });
    expect(answer.choices[0].message.content).toBe("done");
    expect(conversation(asked[1])).toMatchObject([
      user,
      { content: "both", tool_calls: [{ id: "up_1_0" }, { id: "up_1_1" }, { id: "up_1_2" }] },
      tool("up_1_0", "mine"),
      { tool_call_id: "up_1_1", content: '{"status":"completed","result":{"ordered":"pear"}}' },
      { tool_call_id: "up_1_2", content: '{"status":"completed","result":7}' },
    ]);
  });

  test("resumes when the caller's own call is answered, also in agent mode and in a later turn", async () => {
    const agent = (...messages: readonly Fields[]): Fields => ({
      ...body(...messages),
      mode: "agent",
      tools: [own],
    });
    const asked = stage.play({ calls: [["shop__items", {}]] }, { calls: [["own", {}]] }, "done");
    const first = await chat.ask(agent());
    const { message, ids } = pendingOf(first.body);
    expect(first.body.toolarium).not.toHaveProperty("stop_reason");
    const { body: answer } = await chat.ask(agent(message, tool(ids[0] ?? "", "mine")));
    expect(answer.choices[0].message.content).toBe("done");
    // The hidden turns, which the client never saw, are sent to the model again.
    expect(conversation(asked[2]).slice(1)).toMatchObject([
      { tool_calls: [{ id: "up_1_0" }] },
      tool("up_1_0", '["apple","pear"]'),
      { tool_calls: [{ id: "up_2_0" }] },
      tool("up_2_0", "mine"),
    ]);
    const other = await chat.ask(agent(message, tool(ids[0] ?? "", "yours")));
    expect([other.status, other.body.error.code]).toEqual([400, "decision_conflict"]);
  });
});
