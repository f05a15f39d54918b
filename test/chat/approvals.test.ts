/** Calls that need approval in agent mode: how the conversation comes back, and what the model then sees. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Fields } from "../../src/upstream/model.ts";
import { until } from "../helpers/until.ts";
import type { TestChat } from "./helpers/chat.ts";
import { conversation, offered, type ScriptedTurn, type Stage, startStage } from "./helpers/scripted.ts";

let stage: Stage;
let chat: TestChat;
beforeAll(async () => {
  stage = await startStage({ keys: [] });
  chat = stage.chat;
});
afterAll(() => stage[Symbol.asyncDispose]());

const user = { role: "user", content: "go" } as const;
const body = (rest: Fields = {}): Fields => ({ model: "test/m:agent", messages: [user], ...rest });
const approve = '{"toolarium_decision":"approve"}';
const deny = (reason: string): string => JSON.stringify({ toolarium_decision: "deny", reason });
const tool = (id: string, content: unknown): Fields => ({ role: "tool", tool_call_id: id, content });
const order = (item: string): readonly [string, unknown] => ["shop__order", { item }];

interface Paused {
  readonly asked: ReturnType<Stage["play"]>;
  readonly message: Fields;
  readonly ids: readonly string[];
  readonly run: string;
}

/** Runs a first turn that pauses, with these turns in the script after it. */
async function pause(
  calls: readonly (readonly [string, unknown])[],
  ...rest: ScriptedTurn[]
): Promise<Paused> {
  const asked = stage.play({ calls }, ...rest);
  const { body: answer } = await chat.ask(body());
  const [{ message, finish_reason }] = answer.choices;
  expect(finish_reason).toBe("tool_calls");
  const ids = message.tool_calls.map(({ id }: { id: string }) => id);
  return { asked, message, ids, run: answer.toolarium.run_id };
}
const back = ({ message }: Paused, ...messages: Fields[]): Fields =>
  body({ messages: [user, message, ...messages] });
const results = (request: Parameters<typeof conversation>[0]): (readonly unknown[])[] =>
  conversation(request)
    .filter(({ role }) => role === "tool")
    .map(({ tool_call_id, content }) => [tool_call_id, content]);

describe("a conversation that comes back", () => {
  test("with an approval has the call made, and the model sees its own ids and every hidden result", async () => {
    const paused = await pause(
      [["shop__stock", { item: "apple" }], order("pear"), ["shop__items", {}]],
      "done",
    );
    const [id = ""] = paused.ids;
    const { body: answer, headers } = await chat.ask(back(paused, tool(id, approve)));
    expect(answer.choices[0]).toMatchObject({ finish_reason: "stop", message: { content: "done" } });
    expect(conversation(paused.asked[1])).toMatchObject([
      user,
      { role: "assistant", tool_calls: [{ id: "up_1_0" }, { id: "up_1_1" }, { id: "up_1_2" }] },
      tool("up_1_0", '{"item":"apple","count":3}'),
      tool("up_1_1", '{"ordered":"pear"}'),
      tool("up_1_2", '["apple","pear"]'),
    ]);
    expect(chat.shop.calls.map(([name]) => name)).toEqual(["stock", "items", "order"]);
    expect(answer.usage).toMatchObject({ total_tokens: 11 });
    expect(headers.get("x-toolarium-run-id")).toBe(paused.run);
    expect(answer.toolarium).toMatchObject({
      run_id: paused.run,
      steps: [{ turn: 1, type: "call", call: id, tool: "shop/order", status: "ok" }],
    });
    expect((await chat.send(`/v1/sandbox/runs/${paused.run}`)).body).toMatchObject({
      status: "completed",
      calls: [{ status: "ok" }, { status: "ok", decision: "approved" }, { status: "ok" }],
    });
  });

  test("with a denial tells the model why, and nothing is called", async () => {
    const paused = await pause([order("pear")], "as you wish");
    const [id = ""] = paused.ids;
    const { body: answer } = await chat.ask(back(paused, tool(id, deny("too dear"))));
    expect(answer.choices[0].message.content).toBe("as you wish");
    expect(results(paused.asked[1])).toEqual([
      ["up_1_0", '{"error":{"kind":"denied","message":"too dear"}}'],
    ]);
    expect(chat.shop.calls).toEqual([]);
  });

  test.each([
    ["text", "ordered by phone", "ordered by phone"],
    ["JSON", ' { "ordered": 1 }', '{"ordered":1}'],
    [
      "parts",
      [
        { type: "text", text: "it is " },
        { type: "text", text: "done" },
      ],
      "it is done",
    ],
    ["text that only looks like a decision", '"toolarium_decision"', '"toolarium_decision"'],
  ])("with a result as %s has it stand for the call", async (_, content, seen) => {
    const paused = await pause([order("pear")], "fine");
    const [id = ""] = paused.ids;
    await chat.ask(back(paused, tool(id, content)));
    expect(results(paused.asked[1])).toEqual([["up_1_0", seen]]);
    expect(chat.shop.calls).toEqual([]);
  });

  test("with a result that does not fit the output schema is refused, and the call still waits", async () => {
    const paused = await pause([["shop__weigh", { item: "pear" }]], "fine");
    const [id = ""] = paused.ids;
    const wrong = await chat.ask(back(paused, tool(id, '{"grams":"many"}')));
    expect(wrong.status).toBe(400);
    expect(wrong.body.error).toMatchObject({
      code: "invalid_arguments",
      message: expect.stringContaining("output schema"),
    });
    expect(paused.asked).toHaveLength(1);
    await chat.ask(back(paused, tool(id, '{"grams":3}')));
    expect(results(paused.asked[1])).toEqual([["up_1_0", '{"grams":3}']]);
  });

  test("with some decisions gets the other calls again, under the same ids", async () => {
    const paused = await pause([order("apple"), order("pear")], "done");
    const [first = "", second = ""] = paused.ids;
    const { body: some } = await chat.ask(back(paused, tool(first, approve)));
    expect(some.choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: { tool_calls: [{ id: second, function: { arguments: '{"item":"pear"}' } }] },
    });
    expect(some.toolarium).toMatchObject({
      stop_reason: "approval",
      steps: [
        { call: first, status: "ok" },
        { call: second, status: "waiting" },
      ],
    });
    expect(some.usage).toMatchObject({ total_tokens: 0 });
    const messages = [
      user,
      paused.message,
      tool(first, approve),
      some.choices[0].message,
      tool(second, deny("no")),
    ];
    const { body: answer } = await chat.ask(body({ messages }));
    expect(answer.choices[0].message.content).toBe("done");
    expect(results(paused.asked[1])).toEqual([
      ["up_1_0", '{"ordered":"apple"}'],
      ["up_1_1", '{"error":{"kind":"denied","message":"no"}}'],
    ]);
    expect(chat.shop.calls).toEqual([["order", { item: "apple" }]]);
  });

  test("with all decisions resumes at once", async () => {
    const paused = await pause([order("apple"), order("pear")], "done");
    const [first = "", second = ""] = paused.ids;
    const { body: answer } = await chat.ask(back(paused, tool(second, approve), tool(first, approve)));
    expect(answer.choices[0].message.content).toBe("done");
    expect(results(paused.asked[1]).map(([id]) => id)).toEqual(["up_1_0", "up_1_1"]);
  });

  test("without a decision gets the same calls again, until they are decided elsewhere", async () => {
    const paused = await pause([order("apple")], "done");
    const [id = ""] = paused.ids;
    const { body: again } = await chat.ask(back(paused));
    expect(again.choices[0].message.tool_calls).toEqual(paused.message["tool_calls"]);
    const decided = await chat.send(`/v1/runs/${paused.run}/calls/${id}`, { decision: "approve" });
    // The call is made at once; the run still waits for its client.
    expect(decided.body).toMatchObject({ status: "waiting", pending: [], calls: [{ status: "ok" }] });
    expect(chat.shop.calls).toEqual([["order", { item: "apple" }]]);
    expect((await chat.send("/v1/approvals")).body.data.filter(({ call }: Fields) => call === id)).toEqual(
      [],
    );
    const { body: answer } = await chat.ask(back(paused));
    expect(answer.choices[0].message.content).toBe("done");
    expect(results(paused.asked[1])).toEqual([["up_1_0", '{"ordered":"apple"}']]);
    expect(chat.shop.calls).toHaveLength(1);
  });

  test("can pause again in a later turn, and the model still sees the hidden turns of the first pause", async () => {
    const paused = await pause([order("apple")], { calls: [order("pear")] }, "done");
    const [first = ""] = paused.ids;
    const { body: second } = await chat.ask(back(paused, tool(first, approve)));
    const [{ message }] = second.choices;
    const messages = [
      user,
      paused.message,
      tool(first, approve),
      message,
      tool(message.tool_calls[0].id, approve),
    ];
    const { body: answer } = await chat.ask(body({ messages }));
    expect(answer.choices[0].message.content).toBe("done");
    expect(conversation(paused.asked[2]).map(({ role }) => role)).toEqual([
      "user",
      "assistant",
      "tool",
      "assistant",
      "tool",
    ]);
    expect(results(paused.asked[2])).toEqual([
      ["up_1_0", '{"ordered":"apple"}'],
      ["up_2_0", '{"ordered":"pear"}'],
    ]);
  });

  test("after an answer that has ended is history: nothing is decided again", async () => {
    const paused = await pause([order("apple")], "done");
    const [id = ""] = paused.ids;
    await chat.ask(back(paused, tool(id, approve)));
    const asked = stage.play("you are welcome");
    const messages = [user, paused.message, tool(id, approve), { role: "assistant", content: "done" }, user];
    expect((await chat.ask(body({ messages }))).body.choices[0].message.content).toBe("you are welcome");
    const read = messages.map((each) => (each === messages[2] ? tool(id, '{"ordered":"apple"}') : each));
    expect(conversation(asked[0])).toEqual(read);
    expect(chat.shop.calls).toEqual([]);
  });

  test("twice gets the same answer twice, and its calls are made once", async () => {
    const paused = await pause([order("apple")], "done", "never");
    const [id = ""] = paused.ids;
    const first = await chat.ask(back(paused, tool(id, approve)));
    const second = await chat.ask(back(paused, tool(id, approve)));
    expect(second.body.choices).toEqual(first.body.choices);
    expect(second.body.usage).toEqual(first.body.usage);
    expect(chat.shop.calls).toHaveLength(1);
    expect(paused.asked).toHaveLength(2);
  });

  test("may name another model, but not another mode", async () => {
    const paused = await pause([order("apple")], "done");
    const [id = ""] = paused.ids;
    const resumed = { ...back(paused, tool(id, approve)), model: "test/m" };
    const wrong = await chat.ask({ ...resumed, mode: "code" });
    expect([wrong.status, wrong.body.error.param]).toEqual([400, "mode"]);
    expect(chat.shop.calls).toEqual([]);
    const { body: answer } = await chat.ask({ ...resumed, model: "builtin/script" });
    expect(answer.toolarium.mode).toBe("agent");
    expect(chat.shop.calls).toHaveLength(1);
  });
});

test("a resuming request cannot use more than the first one, whatever it asks for", async () => {
  const asked = stage.play({ calls: [order("pear")] }, { calls: [["shop__items", {}]] }, "done");
  const { body: paused } = await chat.ask(body({ tools_filter: ["shop/order"] }));
  const [{ message }] = paused.choices;
  const messages = [user, message, tool(message.tool_calls[0].id, approve)];
  await chat.ask(body({ messages, tools_filter: ["*"] }));
  expect(offered(asked[1]).map(({ name }) => name)).toEqual(["shop__order"]);
  expect(results(asked[2]).at(-1)?.[1]).toContain('"kind":"denied"');
  expect(chat.shop.calls).toEqual([["order", { item: "pear" }]]);
});

describe("a call id in the gateway's form", () => {
  const ofNobody = `call_${"A".repeat(22)}_1`;
  const waiting = (id: string): Fields => ({
    role: "assistant",
    content: null,
    tool_calls: [{ id, type: "function", function: { name: "shop__order", arguments: "{}" } }],
  });

  test.each([
    ["unknown", ofNobody],
    ["of a call that its run does not have", "of the run"],
  ])("that is %s is refused, and the model is not asked", async (_, name) => {
    const paused = await pause([order("apple")], "never");
    const id = name === ofNobody ? ofNobody : (paused.ids[0] ?? "").replace(/_1$/, "_9");
    for (const rest of [[], [tool(id, "fine")], [tool(id, approve)]]) {
      const { status, body: refused } = await chat.ask(body({ messages: [user, waiting(id), ...rest] }));
      expect([status, refused.error.code, refused.error.param]).toEqual([400, "unknown_call", "messages"]);
    }
    expect(paused.asked).toHaveLength(1);
  });

  test("that is another provider's, or in the past, passes through", async () => {
    const theirs = "call_theirs";
    const conversations = [
      [user, waiting(theirs), tool(theirs, approve)],
      [user, waiting(ofNobody), tool(ofNobody, "fine"), { role: "assistant", content: "ok" }, user],
    ];
    for (const messages of conversations) {
      const asked = stage.play("done");
      expect((await chat.ask(body({ messages }))).status).toBe(200);
      expect(conversation(asked[0])).toEqual(messages);
    }
  });

  test("that is another provider's and has no answer is left to the client: the model is asked", async () => {
    const asked = stage.play("done");
    const messages = [user, waiting("call_theirs")];
    expect((await chat.ask(body({ messages }))).body.choices[0].message.content).toBe("done");
    expect(conversation(asked[0]).slice(0, 2)).toEqual(messages);
  });
});

describe("a decision", () => {
  test("that is neither approve nor deny is refused, and decides nothing", async () => {
    const paused = await pause([order("apple")], "done");
    const [id = ""] = paused.ids;
    const wrong = [
      '{"toolarium_decision":"maybe"}',
      '{"toolarium_decision":"approve","arguments":{"item":"b"}}',
    ];
    for (const content of wrong) {
      const { status, body: refused } = await chat.ask(back(paused, tool(id, content)));
      expect([status, refused.error.code]).toEqual([400, "invalid_request"]);
    }
    expect(chat.shop.calls).toEqual([]);
  });

  test("after a different one is a conflict of status 400", async () => {
    const paused = await pause([order("apple")], "done");
    const [id = ""] = paused.ids;
    await chat.send(`/v1/runs/${paused.run}/calls/${id}`, { decision: "deny" });
    for (const content of [approve, "ordered"]) {
      const { status, body: refused } = await chat.ask(back(paused, tool(id, content)));
      expect([status, refused.error.code]).toEqual([400, "decision_conflict"]);
    }
    const same = await chat.ask(back(paused, tool(id, '{"toolarium_decision":"deny"}')));
    expect(same.body.choices[0].message.content).toBe("done");
  });

  test("through the execute route makes the call; its answer continues the conversation", async () => {
    const paused = await pause([order("apple")], "done");
    const [call] = paused.message["tool_calls"] as Fields[];
    const executed = await chat.send("/v1/mcp/tool/execute", call);
    expect(executed.body).toEqual({
      role: "tool",
      tool_call_id: paused.ids[0],
      name: "shop__order",
      content: '{"ordered":"apple"}',
    });
    expect((await chat.send("/v1/mcp/tool/execute", call)).body).toEqual(executed.body);
    const { body: answer } = await chat.ask(back(paused, executed.body));
    expect(answer.choices[0].message.content).toBe("done");
    expect(chat.shop.calls).toEqual([["order", { item: "apple" }]]);
  });
});

test("a client that leaves a resumed answer cancels its run", async () => {
  const paused = await pause([order("apple")], { calls: [["shop__hold", {}]] });
  const leave = new AbortController();
  const [id = ""] = paused.ids;
  const asking = chat.post(back(paused, tool(id, approve)), { signal: leave.signal }).catch(() => "left");
  await until("the call is held", () => chat.shop.calls.some(([name]) => name === "hold"));
  leave.abort();
  expect(await asking).toBe("left");
  await until("the call was aborted", () => chat.shop.aborted() === 1);
  const report = await chat.send(`/v1/sandbox/runs/${paused.run}`);
  expect(report.body.status).toBe("cancelled");
});
