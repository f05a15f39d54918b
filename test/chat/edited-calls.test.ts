/** People edit the arguments of a pending call in the conversation: the arguments that come back are used. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Fields } from "../../src/upstream/model.ts";
import type { TestChat } from "./helpers/chat.ts";
import { conversation, type ScriptedTurn, type Stage, startStage } from "./helpers/scripted.ts";

let stage: Stage;
let chat: TestChat;
beforeAll(async () => {
  stage = await startStage({
    keys: [
      { name: "both", key: "both" },
      { name: "runner", key: "runner", may: ["run"] },
    ],
  });
  chat = stage.chat;
});
afterAll(() => stage[Symbol.asyncDispose]());

const as = (key: string): { readonly headers: Record<string, string> } => ({
  headers: { authorization: `Bearer ${key}` },
});
const user = { role: "user", content: "go" } as const;
const approve = '{"toolarium_decision":"approve"}';
const deny = '{"toolarium_decision":"deny","reason":"no"}';
const tool = (id: string, content: unknown): Fields => ({ role: "tool", tool_call_id: id, content });
const order = (item: string): readonly [string, unknown] => ["shop__order", { item }];
const buy = (item: string): readonly [string, unknown] => [
  "run_code",
  { code: `return await shop.order({ item: "${item}" });` },
];

interface Call {
  readonly id: string;
  readonly function: { readonly name: string; readonly arguments: unknown };
}

async function pause(turn: ScriptedTurn, mode = "agent", ...rest: ScriptedTurn[]) {
  const asked = stage.play(turn, ...(rest.length === 0 ? ["done"] : rest));
  const { body } = await chat.ask({ model: `test/m:${mode}`, messages: [user] }, as("both"));
  const calls = body.choices[0].message.tool_calls as readonly Call[];
  return { asked, calls, run: body.toolarium.run_id as string };
}

/** Sends the calls back with these arguments, and with these tool messages. */
function sendBack(
  calls: readonly Call[],
  edits: readonly unknown[],
  messages: readonly Fields[],
  key = "both",
) {
  const changed = calls.map((call, index) =>
    index in edits ? { ...call, function: { ...call.function, arguments: edits[index] } } : call,
  );
  const message = { role: "assistant", content: null, tool_calls: changed };
  return chat.ask({ model: "test/m", messages: [user, message, ...messages] }, as(key));
}

const callsOf = async (run: string): Promise<readonly Fields[]> =>
  (await chat.send(`/v1/sandbox/runs/${run}`, undefined, as("both").headers)).body.calls;
const audited = async (run: string): Promise<string> =>
  JSON.stringify((await chat.send(`/v1/audit?run=${run}`, undefined, as("both").headers)).body);

describe.each([
  ["of agent mode", "agent", order],
  ["of a program", "code", buy],
  ["of auto mode", "auto", order],
] as const)("a pending call %s", (_, mode, call) => {
  test("is made with the arguments that came back, and the record says so", async () => {
    const { asked, calls } = await pause({ calls: [call("apple")] }, mode);
    const [{ id } = { id: "" }] = calls;
    const { status, body } = await sendBack(calls, ['{ "item" : "pear" }'], [tool(id, approve)]);
    expect([status, body.choices[0].message.content]).toEqual([200, "done"]);
    expect(chat.shop.calls).toEqual([["order", { item: "pear" }]]);
    expect(String(conversation(asked[1]).at(-1)?.["content"])).toContain('"ordered":"pear"');
    expect(await audited(id.replace(/^call_(.{22})_.*$/, "run_$1"))).toMatch(/"edited":true/);
    // A repeated reply is the same decision, and gets the same answer.
    const again = await sendBack(calls, ['{"item":"pear"}'], [tool(id, approve)]);
    expect(again.body.choices).toEqual(body.choices);
    expect(chat.shop.calls).toHaveLength(1);
  });

  test("may come back as an object, or formatted differently", async () => {
    for (const [sent, made] of [
      [{ item: "pear" }, "pear"],
      ['{\n  "item": "\\u0061pple"\n}', "apple"],
      [undefined, "apple"],
    ] as const) {
      const { calls } = await pause({ calls: [call("apple")] }, mode);
      expect((await sendBack(calls, [sent], [tool(calls[0]?.id ?? "", approve)])).status).toBe(200);
      expect(chat.shop.calls).toEqual([["order", { item: made }]]);
    }
  });

  test.each([
    ["that do not fit", '{"item":5}', /arguments of shop(__|\.)order are not valid: .*item/],
    ["with more than there is", '{"item":"a","and":1}', /arguments of shop(__|\.)order are not valid: .*and/],
    ["that are no JSON", '{"item":', /not JSON/],
    ["that are empty", "", /they are empty|missing "item"/],
  ])("edited to arguments %s waits on, and the client is told", async (_what, sent, told) => {
    const { calls, run } = await pause({ calls: [call("apple")] }, mode);
    const { status, body } = await sendBack(calls, [sent], [tool(calls[0]?.id ?? "", approve)]);
    expect([status, body.error.code, body.error.param]).toEqual([400, "invalid_arguments", "messages"]);
    expect(body.error.message).toMatch(told);
    expect(chat.shop.calls).toEqual([]);
    expect(await callsOf(run)).toMatchObject([{ status: "waiting" }]);
  });

  test("edited without a decision is neither made nor shown as it was: the client is told what to add", async () => {
    const { calls } = await pause({ calls: [call("apple")] }, mode);
    const { status, body } = await sendBack(calls, ['{"item":"pear"}'], []);
    expect([status, body.error.code]).toEqual([400, "invalid_request"]);
    expect(body.error.message).toContain('add the tool message {"toolarium_decision":"approve"}');
    // Sent back unchanged, the call is returned again.
    expect((await sendBack(calls, [], [])).body.choices[0].message.tool_calls).toMatchObject([
      { id: calls[0]?.id },
    ]);
    expect(chat.shop.calls).toEqual([]);
  });

  test("edited after it was approved elsewhere is refused with the arguments that were approved", async () => {
    const { calls, run } = await pause({ calls: [call("apple")] }, mode);
    const [{ id } = { id: "" }] = calls;
    await chat.send(`/v1/runs/${run}/calls/${id}`, { decision: "approve" }, as("both").headers);
    for (const messages of [[], [tool(id, approve)]]) {
      const { status, body } = await sendBack(calls, ['{"item":"pear"}'], messages);
      expect([status, body.error.code]).toEqual([400, "decision_conflict"]);
    }
    expect((await sendBack(calls, [], [])).body.choices[0].message.content).toBe("done");
    expect(chat.shop.calls).toEqual([["order", { item: "apple" }]]);
  });

  test("approved elsewhere with an edit may come back as it was shown, or as it was made", async () => {
    for (const sent of ['{"item":"apple"}', '{"item":"pear"}']) {
      const { calls, run } = await pause({ calls: [call("apple")] }, mode);
      const edited = { decision: "approve", arguments: { item: "pear" } };
      await chat.send(`/v1/runs/${run}/calls/${calls[0]?.id}`, edited, as("both").headers);
      expect((await sendBack(calls, [sent], [])).body.choices[0].message.content).toBe("done");
      expect(chat.shop.calls).toEqual([["order", { item: "pear" }]]);
    }
  });

  test.each([
    ["denied", deny],
    ["given a result", '{"ordered":"by phone"}'],
  ])("edited and %s is not called at all, so the edit does not matter", async (_what, content) => {
    const { calls } = await pause({ calls: [call("apple")] }, mode);
    const { body } = await sendBack(calls, ['{"item":5}'], [tool(calls[0]?.id ?? "", content)]);
    expect(body.choices[0].message.content).toBe("done");
    expect(chat.shop.calls).toEqual([]);
  });

  test("cannot be edited by a caller without the right to decide", async () => {
    const { calls } = await pause({ calls: [call("apple")] }, mode);
    for (const messages of [[tool(calls[0]?.id ?? "", approve)], []])
      expect((await sendBack(calls, ['{"item":"pear"}'], messages, "runner")).status).toBeGreaterThanOrEqual(
        400,
      );
    expect(chat.shop.calls).toEqual([]);
  });

  test("cannot become a call of another tool", async () => {
    const { calls } = await pause({ calls: [call("apple")] }, mode);
    const renamed = calls.map((each) => ({ ...each, function: { name: "shop__visit", arguments: "{}" } }));
    const { status, body } = await sendBack(renamed, [], [tool(calls[0]?.id ?? "", approve)]);
    expect([status, body.error.code]).toEqual([400, "invalid_request"]);
    expect(body.error.message).toContain("is one of shop/order, and cannot become one of shop/visit");
    expect(chat.shop.calls).toEqual([]);
  });
});

describe("of several pending calls", () => {
  test("only the edited one is made with other arguments", async () => {
    const { calls, asked } = await pause({ calls: [order("apple"), order("pear"), order("plum")] });
    const messages = calls.map(({ id }) => tool(id, approve));
    await sendBack(calls, [undefined, '{"item":"fig"}'], messages);
    const made = chat.shop.calls.map(([, args]) => (args as Fields)["item"]);
    expect(made.toSorted()).toEqual(["apple", "fig", "plum"]);
    const told = conversation(asked[1]).filter(({ role }) => role === "tool");
    expect(told.map(({ content }) => content)).toEqual([
      '{"ordered":"apple"}',
      '{"ordered":"fig"}',
      '{"ordered":"plum"}',
    ]);
  });

  test("one that is edited and not decided also stops the decisions about the others", async () => {
    const { calls } = await pause({ calls: [order("apple"), order("pear")] });
    const { status, body } = await sendBack(
      calls,
      [undefined, '{"item":"fig"}'],
      [tool(calls[0]?.id ?? "", approve)],
    );
    expect([status, body.error.code]).toEqual([400, "invalid_request"]);
    expect(chat.shop.calls).toEqual([]);
  });

  test("those that are returned again can be edited then", async () => {
    const { calls } = await pause({ calls: [order("apple"), order("pear")] });
    const [first, second] = calls;
    const some = await sendBack(calls, [], [tool(first?.id ?? "", approve)]);
    const [{ message }] = some.body.choices;
    const edited = message.tool_calls.map((each: Call) => ({
      ...each,
      function: { ...each.function, arguments: '{"item":"fig"}' },
    }));
    const messages = [
      user,
      { role: "assistant", content: null, tool_calls: calls },
      tool(first?.id ?? "", approve),
      { ...message, tool_calls: edited },
      tool(second?.id ?? "", approve),
    ];
    const { status } = await chat.ask({ model: "test/m", messages }, as("both"));
    expect(status).toBe(200);
    expect(chat.shop.calls.map(([, args]) => (args as Fields)["item"])).toEqual(["apple", "fig"]);
  });
});
