/** What the model reads about calls in a conversation that are undecided, or were decided long ago. */
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

const user = { role: "user", content: "order a pear" } as const;
const next = { role: "user", content: "what is the time?" } as const;
const said = (content: string): Fields => ({ role: "assistant", content });
const approve = '{"toolarium_decision":"approve"}';
const deny = '{"toolarium_decision":"deny","reason":"too dear"}';
const tool = (id: string, content: unknown): Fields => ({ role: "tool", tool_call_id: id, content });
const order = (item: string): readonly [string, unknown] => ["shop__order", { item }];
const undecided = expect.stringContaining("Not decided: a person has neither approved nor denied");

async function pause(mode: string, ...turns: ScriptedTurn[]) {
  const asked = stage.play(...turns);
  const { body } = await chat.ask({ model: `test/m:${mode}`, messages: [user] });
  const [{ message }] = body.choices as [{ message: Fields & { tool_calls: { id: string }[] } }];
  const ids = message.tool_calls.map(({ id }) => id);
  const ask = async (messages: readonly Fields[], rest: Fields = {}) => {
    const answer = await chat.ask({ model: `test/m:${mode}`, messages, ...rest });
    expect(answer.status).toBe(200);
    return answer.body;
  };
  return { asked, message, ids, id: ids[0] ?? "", run: body.toolarium.run_id as string, ask };
}

const waiting = async (): Promise<readonly unknown[]> =>
  (await chat.send("/v1/approvals")).body.data.map(({ call }: Fields) => call);

describe.each([
  ["agent", { calls: [order("pear")] }],
  ["code", { calls: [["run_code", { code: 'return await shop.order({ item: "pear" });' }]] }],
  ["auto", { calls: [order("pear")] }],
] as const)("a person who writes on without deciding, in %s mode,", (mode, turn) => {
  test.each<[how: string, between: (id: string) => readonly Fields[]]>([
    ["with no tool message", () => []],
    ["with an empty tool message", (id) => [tool(id, "")]],
    ["with a tool message of null", (id) => [tool(id, null)]],
    ["with an empty part", (id) => [tool(id, [{ type: "text", text: " " }])]],
  ])("gets an answer: %s", async (_how, between) => {
    const { asked, message, id, ask, run } = await pause(mode, turn, "half past two");
    const answer = await ask([user, message, ...between(id), next]);
    expect(answer.choices[0]).toMatchObject({ finish_reason: "stop", message: { content: "half past two" } });
    expect(conversation(asked[1])).toEqual([user, message, tool(id, undecided), next]);
    expect(chat.shop.calls).toEqual([]);
    // The call still waits, and can be decided.
    expect(await waiting()).toContain(id);
    expect((await chat.send(`/v1/runs/${run}/calls/${id}`, { decision: "approve" })).status).toBe(200);
    expect(chat.shop.calls).toEqual([["order", { item: "pear" }]]);
  });

  test("and decides later makes the model read the result from then on", async () => {
    const { asked, message, id, ask, run } = await pause(mode, turn, "half past two", "it is ordered");
    await ask([user, message, next]);
    await chat.send(`/v1/runs/${run}/calls/${id}`, { decision: "approve" });
    await ask([user, message, next, said("half past two"), user]);
    const told = conversation(asked[2]).find(({ role }) => role === "tool");
    expect(told).toEqual(tool(id, '{"ordered":"pear"}'));
  });
});

test("a client that left the calls out as well gets an answer, and the call still waits", async () => {
  const { asked, id, ask } = await pause("agent", { calls: [order("pear")] }, "one", "two");
  await ask([user, said(""), next]);
  await ask([user, tool(id, ""), next]);
  expect(conversation(asked[2])).toEqual([
    user,
    {
      role: "assistant",
      content: null,
      tool_calls: [{ id, type: "function", function: { name: "shop__order", arguments: '{"item":"pear"}' } }],
    },
    tool(id, undecided),
    next,
  ]);
  expect(await waiting()).toContain(id);
});

test("of several calls the decided ones are done; the model reads that the others are undecided", async () => {
  const { asked, message, ids, ask } = await pause(
    "agent",
    { calls: [order("apple"), order("pear"), order("plum")] },
    "one",
  );
  const [first = "", second = "", third = ""] = ids;
  const answer = await ask([user, message, tool(first, approve), tool(third, deny), next]);
  expect(answer.choices[0].message.content).toBe("one");
  expect(conversation(asked[1])).toEqual([
    user,
    message,
    tool(first, '{"ordered":"apple"}'),
    tool(second, undecided),
    tool(third, '{"error":{"kind":"denied","message":"too dear"}}'),
    next,
  ]);
  expect(chat.shop.calls).toEqual([["order", { item: "apple" }]]);
  expect(await waiting()).toContain(second);
});

test("a decision and a new message in one request get one answer", async () => {
  const { asked, message, id, ask } = await pause("agent", { calls: [order("pear")] }, "one");
  await ask([user, message, tool(id, approve), next]);
  expect(conversation(asked[1])).toMatchObject([
    user,
    { role: "assistant" },
    tool("up_1_0", '{"ordered":"pear"}'),
    next,
  ]);
});

describe("a decision in the history of a later request", () => {
  test.each([
    ["an approval", approve, '{"ordered":"pear"}'],
    ["a denial", deny, '{"error":{"kind":"denied","message":"too dear"}}'],
    ["a result of the client's own", "by phone", "by phone"],
  ])("is what became of the call, not what was said: %s", async (_what, content, read) => {
    for (const mode of ["agent", "plain"]) {
      const { asked, message, id, ask } = await pause("agent", { calls: [order("pear")] }, "done", "later");
      await ask([user, message, tool(id, content)]);
      const history = [user, message, tool(id, content), said("done"), next];
      await ask(history, { model: `test/m:${mode}` });
      expect(conversation(asked[2])).toEqual([user, message, tool(id, read), said("done"), next]);
    }
  });

  test("stands right after its call, and only there", async () => {
    const { asked, message, id, ask } = await pause("agent", { calls: [order("pear")] }, "done", "later");
    await ask([user, message, tool(id, approve)]);
    await ask([user, message, next, tool(id, approve), said("done"), next]);
    expect(conversation(asked[2])).toEqual([
      user,
      message,
      tool(id, '{"ordered":"pear"}'),
      next,
      said("done"),
      next,
    ]);
  });

  test("from an earlier chat is also shown as its result in a chat that is resumed", async () => {
    const { asked, message, id, ask } = await pause(
      "agent",
      { calls: [order("pear")] },
      "done",
      { calls: [order("plum")] },
      "last",
    );
    await ask([user, message, tool(id, approve)]);
    const history = [user, message, tool(id, approve), said("done"), next];
    const [{ message: second }] = (await ask(history)).choices;
    await ask([...history, second, tool(second.tool_calls[0].id, approve)]);
    expect(conversation(asked[3]).filter(({ role }) => role === "tool")).toEqual([
      tool(id, '{"ordered":"pear"}'),
      tool("up_3_0", '{"ordered":"plum"}'),
    ]);
  });

  test("about an unknown call is replaced by words", async () => {
    const id = `call_${"A".repeat(22)}_1`;
    const call = { id, type: "function", function: { name: "shop__order", arguments: "{}" } };
    const message = { role: "assistant", content: null, tool_calls: [call] };
    const asked = stage.play("done");
    const messages = [user, message, tool(id, approve), said("ok"), next];
    await chat.ask({ model: "test/m:agent", messages });
    expect(conversation(asked[0])[2]?.["content"]).toContain("Its result is not kept here any more");
  });

  test("of another principal's call reveals nothing", async () => {
    const { message, id } = await pause("agent", { calls: [order("pear")] }, "done");
    const other = await startStage({ keys: [{ name: "k", key: "k", principal: "other" }] });
    try {
      const asked = other.play("done");
      await other.chat.ask(
        { model: "test/m:agent", messages: [user, message, tool(id, "fine"), said("ok"), next] },
        { headers: { authorization: "Bearer k" } },
      );
      expect(conversation(asked[0])[2]).toEqual(tool(id, "fine"));
    } finally {
      await other[Symbol.asyncDispose]();
    }
  });
});
