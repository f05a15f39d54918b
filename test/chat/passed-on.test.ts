/** What the gateway passes on unchanged: usage that no provider reported, and images in results. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Fields } from "../../src/upstream/model.ts";
import { chunk, completion, DONE, json, type ProviderAnswer, stream } from "../upstream/helpers/provider.ts";
import type { TestChat } from "./helpers/chat.ts";
import { conversation, type Stage, startStage } from "./helpers/scripted.ts";
import { readStrictly } from "./helpers/strict-stream.ts";

let stage: Stage;
let chat: TestChat;
beforeAll(async () => {
  stage = await startStage();
  chat = stage.chat;
});
afterAll(() => stage[Symbol.asyncDispose]());

const user = { role: "user", content: "go" } as const;
const body = (mode: string, rest: Fields = {}): Fields => ({
  model: `test/m:${mode}`,
  messages: [user],
  ...rest,
});
const silent: ProviderAnswer = (response, request) =>
  request.body["stream"] === true
    ? stream(response, [chunk({ content: "hello" }), chunk({}, "stop"), DONE])
    : json(response, 200, completion({ content: "hello" }));

describe.each(["plain", "agent", "code", "auto"])("usage in %s mode", (mode) => {
  test("that the provider did not report is absent, not zero", async () => {
    stage.play(silent, silent);
    expect((await chat.ask(body(mode))).body).not.toHaveProperty("usage");
    const request = body(mode, { stream: true, stream_options: { include_usage: true } });
    const answer = readStrictly(await (await chat.post(request)).text());
    expect(answer).toMatchObject({ text: "hello", isDone: true });
    expect(answer.usage).toBeUndefined();
  });

  test("that the provider reported is there", async () => {
    stage.play("hello", "hello");
    expect((await chat.ask(body(mode))).body.usage).toMatchObject({ total_tokens: 11 });
    const request = body(mode, { stream: true, stream_options: { include_usage: true } });
    const answer = readStrictly(await (await chat.post(request)).text());
    expect(answer.usage).toMatchObject({ total_tokens: 11 });
  });
});

test("usage is absent when the model failed before it reported any, and zero when no model was asked", async () => {
  stage.play(
    (response) =>
      json(
        response,
        200,
        completion(
          { tool_calls: [{ id: "a", type: "function", function: { name: "shop__items", arguments: "{}" } }] },
          "tool_calls",
        ),
      ),
    500,
  );
  const { body: failed } = await chat.ask(body("agent"));
  expect(failed.toolarium.stop_reason).toBe("upstream_error");
  expect(failed).not.toHaveProperty("usage");
  stage.play({ calls: [["shop__order", { item: "pear" }]] });
  const [{ message }] = (await chat.ask(body("agent"))).body.choices;
  const { body: again } = await chat.ask(body("agent", { messages: [user, message] }));
  expect(again.usage).toEqual({ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 });
});

describe("an image in the result of the client's own tool reaches the model unchanged", () => {
  const tools = [{ type: "function", function: { name: "screenshot", parameters: { type: "object" } } }];
  const image = [
    { type: "text", text: "the screen:" },
    { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=", detail: "low" } },
  ];

  test.each(["plain", "agent"])("in %s mode", async (mode) => {
    const asked = stage.play({ calls: [["screenshot", {}]] }, "a cat");
    const [{ message }] = (await chat.ask(body(mode, { tools }))).body.choices;
    const result = { role: "tool", tool_call_id: message.tool_calls[0].id, content: image };
    await chat.ask(body(mode, { tools, messages: [user, message, result] }));
    expect(conversation(asked[1]).at(-1)?.["content"]).toEqual(image);
  });

  test("also beside calls of the gateway's, and when it is sent twice", async () => {
    const asked = stage.play(
      {
        calls: [
          ["shop__items", {}],
          ["screenshot", {}],
        ],
      },
      "a cat",
      "never",
    );
    const [{ message }] = (await chat.ask(body("agent", { tools }))).body.choices;
    const result = { role: "tool", tool_call_id: message.tool_calls[0].id, content: image };
    const reply = body("agent", { tools, messages: [user, message, result] });
    const first = await chat.ask(reply);
    expect(conversation(asked[1]).at(-1)).toMatchObject({ tool_call_id: "up_1_1", content: image });
    expect((await chat.ask(reply)).body.choices).toEqual(first.body.choices);
    const other = { ...result, content: [image[1]] };
    expect((await chat.ask(body("agent", { tools, messages: [user, message, other] }))).status).toBe(400);
  });
});
