/** Progress in a stream while an answer is made, for clients that send `x-toolarium-steps: true`. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Fields } from "../../../src/upstream/model.ts";
import type { TestChat } from "../helpers/chat.ts";
import { type ScriptedTurn, type Stage, startStage } from "../helpers/scripted.ts";
import { readStrictly, type StrictStream } from "../helpers/strict-stream.ts";

let stage: Stage;
let chat: TestChat;
beforeAll(async () => {
  stage = await startStage();
  chat = stage.chat;
});
afterAll(() => stage[Symbol.asyncDispose]());

const program = (code: string): ScriptedTurn => ({ calls: [["run_code", { code }]] });
const post = (mode: string, headers: Record<string, string> = { "x-toolarium-steps": "true" }) =>
  chat.post(
    { model: `test/m:${mode}`, messages: [{ role: "user", content: "go" }], stream: true },
    { headers },
  );
const askStream = async (mode: string): Promise<StrictStream> =>
  readStrictly(await (await post(mode)).text());
const stepsOf = ({ vendor }: StrictStream): readonly Fields[] =>
  vendor.flatMap(({ steps }) => steps as readonly Fields[]);

describe("progress follows a program from its code to its outcome", () => {
  const code = `console.log("looking");\nconst items = await shop.items({});\nreturn items.length;`;

  test("code, console, calls, what the model reads, and how it ended", async () => {
    stage.play(program(code), "done");
    const steps = stepsOf(await askStream("code"));
    expect(steps.map(({ type }) => type)).toEqual([
      "code",
      "log",
      "call.started",
      "call.finished",
      "result",
      "program",
    ]);
    const [written, log, started, finished, result, outcome] = steps;
    expect(written).toEqual({ turn: 1, type: "code", run_id: outcome?.["run_id"], code });
    expect(log).toMatchObject({ level: "log", text: "looking" });
    expect(started).toMatchObject({ tool: "shop/items", arguments: {} });
    expect(finished).toMatchObject({ call: started?.["call"], status: "ok", durationMs: expect.any(Number) });
    expect(result?.["content"]).toContain("2");
    expect(outcome).toMatchObject({ type: "program", status: "completed", error: null });
  });

  test("a program that is refused has its code and its fault", async () => {
    stage.play(program("return await shop.nothing({});"), "done");
    const steps = stepsOf(await askStream("code"));
    expect(steps.map(({ type }) => type)).toEqual(["code", "result", "program"]);
    expect(steps[1]?.["content"]).toContain("nothing");
    expect(steps[2]).toMatchObject({ status: "failed", error: { code: "type_error" } });
  });
});

test("calls of the model itself are reported as they start and finish, and each result as it arrives", async () => {
  stage.play(
    {
      calls: [
        ["shop__items", {}],
        ["shop__fail", {}],
      ],
    },
    { calls: [["shop__stock", { item: "pear" }]] },
    "done",
  );
  const steps = stepsOf(await askStream("agent"));
  const told = (turn: number, type: string): readonly unknown[] =>
    steps
      .filter((step) => step["turn"] === turn && step["type"] === type)
      .map(({ tool, content }) => tool ?? content);
  expect(told(1, "call.started")).toEqual(["shop/items", "shop/fail"]);
  expect(told(1, "call.finished")).toEqual(expect.arrayContaining(["shop/items", "shop/fail"]));
  expect(told(1, "result")).toEqual(
    expect.arrayContaining(['["apple","pear"]', '{"error":{"kind":"tool","message":"the till is closed"}}']),
  );
  expect(told(2, "call.started")).toEqual(["shop/stock"]);
  expect(told(2, "call")).toEqual(["shop/stock"]);
});

test("progress is sent at once: a call's start is reported before its result", async () => {
  stage.play({ calls: [["shop__slow", {}]] }, "done");
  const response = await post("agent");
  let text = "";
  for await (const part of (response.body as ReadableStream).pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.includes('"call.started"') && !text.includes('"call.finished"')) chat.shop.open();
  }
  expect(stepsOf(readStrictly(text)).map(({ type }) => type)).toEqual([
    "call.started",
    "call.finished",
    "result",
    "call",
  ]);
});

test("a call that waits for a person has no result", async () => {
  stage.play({ calls: [["shop__order", { item: "pear" }]] });
  const answer = await askStream("agent");
  expect(stepsOf(answer)).toMatchObject([{ type: "call", status: "waiting" }]);
  expect(answer.vendor.at(-1)).toMatchObject({ stop_reason: "approval" });
});

test.each<[string, ScriptedTurn]>([
  ["agent", { calls: [["shop__order", { item: "pear" }]] }],
  ["code", program("await shop.items({});\nreturn await shop.order({ item: 'pear' });")],
])("what happens once it was approved is told to the request that goes on (%s mode)", async (mode, turn) => {
  stage.play(turn, "done");
  const [call] = readStrictly(await (await post(mode)).text()).calls;
  const message = {
    id: call?.id,
    type: "function",
    function: { name: call?.name, arguments: call?.arguments },
  };
  const response = await chat.post(
    {
      model: `test/m:${mode}`,
      stream: true,
      messages: [
        { role: "user", content: "go" },
        { role: "assistant", content: null, tool_calls: [message] },
        { role: "tool", tool_call_id: call?.id, content: '{"toolarium_decision":"approve"}' },
      ],
    },
    { headers: { "x-toolarium-steps": "true" } },
  );
  const steps = stepsOf(readStrictly(await response.text()));
  expect(steps.map(({ type, tool }) => [type, tool])).toEqual([
    ["call.started", "shop/order"],
    ["call.finished", "shop/order"],
    ["result", undefined],
    mode === "agent" ? ["call", "shop/order"] : ["program", undefined],
  ]);
});

test("long arguments are left out; the run's record has them", async () => {
  stage.play(program(`return await shop.stock({ item: "${"x".repeat(5_000)}" });`), "done");
  const started = stepsOf(await askStream("code")).find(({ type }) => type === "call.started");
  expect(started).toMatchObject({ tool: "shop/stock" });
  expect(started).not.toHaveProperty("arguments");
});

test("a whole answer has the outcomes alone", async () => {
  stage.play(program("return 1;"), "done");
  const { body } = await chat.ask(
    { model: "test/m:code", messages: [{ role: "user", content: "go" }] },
    { headers: { "x-toolarium-steps": "true" } },
  );
  expect(body.toolarium.steps).toMatchObject([{ turn: 1, type: "program", status: "completed" }]);
});
