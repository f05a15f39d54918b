/** Clients whose connection breaks and that send the same body again, without marking it as a retry. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Fields } from "../../src/upstream/model.ts";
import { until } from "../helpers/until.ts";
import { json, type ProviderAnswer } from "../upstream/helpers/provider.ts";
import type { TestChat } from "./helpers/chat.ts";
import { type Stage, startStage } from "./helpers/scripted.ts";

const directory = mkdtempSync(join(tmpdir(), "toolarium-cut-"));
const setup = {
  keys: [
    { name: "one", key: "one", principal: "one" },
    { name: "two", key: "two", principal: "two" },
  ],
  store: join(directory, "runs.db"),
  reattachMs: 20_000,
};

let stage: Stage;
let chat: TestChat;
beforeAll(async () => {
  stage = await startStage(setup);
  chat = stage.chat;
});
afterEach(() => chat.shop.open());
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

let count = 0;
let request: Fields;
/** A new one for each test, because a request is recognized by its body. */
beforeEach(() => {
  count += 1;
  request = { model: "test/m:agent", messages: [{ role: "user", content: `go ${count}` }] };
});

const called = (name: string): number => chat.shop.calls.filter(([each]) => each === name).length;
const as = (
  key: string,
  more: Record<string, string> = {},
): { readonly headers: Record<string, string> } => ({
  headers: { authorization: `Bearer ${key}`, ...more },
});
const never: ProviderAnswer = () => {};
const visit = { text: "one", calls: [["shop__visit", {}]] } as const;
const look = { calls: [["shop__items", {}]] } as const;

/** Sends a body, and destroys the connection when the provider has received this many requests. */
async function cutAt(
  asked: readonly unknown[],
  turns: number,
  body: Fields = request,
  headers: Record<string, string> = {},
): Promise<void> {
  const leave = new AbortController();
  const asking = chat
    .post(body, { ...as("one", headers), signal: leave.signal })
    .then((response) => response.text())
    .catch(() => "left");
  await until("the turn is under way", () => asked.length === turns);
  leave.abort();
  expect(await asking).toBe("left");
}

const textOf = (answer: { readonly body: Fields }): unknown => {
  const [{ message }] = answer.body["choices"] as [{ message: Fields }];
  return message["content"];
};

describe.each([true, false])("a chat with effects whose connection was cut (stream: %s)", (isStream) => {
  beforeEach(() => {
    request = { ...request, stream: isStream };
  });

  async function ask(body: Fields = request, options = as("one")): Promise<string> {
    return await (await chat.post(body, options)).text();
  }

  test("resumes with the same body, and its call is not made again", async () => {
    const asked = stage.play(visit, never, "two");
    await cutAt(asked, 2);
    const text = await ask();
    expect(text).toContain("one");
    expect(text).toContain("two");
    expect(called("visit")).toBe(1);
    expect(asked).toHaveLength(3);
  });

  test("resumes as often as it is cut", async () => {
    const asked = stage.play(visit, never, never, "two");
    await cutAt(asked, 2);
    await cutAt(asked, 3);
    expect(await ask()).toContain("two");
    expect(called("visit")).toBe(1);
  });

  test("resumes its program", async () => {
    const code = "await shop.visit({}); return 1;";
    const asked = stage.play({ calls: [["run_code", { code }]] }, never, "two");
    const body = { ...request, model: "test/m:code" };
    await cutAt(asked, 2, body);
    expect(await ask(body)).toContain("two");
    expect(called("visit")).toBe(1);
  });

  test("is resumed once: the second of two connected retries begins a new chat", async () => {
    const asked = stage.play(visit, never, "two", visit, "three");
    await cutAt(asked, 2);
    expect(await ask()).toContain("two");
    expect(await ask()).toContain("three");
    expect(called("visit")).toBe(2);
  });

  test.each<[what: string, headers: Record<string, string>]>([
    ["asks for a fresh one", { "x-toolarium-fresh": "true" }],
    ["has an Idempotency-Key", { "idempotency-key": "k" }],
    ["is another principal's", { authorization: "Bearer two" }],
    ["asks for another mode", { "x-toolarium-mode": "auto" }],
  ])("is begun again by a request that %s", async (what, headers) => {
    const asked = stage.play(visit, never, visit, "two");
    const body = { ...request, model: "test/m" };
    await cutAt(asked, 2, body, { "x-toolarium-mode": "agent" });
    const options = as("one", { "x-toolarium-mode": "agent", ...headers });
    const key = `${what} ${isStream}`;
    if (headers["idempotency-key"] !== undefined) options.headers["idempotency-key"] = key;
    expect(await ask(body, options)).toContain("two");
    expect(called("visit")).toBe(2);
  });
});

test("a call that was under way when the connection was cut needs a decision; it is not made again", async () => {
  const asked = stage.play({ calls: [["shop__slow", {}]] }, "never");
  const leave = new AbortController();
  const asking = chat.post(request, { ...as("one"), signal: leave.signal }).catch(() => "left");
  await until("the call is under way", () => called("slow") === 1);
  leave.abort();
  // Does not wait: the gateway may not have noticed the disconnect yet.
  const { body: answer } = await chat.ask(request, as("one"));
  expect(await asking).toBe("left");
  expect(answer.choices[0]).toMatchObject({
    finish_reason: "tool_calls",
    message: { tool_calls: [{ function: { name: "shop__slow" } }] },
  });
  expect(called("slow")).toBe(1);
  expect(asked).toHaveLength(1);
});

test("a chat that only read starts from the beginning", async () => {
  const asked = stage.play(look, never, look, "two");
  await cutAt(asked, 2);
  expect(textOf(await chat.ask(request, as("one")))).toBe("two");
  expect(called("items")).toBe(2);
  expect(asked).toHaveLength(4);
});

test("two equal requests that are both connected are two chats", async () => {
  const turn: ProviderAnswer = (response, { body }) => {
    const isFirst = (body["messages"] as readonly unknown[]).length === 1;
    const call = { id: "x", type: "function", function: { name: "shop__visit", arguments: "{}" } };
    const message = isFirst ? { content: null, tool_calls: [call] } : { content: "done" };
    json(response, 200, { choices: [{ message, finish_reason: isFirst ? "tool_calls" : "stop" }] });
  };
  stage.play(turn, turn, turn, turn);
  const [first, second] = await Promise.all([chat.ask(request, as("one")), chat.ask(request, as("one"))]);
  expect([textOf(first), textOf(second)]).toEqual(["done", "done"]);
  expect(first.body.toolarium.run_id).not.toBe(second.body.toolarium.run_id);
  expect(called("visit")).toBe(2);
});

test("an equal request after a whole answer is a chat of its own", async () => {
  stage.play(visit, "two", visit, "three");
  await chat.ask(request, as("one"));
  expect(textOf(await chat.ask(request, as("one")))).toBe("one\n\nthree");
  expect(called("visit")).toBe(2);
});

test("a model's failure that the client never received is retried, the call before it is not", async () => {
  const gate = Promise.withResolvers<void>();
  const asked = stage.play(
    visit,
    async (response) => {
      await gate.promise;
      json(response, 500, { error: { message: "no" } });
    },
    "two",
  );
  await cutAt(asked, 2);
  gate.resolve();
  expect(textOf(await chat.ask(request, as("one")))).toBe("one\n\ntwo");
  expect(called("visit")).toBe(1);
});

test("a reply whose connection was cut resumes as well", async () => {
  const asked = stage.play({ calls: [["shop__order", { item: "pear" }]] }, visit, never, "two");
  const [{ message }] = (await chat.ask(request, as("one"))).body.choices;
  const decision = {
    role: "tool",
    tool_call_id: message.tool_calls[0].id,
    content: '{"toolarium_decision":"approve"}',
  };
  const reply = { ...request, messages: [...(request["messages"] as Fields[]), message, decision] };
  await cutAt(asked, 3, reply);
  expect(textOf(await chat.ask(reply, as("one")))).toBe("one\n\ntwo");
  expect([called("order"), called("visit")]).toEqual([1, 1]);
});

test("a chat that was cut by the end of the gateway resumes in the next one", async () => {
  const asked = stage.play(visit, never, "two");
  const asking = chat.post(request, as("one")).then(
    (response) => response.text(),
    () => "left",
  );
  await until("the turn is under way", () => asked.length === 2);
  chat = await stage.restart();
  await asking;
  expect(textOf(await chat.ask(request, as("one")))).toBe("one\n\ntwo");
  expect(asked).toHaveLength(3);
});

test("after the window the chat starts from the beginning", async () => {
  chat = await stage.restart({ reattachMs: 0 });
  const asked = stage.play(visit, never, visit, "two");
  await cutAt(asked, 2);
  expect(textOf(await chat.ask(request, as("one")))).toBe("one\n\ntwo");
  expect(asked).toHaveLength(4);
});
