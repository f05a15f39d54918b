/** Answers that must be JSON: the content is the last turn's text alone, and all other texts are steps. */
import { generateText, Output } from "ai";
import { zodResponseFormat } from "openai/helpers/zod";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { Fields } from "../../src/upstream/model.ts";
import { chunk, DONE, stream } from "../upstream/helpers/provider.ts";
import type { TestChat } from "./helpers/chat.ts";
import { type Stage, startStage } from "./helpers/scripted.ts";
import { readStrictly } from "./helpers/strict-stream.ts";

let stage: Stage;
let chat: TestChat;
beforeAll(async () => {
  stage = await startStage();
  chat = stage.chat;
});
afterAll(() => stage[Symbol.asyncDispose]());

const user = { role: "user", content: "go" } as const;
const json = { type: "json_object" };
const schema = { type: "json_schema", json_schema: { name: "a", schema: { type: "object" } } };
const body = (rest: Fields = {}): Fields => ({
  model: "test/m:agent",
  messages: [user],
  response_format: json,
  ...rest,
});
const visit = { text: "let me look", calls: [["shop__visit", {}]] } as const;
const order = { text: "let me order", calls: [["shop__order", { item: "pear" }]] } as const;
const steps = { headers: { "x-toolarium-steps": "true" } };

describe.each([
  ["json_object", json],
  ["json_schema", schema],
])("with response_format %s", (_, format) => {
  test("the content is the last turn's, and the texts before it are steps", async () => {
    stage.play(visit, { text: "and once more", calls: [["shop__items", {}]] }, '{"a":1}');
    const { body: answer } = await chat.ask(body({ response_format: format }));
    expect(answer.choices[0].message.content).toBe('{"a":1}');
    expect(answer.toolarium.steps).toMatchObject([
      { turn: 1, type: "text", text: "let me look" },
      { turn: 1, type: "call", tool: "shop/visit" },
      { turn: 2, type: "text", text: "and once more" },
      { turn: 2, type: "call", tool: "shop/items" },
    ]);
  });

  test("the same holds in a stream, and in code mode", async () => {
    stage.play({ text: "let me look", calls: [["run_code", { code: "return 1" }]] }, '{"a":1}');
    const request = body({ response_format: format, model: "test/m:code", stream: true });
    const answer = readStrictly(await (await chat.post(request, steps)).text());
    expect(answer).toMatchObject({ text: '{"a":1}', reason: "stop" });
    const told = answer.vendor.flatMap(({ steps: each }) => each as Fields[]);
    expect(told.filter(({ type }) => type === "text")).toEqual([
      { turn: 1, type: "text", text: "let me look" },
    ]);
  });
});

test("the text of a turn is not sent on while a call may still follow it", async () => {
  const gate = Promise.withResolvers<void>();
  stage.play(async (response) => {
    stream(response, [chunk({ content: '{"a":' })], false);
    await gate.promise;
    for (const part of [chunk({ content: "1}" }), chunk({}, "stop")])
      response.write(`data: ${JSON.stringify(part)}\n\n`);
    response.end(DONE);
  });
  const response = await chat.post(body({ stream: true }));
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const first = await reader?.read();
  expect(first?.value).not.toContain('{\\"a\\":');
  gate.resolve();
  let text = first?.value ?? "";
  for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) text += next.value;
  expect(readStrictly(text)).toMatchObject({ text: '{"a":1}', reason: "stop" });
});

test("calls that need approval come with the text of their turn, and the next answer is JSON again", async () => {
  stage.play(order, visit, '{"a":1}');
  const first = await chat.ask(body());
  const [{ message }] = first.body.choices;
  expect(message.content).toBe("let me order");
  const decision = {
    role: "tool",
    tool_call_id: message.tool_calls[0].id,
    content: '{"toolarium_decision":"approve"}',
  };
  const { body: answer } = await chat.ask(body({ messages: [user, message, decision] }));
  expect(answer.choices[0].message.content).toBe('{"a":1}');
  expect(answer.toolarium.steps).toContainEqual({ turn: 2, type: "text", text: "let me look" });
});

describe("a message of the gateway is a step, not content,", () => {
  test("when the turns are used up", async () => {
    stage.play(visit, visit);
    const { body: answer } = await chat.ask(body({ toolarium: { maxTurns: 2 } }));
    expect(answer.choices[0]).toMatchObject({ finish_reason: "stop", message: { content: "" } });
    expect(answer.toolarium.stop_reason).toBe("max_turns");
    expect(answer.toolarium.steps.at(-1)).toMatchObject({
      type: "note",
      text: expect.stringMatching(/^\[Stopped after 2 turns/),
    });
  });

  test("when the model fails after a call", async () => {
    stage.play(visit, 500);
    const { body: answer, headers } = await chat.ask(body());
    expect(headers.get("x-should-retry")).toBe("false");
    expect(answer.choices[0].message.content).toBe("");
    expect(answer.toolarium.stop_reason).toBe("upstream_error");
    expect(answer.toolarium.steps.at(-1)).toMatchObject({
      turn: 2,
      type: "note",
      text: expect.stringContaining("scripted failure"),
    });
  });

  test("when a turn was cut", async () => {
    stage.play((response) =>
      stream(response, [
        chunk({
          content: '{"a":1}',
          tool_calls: [
            { index: 0, id: "x", type: "function", function: { name: "shop__visit", arguments: "" } },
          ],
        }),
        chunk({}, "length"),
        DONE,
      ]),
    );
    const { body: answer } = await chat.ask(body());
    expect(answer.choices[0]).toMatchObject({ finish_reason: "length", message: { content: '{"a":1}' } });
    expect(answer.toolarium).toMatchObject({ stop_reason: "length", steps: [{ turn: 1, type: "note" }] });
  });

  test("when plain mode refuses a call", async () => {
    stage.play({ text: '{"a":1}', calls: [["shop__secret", {}]] });
    const { body: answer } = await chat.ask(body({ model: "test/m:plain" }));
    expect(answer.choices[0]).toMatchObject({ finish_reason: "stop", message: { content: '{"a":1}' } });
    expect(answer.toolarium).toMatchObject({
      run_id: null,
      steps: [{ turn: 1, type: "note", text: expect.stringContaining("[Call refused: ") }],
    });
  });
});

describe("the clients that read JSON", () => {
  const shape = z.object({ a: z.number() });

  test("OpenAI's parse gets an object", async () => {
    stage.play(visit, '{"a":1}');
    const answer = await chat.openai.chat.completions.parse({
      model: "test/m:agent",
      messages: [user],
      response_format: zodResponseFormat(shape, "shape"),
    });
    expect(answer.choices[0]?.message.parsed).toEqual({ a: 1 });
  });

  test("the AI SDK gets an object", async () => {
    stage.play(visit, '{"a":1}');
    const model = chat.aiSdk("test/m:agent");
    const { output } = await generateText({ model, output: Output.object({ schema: shape }), prompt: "go" });
    expect(output).toEqual({ a: 1 });
  });
});

test("a replayed answer has the same content and the same steps", async () => {
  stage.play(visit, '{"a":1}', "never");
  const request = body({ messages: [{ role: "user", content: "again" }] });
  const first = await chat.ask(request);
  const second = await chat.ask(request, { headers: { "x-stainless-retry-count": "1" } });
  expect(second.body.choices).toEqual(first.body.choices);
  expect(second.body.toolarium).toEqual(first.body.toolarium);
});
