/** The rules of the strictest clients, one by one, on the real wire. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Fields } from "../../src/upstream/model.ts";
import { brokenStreams, faultStreams } from "../clients/helpers/fault-streams.ts";
import { until } from "../helpers/until.ts";
import { chunk, completion, DONE, json, stream } from "../upstream/helpers/provider.ts";
import type { TestChat } from "./helpers/chat.ts";
import { type ScriptedTurn, type Stage, startStage } from "./helpers/scripted.ts";
import { readStrictly, type StrictStream } from "./helpers/strict-stream.ts";

let stage: Stage;
let chat: TestChat;
beforeAll(async () => {
  stage = await startStage();
  chat = stage.chat;
});
afterAll(() => stage[Symbol.asyncDispose]());

const user = { role: "user", content: "go" } as const;
const ask = (rest: Fields = {}, headers: Record<string, string> = {}) =>
  chat.post({ model: "test/m:agent", messages: [user], ...rest }, { headers });
const askStream = async (rest: Fields = {}, headers = {}): Promise<StrictStream> =>
  readStrictly(await (await ask({ stream: true, ...rest }, headers)).text());

const look: ScriptedTurn = { text: "one moment", calls: [["shop__items", {}]] };
const order: ScriptedTurn = { text: "ordering", calls: [["shop__order", { item: "pear" }]] };
const visit: ScriptedTurn = { calls: [["shop__visit", {}]] };
const weather = { type: "function", function: { name: "weather", parameters: { type: "object" } } };

describe("chunks: the role in the first one, one id, and id, object, created, model and choices in each", () => {
  test.each(["plain", "agent", "code", "auto"])("in %s mode", async (mode) => {
    stage.play("hello");
    expect(await askStream({ model: `test/m:${mode}` })).toMatchObject({ text: "hello", isDone: true });
  });

  test.each(Object.keys(faultStreams))("also when the provider sends %s", async (name) => {
    for (const mode of ["plain", "agent"]) {
      stage.play((response) => stream(response, faultStreams[name] ?? []));
      const answer = await askStream({ model: `test/m:${mode}`, tools: [weather] });
      expect(answer.isDone).toBe(true);
      expect(answer.text).toBe(name.endsWith("text") ? "Hello there." : "");
    }
  });
});

test("tool calls: id, type and name once, indexes without gaps, then arguments alone", async () => {
  stage.play({
    calls: [
      ["shop__items", {}],
      ["shop__order", { item: "pear" }],
      ["shop__order", { item: "apple" }],
    ],
  });
  const { calls, reason } = await askStream();
  expect(reason).toBe("tool_calls");
  expect(calls.map((call) => [call.name, JSON.parse(call.arguments)])).toEqual([
    ["shop__order", { item: "pear" }],
    ["shop__order", { item: "apple" }],
  ]);
});

describe("the end: one finish chunk after all hidden turns, the usage if requested, then [DONE]", () => {
  test("three turns are one answer", async () => {
    stage.play(look, look, "done");
    const answer = await askStream({ stream_options: { include_usage: true } });
    expect(answer).toMatchObject({ text: "one moment\n\none moment\n\ndone", reason: "stop", isDone: true });
    expect(answer.usage).toMatchObject({ total_tokens: 33, prompt_tokens_details: { cached_tokens: 12 } });
  });

  test("no usage unless asked for", async () => {
    stage.play(look, "done");
    expect((await askStream()).usage).toBeUndefined();
  });
});

describe("what only the gateway adds", () => {
  test("is in no stream that did not ask for it", async () => {
    stage.play(look, "done");
    expect((await askStream()).vendor).toEqual([]);
  });

  test("stands in chunks without choices, of the same id", async () => {
    stage.play(look, "done");
    const { vendor, text } = await askStream({}, { "x-toolarium-steps": "true" });
    expect(vendor.length).toBeGreaterThan(1);
    expect(text).toBe("one moment\n\ndone");
  });
});

describe("waiting", () => {
  test("headers go out before the provider has said anything", async () => {
    const answer = Promise.withResolvers<void>();
    stage.play(async (response) => {
      await answer.promise;
      stream(response, [chunk({ content: "late" }, "stop"), DONE]);
    });
    const response = await ask({ stream: true });
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    answer.resolve();
    expect(readStrictly(await response.text()).text).toBe("late");
  });

  test.each(["plain", "agent"])(
    "a failure after the first byte is one error line, in %s mode",
    async (mode) => {
      stage.play((response) => stream(response, brokenStreams["an error inside a 200"] ?? []));
      const { text, error, reason, isDone } = await askStream({ model: `test/m:${mode}` });
      expect({ text, reason, isDone }).toEqual({ text: "Hel", reason: undefined, isDone: false });
      expect(error).toMatchObject({ message: expect.stringContaining("the model fell over"), param: null });
    },
  );
});

describe("a request for a stream", () => {
  test.each(["plain", "agent"])(
    "never gets a whole completion: the provider's becomes a stream (%s)",
    async (mode) => {
      for (const filter of [undefined, []]) {
        stage.play((response) => json(response, 200, completion({ content: "whole" })));
        const response = await ask({ stream: true, model: `test/m:${mode}`, tools_filter: filter });
        expect(response.headers.get("content-type")).toContain("text/event-stream");
        expect(readStrictly(await response.text()).text).toBe("whole");
      }
    },
  );

  test("that fails before its first byte gets a status and JSON", async () => {
    stage.play(500);
    const response = await ask({ stream: true });
    expect(response.status).toBe(502);
    expect(response.headers.get("content-type")).toContain("application/json");
  });
});

test("every error body is {error: {message, type, param, code}}, the framework's own ones, too", async () => {
  const url = `${chat.url}/v1/chat/completions`;
  const type = { "content-type": "application/json" };
  const failing: readonly (readonly [string, RequestInit, number])[] = [
    [url, { method: "POST", headers: type, body: "{" }, 400],
    [url, { method: "POST", headers: type, body: "{}" }, 400],
    [url, { method: "POST", headers: type }, 400],
    [url, { method: "POST", headers: { "content-type": "text/plain" }, body: "{}" }, 415],
    [url, { method: "POST", headers: type, body: `"${"x".repeat(1_000_001)}"` }, 413],
    [url, { method: "GET" }, 405],
    [`${url}/nothing`, { method: "POST", headers: type, body: "{}" }, 404],
    [`${chat.url}/v1/completions`, { method: "POST", headers: type, body: "{}" }, 404],
    [`${chat.url}/v1/models/no/such`, {}, 404],
  ];
  for (const [address, init, status] of failing) {
    const response = await fetch(address, init);
    const body: unknown = await response.json();
    expect([address, init.method, response.status]).toEqual([address, init.method, status]);
    expect(body).toEqual({
      error: {
        message: expect.any(String),
        type: expect.any(String),
        param: body && Object(body).error.param === null ? null : expect.any(String),
        code: expect.any(String),
      },
    });
  }
});

describe("once a tool was called, no failure is one that clients retry", () => {
  const failures: readonly (readonly [string, ScriptedTurn])[] = [
    ["500", 500],
    ["429", 429],
    ["408", 408],
    ["a cut connection", (response) => response.destroy()],
    ["nonsense", (response) => json(response, 200, "{oops")],
  ];
  test.each(failures)("%s", async (_, failure) => {
    stage.play(visit, failure);
    const whole = await ask();
    expect(whole.status).toBe(200);
    expect(whole.headers.get("x-should-retry")).toBe("false");
    const body = await whole.json();
    expect(Object(body)).toMatchObject({
      choices: [{ finish_reason: "stop", message: { content: expect.stringContaining("ends here") } }],
      toolarium: { stop_reason: "upstream_error" },
    });
    stage.play(visit, failure);
    const streamed = await askStream();
    expect(streamed).toMatchObject({ reason: "stop", isDone: true, error: undefined });
    expect(streamed.text).toContain("ends here");
    expect(chat.shop.calls).toEqual([["visit", {}]]);
  });

  test("also after the second turn: the text of the earlier turns is kept", async () => {
    stage.play(look, { text: "still there", ...(visit as object), calls: [["shop__visit", {}]] }, 503);
    const { text } = await askStream();
    expect(text).toMatch(/^one moment\n\nstill there\n\n\[The answer ends here/);
  });
});

describe("calls that wait", () => {
  test.each([false, true])("end in tool_calls, never in stop (stream: %s)", async (streamed) => {
    stage.play(order);
    if (streamed) expect((await askStream()).reason).toBe("tool_calls");
    else expect(Object(await (await ask()).json()).choices[0].finish_reason).toBe("tool_calls");
  });

  test.each(["agent", "code"])(
    "have an id that clients echo, and that leads back (%s mode)",
    async (mode) => {
      const model = `test/m:${mode}`;
      const program = {
        calls: [["run_code", { code: "return await shop.order({ item: 'pear' });" }]],
      } as const;
      stage.play(mode === "agent" ? order : program, "done");
      const [call] = (await askStream({ model })).calls;
      expect(call?.id).toMatch(/^call_[A-Za-z0-9_-]{22}_[0-9a-z]+$/);
      expect(call?.id.length).toBeLessThanOrEqual(40);
      const calls = [
        { id: call?.id, type: "function", function: { name: call?.name, arguments: call?.arguments } },
      ];
      const messages = [
        user,
        { role: "assistant", content: null, tool_calls: calls },
        { role: "tool", tool_call_id: call?.id, content: '{"toolarium_decision":"approve"}' },
      ];
      expect((await askStream({ model, messages })).text).toBe("done");
      expect(chat.shop.calls).toEqual([["order", { item: "pear" }]]);
    },
  );
});

test("the run's record has what clients drop: its id is in a header, and it holds the calls", async () => {
  stage.play(look, "done");
  const response = await ask({ stream: true });
  await response.text();
  const { body } = await chat.send(`/v1/sandbox/runs/${response.headers.get("x-toolarium-run-id")}`);
  expect(body).toMatchObject({ status: "completed", calls: [{ tool: "shop/items", status: "ok" }] });
});

test.each<[string, Fields, Record<string, string>]>([
  ["the body", { mode: "agent" }, {}],
  ["a literal extra_body", { extra_body: { mode: "agent" } }, {}],
  ["the metadata", { metadata: { mode: "agent" } }, {}],
  ["a header", {}, { "x-toolarium-mode": "agent" }],
  ["a suffix of the model", { model: "test/m:agent" }, {}],
])("a mode is chosen by %s, and the provider sees nothing of it", async (_, rest, headers) => {
  const asked = stage.play(look, "done");
  expect((await askStream({ model: "test/m", ...rest }, headers)).text).toBe("one moment\n\ndone");
  expect(asked[0]?.body["model"]).toBe("m");
  for (const name of ["mode", "extra_body", "metadata"]) expect(asked[0]?.body).not.toHaveProperty(name);
});

describe("a client that leaves", () => {
  test("ends the provider's answer", async () => {
    const asked = stage.play((response) => stream(response, [chunk({ content: "Hel" })], false));
    const response = await ask({ stream: true });
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await until("the provider was left", () => asked[0]?.abandoned === true);
  });

  test("ends the calls and the program that run for it", async () => {
    stage.play({ calls: [["run_code", { code: "return await shop.hold({});" }]] });
    const leaving = new AbortController();
    const left = chat
      .post({ model: "test/m:code", messages: [user], stream: true }, { signal: leaving.signal })
      .then((response) => response.text())
      .catch(() => "left");
    await until("the call is held", () => chat.shop.calls.length === 1);
    leaving.abort();
    expect(await left).toBe("left");
    await until("the call is aborted", () => chat.shop.aborted() === 1);
  });
});
