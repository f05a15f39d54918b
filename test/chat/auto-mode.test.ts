/** Auto mode: the model is offered the tools and `run_code`. Calls of each are answered as in agent and code mode. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Fields } from "../../src/upstream/model.ts";
import type { TestChat } from "./helpers/chat.ts";
import { conversation, offered, type Stage, startStage, systemMessage } from "./helpers/scripted.ts";

let stage: Stage;
let chat: TestChat;
beforeAll(async () => {
  stage = await startStage();
  chat = stage.chat;
});
afterAll(() => stage[Symbol.asyncDispose]());

const user = { role: "user", content: "go" } as const;
const body = (rest: Fields = {}): Fields => ({ model: "test/m:auto", messages: [user], ...rest });
const program = (code: string): readonly [string, unknown] => ["run_code", { code }];

test("the model is offered the tools themselves and programs over them, and told when to use which", async () => {
  const asked = stage.play("done");
  await chat.ask(body({ tools_filter: ["shop/stock", "shop/items"] }));
  expect(offered(asked[0]).map(({ name }) => name)).toEqual(["shop__items", "shop__stock", "run_code"]);
  const told = String(systemMessage(asked[0]));
  expect(told).toContain("call a function yourself where one or two calls are enough");
  expect(told).toContain("declare const shop");
  expect(told).not.toContain("exist only inside such programs");
});

describe("the answer says what the model chose:", () => {
  test("it called tools itself", async () => {
    stage.play({ calls: [["shop__items", {}]] }, "done");
    const { body: answer } = await chat.ask(body());
    expect(answer.choices[0].message.content).toBe("done");
    expect(answer.toolarium).toMatchObject({
      mode: "auto",
      auto: { offered: "both", chosen: "direct", reason: "The model called 1 tool itself." },
      steps: [{ type: "call", tool: "shop/items", status: "ok" }],
    });
  });

  test("it wrote a program", async () => {
    const asked = stage.play({ calls: [program("return (await shop.items({})).length;")] }, "done");
    const { body: answer } = await chat.ask(body());
    expect(conversation(asked[1]).at(-1)?.["content"]).toContain("2");
    expect(answer.toolarium).toMatchObject({
      auto: { offered: "both", chosen: "code", reason: "The model wrote 1 program." },
      steps: [{ type: "program", status: "completed" }],
    });
  });

  test("it did both, in one turn", async () => {
    stage.play(
      { calls: [["shop__items", {}], program("return await shop.stock({ item: 'apple' });")] },
      "done",
    );
    const { body: answer } = await chat.ask(body());
    expect(answer.toolarium.auto).toEqual({
      offered: "both",
      chosen: "both",
      reason: "The model called 1 tool itself and wrote 1 program.",
    });
    expect(chat.shop.calls).toHaveLength(2);
  });

  test("it used nothing, and the caller's own tools do not count", async () => {
    stage.play({ calls: [["own", {}]] });
    const tools = [{ type: "function", function: { name: "own" } }];
    const { body: answer } = await chat.ask(body({ tools }));
    expect(answer.choices[0].finish_reason).toBe("tool_calls");
    expect(answer.toolarium.auto).toMatchObject({ chosen: "none", reason: "The model used no tool." });
  });

  test("in a stream with steps it comes before the finish", async () => {
    stage.play({ calls: [["shop__items", {}]] }, "done");
    const response = await chat.post(body({ stream: true }), { headers: { "x-toolarium-steps": "true" } });
    const lines = (await response.text()).split("\n").filter((line) => line.startsWith("data: {"));
    const chunks = lines.map((line) => JSON.parse(line.slice(6)));
    const told = chunks.findIndex(({ toolarium }) => toolarium?.auto);
    expect(chunks[told].toolarium.auto.chosen).toBe("direct");
    expect(chunks[told + 1].choices[0].finish_reason).toBe("stop");
  });
});

test("only programs are offered when the tools as functions would not fit in the budget, and the answer says so", async () => {
  await using small = await startStage({ tokenBudget: 300 });
  const asked = small.play("done");
  const { body: answer } = await small.chat.ask(body());
  expect(offered(asked[0]).map(({ name }) => name)).toEqual(["run_code", "search_tools", "describe_tools"]);
  expect(systemMessage(asked[0])).toContain("exist only inside such programs");
  expect(answer.toolarium.auto.offered).toBe("code");
  expect(answer.toolarium.auto.reason).toMatch(
    /^Only programs were offered: 8 tools as functions would take \d+ tokens, and declarations.tokenBudget is 300\. The model used no tool\.$/,
  );
});

test("pending calls of a program and of the model itself are returned together, and both resume", async () => {
  const asked = stage.play(
    { calls: [["shop__order", { item: "pear" }], program("return await shop.order({ item: 'apple' });")] },
    "done",
  );
  const { body: paused } = await chat.ask(body());
  const [{ message, finish_reason: reason }] = paused.choices;
  expect(reason).toBe("tool_calls");
  expect(message.tool_calls).toHaveLength(2);
  const answers = message.tool_calls.map(({ id }: { id: string }) => ({
    role: "tool",
    tool_call_id: id,
    content: '{"toolarium_decision":"approve"}',
  }));
  const { body: done } = await chat.ask(body({ messages: [user, message, ...answers] }));
  expect(done.choices[0].message.content).toBe("done");
  expect(done.toolarium.auto.chosen).toBe("both");
  expect(chat.shop.calls.map(([, args]) => args)).toEqual(
    expect.arrayContaining([{ item: "pear" }, { item: "apple" }]),
  );
  expect(conversation(asked[1]).filter(({ role }) => role === "tool")).toHaveLength(2);
});

test("a call outside the allowed set is refused, direct or in a program", async () => {
  const asked = stage.play(
    { calls: [["shop__secret", {}], program("return await tools['shop']['secret']({});")] },
    "done",
  );
  await chat.ask(body());
  const [direct, programmed] = conversation(asked[1]).filter(({ role }) => role === "tool");
  expect(direct?.["content"]).toContain('"kind":"denied"');
  expect(programmed?.["content"]).toContain("secret");
  expect(chat.shop.calls).toEqual([]);
});
