/** Fields about tools other than functions in `tools`: custom tools, the older `functions`, and `tool_choice`. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Fields } from "../../../src/upstream/model.ts";
import { chunk, completion, DONE, json, stream } from "../../upstream/helpers/provider.ts";
import { conversation, type Stage, startStage } from "../helpers/scripted.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage[Symbol.asyncDispose]());

const messages = [{ role: "user", content: "go" }];
const grep = { type: "custom", custom: { name: "grep", description: "Finds text." } };
const called = { id: "call_g", type: "custom", custom: { name: "grep", input: 'a "b"\n{c' } };

describe.each(["plain", "agent", "code", "auto"])("in %s mode", (mode) => {
  const body = (rest: Fields): Fields => ({ model: `test/m:${mode}`, messages, ...rest });

  test("a custom tool of the caller is offered, and its call comes back as it is", async () => {
    const asked = stage.play((response) =>
      json(response, 200, completion({ content: null, tool_calls: [called] }, "tool_calls")),
    );
    const { body: answer } = await stage.chat.ask(body({ tools: [grep] }));
    expect(asked[0]?.body["tools"]).toContainEqual(grep);
    expect(answer.choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: { tool_calls: [{ type: "custom", custom: called.custom }] },
    });
  });

  test("a custom call comes in pieces where the answer streams", async () => {
    const delta = (part: Fields): Fields => chunk({ tool_calls: [{ index: 0, ...part }] });
    stage.play((response) =>
      stream(response, [
        delta({ id: "call_g", type: "custom", custom: { name: "grep", input: "" } }),
        delta({ custom: { input: "a " } }),
        delta({ custom: { input: '"b"' } }),
        chunk({}, "tool_calls"),
        DONE,
      ]),
    );
    const response = await stage.chat.post(body({ tools: [grep], stream: true }));
    const deltas = (await response.text())
      .split("\n\n")
      .filter((line) => line.startsWith("data: {"))
      .flatMap((line) => JSON.parse(line.slice(6)).choices[0]?.delta?.tool_calls ?? []);
    expect(deltas[0]).toMatchObject({ index: 0, type: "custom", custom: { name: "grep" } });
    expect(deltas.map(({ custom }) => custom.input).join("")).toBe('a "b"');
    expect(deltas.every((each) => !("function" in each))).toBe(true);
  });

  test("without any tool the provider gets neither tool_choice nor parallel_tool_calls", async () => {
    const asked = stage.play("hello");
    await stage.chat.ask(body({ tool_choice: "auto", parallel_tool_calls: true }), {
      headers: { "x-mcp-include-tools": "" },
    });
    // In code and auto mode run_code is always there.
    const hasTools = mode === "code" || mode === "auto";
    expect("tools" in (asked[0]?.body ?? {})).toBe(hasTools);
    expect("tool_choice" in (asked[0]?.body ?? {})).toBe(hasTools);
    expect("parallel_tool_calls" in (asked[0]?.body ?? {})).toBe(hasTools);
  });

  test.each([
    [{ type: "function", function: { name: "shop__secret" } }],
    [{ type: "custom", custom: { name: "sed" } }],
    [
      {
        type: "allowed_tools",
        allowed_tools: { mode: "auto", tools: [{ type: "function", function: { name: "no" } }] },
      },
    ],
  ])(
    "tool_choice that names what is not offered is refused before a provider is asked: %j",
    async (choice) => {
      const asked = stage.play("never");
      const { status, body: answer } = await stage.chat.ask(body({ tool_choice: choice }));
      expect([status, answer.error.param, answer.error.code]).toEqual([
        400,
        "tool_choice",
        "invalid_request",
      ]);
      expect(answer.error.message).toMatch(/^tool_choice names ".*", which the model is not offered/);
      expect(asked).toEqual([]);
    },
  );
});

test("in code mode tool_choice cannot name a tool that only programs call", async () => {
  const { status, body } = await stage.chat.ask({
    model: "test/m:code",
    messages,
    tool_choice: { type: "function", function: { name: "shop__items" } },
  });
  expect(status).toBe(400);
  expect(body.error.message).toContain("It is offered, among others: run_code");
});

test("an answered custom call goes back to the model as the custom call that it was", async () => {
  const asked = stage.play(
    (response) =>
      json(
        response,
        200,
        completion(
          {
            content: null,
            tool_calls: [
              called,
              { id: "up", type: "function", function: { name: "shop__items", arguments: "{}" } },
            ],
          },
          "tool_calls",
        ),
      ),
    "done",
  );
  const first = (await stage.chat.ask({ model: "test/m:agent", messages, tools: [grep] })).body.choices[0]
    .message;
  const [own] = first.tool_calls;
  const { body } = await stage.chat.ask({
    model: "test/m:agent",
    tools: [grep],
    messages: [...messages, first, { role: "tool", tool_call_id: own.id, content: "no match" }],
  });
  expect(body.choices[0].message.content).toBe("done");
  const [, assistant, ...answers] = conversation(asked[1]);
  expect(assistant?.["tool_calls"]).toMatchObject([called, { id: "up" }]);
  expect(answers).toMatchObject([{ tool_call_id: "call_g", content: "no match" }, { tool_call_id: "up" }]);
});

test.each([[false], [true]])(
  "the older `functions` end with function_call, streamed: %s",
  async (streamed) => {
    const call = { name: "own", arguments: "{}" };
    stage.play((response) =>
      streamed
        ? stream(response, [chunk({ function_call: call }), chunk({}, "function_call"), DONE])
        : json(response, 200, completion({ content: null, function_call: call }, "function_call")),
    );
    const request = { model: "test/m", messages, functions: [{ name: "own" }], stream: streamed };
    const text = await (await stage.chat.post(request)).text();
    expect(text).toContain('"finish_reason":"function_call"');
    expect(text).toContain('"function_call":{"name":"own"');
  },
);
