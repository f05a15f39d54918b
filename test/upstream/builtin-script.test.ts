import { describe, expect, test } from "vitest";
import { assignFunctionNames } from "../../src/tools/names.ts";
import { builtinScript } from "../../src/upstream/builtin-script.ts";
import type { ChatMessage, Fields } from "../../src/upstream/model.ts";
import { type ReadAnswer, readAnswer } from "./helpers/answers.ts";

const offer = (...names: string[]): Fields[] =>
  names.map((name) => ({ type: "function", function: { name } }));
const user = (content: unknown): ChatMessage => ({ role: "user", content });
const called = (...names: string[]): ChatMessage => ({
  role: "assistant",
  tool_calls: names.map((name, index) => ({ id: `${index}`, function: { name, arguments: "{}" } })),
});
const result = (content: string): ChatMessage => ({ role: "tool", tool_call_id: "0", content });

const play = (messages: readonly ChatMessage[], tools: readonly Fields[]): Promise<ReadAnswer> =>
  readAnswer(builtinScript, { messages, tools });

describe("where programs and tools are offered", () => {
  const tools = offer("shop__items", "run_code");
  const namesOf = async (text: string) => (await play([user(text)], tools)).calls.map(({ name }) => name);

  test("a list of calls of offered tools is played, anything else is a program", async () => {
    expect(await namesOf('```json\n[{ "tool": "shop/items" }]\n```')).toEqual(["shop__items"]);
    expect(await namesOf('```json\n[{ "tool": "shop/other" }]\n```')).toEqual(["run_code"]);
    expect(await namesOf("```ts\nreturn 1\n```")).toEqual(["run_code"]);
  });
});

describe("in code mode", () => {
  const tools = offer("run_code");
  const program = user("Please run\n\n```ts\nreturn 6 * 7\n```\n\nthanks");

  test("the fenced block of the last user message is one run_code call", async () => {
    const { calls, reason, usage } = await play([user("```\nold\n```"), program], tools);
    expect(calls.map(({ name, arguments: args }) => [name, JSON.parse(args)])).toEqual([
      ["run_code", { code: "return 6 * 7\n" }],
    ]);
    expect(reason).toBe("tool_calls");
    expect(usage).toEqual({ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 });
  });

  test.each([
    [{ status: "completed", result: "a text" }, "a text"],
    [{ status: "completed", result: { a: [1] } }, '{"a":[1]}'],
    [{ status: "completed", result: null }, "null"],
    [{ status: "failed", error: { message: "no" } }, '{"status":"failed","error":{"message":"no"}}'],
  ])("the tool result %j becomes the text %s", async (message, text) => {
    const answer = await play([program, called("run_code"), result(JSON.stringify(message))], tools);
    expect(answer).toMatchObject({ text, calls: [], reason: "stop" });
  });

  test("the message may be a list of parts, and the fence may be of tildes", async () => {
    const { calls } = await play([user([{ type: "text", text: "~~~\nreturn 1\n~~~" }])], tools);
    expect(calls).toHaveLength(1);
  });

  test("without a block it says how to use it", async () => {
    expect((await play([user("hello")], tools)).text).toContain("fenced code block");
  });
});

describe("in agent and plain mode", () => {
  const cleaned = assignFunctionNames(["odd server/a.tool"]).get("odd server/a.tool") ?? "";
  const tools = offer("shop__list", "shop__order", cleaned);
  const script = (steps: unknown): ChatMessage => user(`\`\`\`json\n${JSON.stringify(steps)}\n\`\`\``);
  const list = { tool: "shop/list", arguments: { limit: 2 } };
  const order = { tool: "shop/order" };

  test("the calls are made one a turn, inner arrays together, and the last result is the text", async () => {
    const start = script([list, [order, list]]);
    const first = await play([start], tools);
    expect(first.calls).toMatchObject([{ name: "shop__list", arguments: '{"limit":2}' }]);

    const afterOne = [start, called("shop__list"), result("one")];
    expect((await play(afterOne, tools)).calls.map(({ name }) => name)).toEqual([
      "shop__order",
      "shop__list",
    ]);

    const afterAll = [...afterOne, called("shop__order", "shop__list"), result("two"), result("three")];
    expect(await play(afterAll, tools)).toMatchObject({ text: "three", calls: [], reason: "stop" });
  });

  test("a conversation that shows only the paused call goes on behind it", async () => {
    const start = script([list, order, list]);
    const paused = await play([start, called("shop__order"), result("ordered")], tools);
    expect(paused.calls).toMatchObject([{ name: "shop__list" }]);
    const mixed = script([[list, order], list]);
    expect((await play([mixed, called("shop__order"), result("ordered")], tools)).calls).toHaveLength(1);
  });

  test("progress is counted after the last user message only", async () => {
    const start = script([list]);
    const again = [start, called("shop__list"), result("one"), script([order])];
    expect((await play(again, tools)).calls).toMatchObject([{ name: "shop__order" }]);
  });

  test("a tool whose function name was cleaned is found by the hash of its id", async () => {
    const { calls } = await play([script([{ tool: "odd server/a.tool" }])], tools);
    expect(calls).toMatchObject([{ name: cleaned }]);
  });

  test.each(["no block", "```json\n{}\n```", "```json\n[{]\n```"])(
    "%j is answered with how to use it",
    async (text) => {
      expect(await play([user(text)], tools)).toMatchObject({ calls: [], reason: "stop" });
      expect((await play([user(text)], tools)).text).toContain("JSON array");
    },
  );
});
