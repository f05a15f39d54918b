/** Parsing of chat requests: the mode, the filters, and refusals. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Fields } from "../../src/upstream/model.ts";
import { startChat, type TestChat } from "../chat/helpers/chat.ts";
import { until } from "../helpers/until.ts";

let chat: TestChat;
beforeAll(async () => {
  chat = await startChat({
    keys: [
      { name: "bot", key: "k-bot", mode: "agent" },
      { name: "reader", key: "k-reader", may: ["decide"] },
      { name: "single", key: "k-single", maxConcurrent: 1 },
      { name: "plain", key: "k-plain" },
    ],
  });
});
afterAll(() => chat[Symbol.asyncDispose]());

const messages = [{ role: "user", content: "```ts\nreturn 1\n```" }];
const ask = (rest: Fields, headers: Record<string, string> = {}, key = "k-plain") =>
  chat.ask(
    { model: "builtin/script", messages, ...rest },
    { headers: { authorization: `Bearer ${key}`, ...headers } },
  );

describe("the mode", () => {
  const modeOf = async (rest: Fields, headers?: Record<string, string>, key?: string): Promise<unknown> => {
    const { body } = await ask(rest, headers, key);
    return body.error ? body.error : (body.toolarium?.mode ?? "plain");
  };

  test.each<[string, Fields, Record<string, string>]>([
    ["the body", { mode: "code" }, {}],
    ["a literal extra_body", { extra_body: { mode: "code" } }, {}],
    ["the metadata", { metadata: { mode: "code" } }, {}],
    ["a header", {}, { "x-toolarium-mode": "code" }],
    ["the model's suffix", { model: "builtin/script:code" }, {}],
    ["several that agree", { mode: "code", model: "builtin/script:code" }, { "x-toolarium-mode": "code" }],
  ])("is chosen by %s", async (_, rest, headers) => {
    expect(await modeOf(rest, headers)).toBe("code");
    expect(await modeOf(rest, headers, "k-bot")).toBe("code");
  });

  test("can be auto, which leaves the choice to the model", async () => {
    expect(await modeOf({ mode: "auto" })).toBe("auto");
    expect(await modeOf({ model: "builtin/script:auto" })).toBe("auto");
  });

  test("is the key's default when nothing asks for one, also when the body says null, else plain", async () => {
    expect(await modeOf({}, {}, "k-bot")).toBe("agent");
    expect(await modeOf({ mode: null }, {}, "k-bot")).toBe("agent");
    expect(await modeOf({}, { "x-toolarium-mode": "" }, "k-bot")).toBe("agent");
    expect(await modeOf({})).toBe("plain");
    expect(await modeOf({ mode: "plain" }, {}, "k-bot")).toBe("plain");
  });

  test("in the metadata is the client's own if the gateway does not know it", async () => {
    expect(await modeOf({ metadata: { mode: "production" } })).toBe("plain");
  });

  test.each<[Fields, Record<string, string>]>([
    [{ mode: "turbo" }, {}],
    [{ mode: "" }, {}],
    [{ extra_body: { mode: "" } }, {}],
    [{ mode: 1 }, {}],
    [{ extra_body: { mode: "turbo" } }, {}],
    [{}, { "x-toolarium-mode": "turbo" }],
    [{ mode: "code" }, { "x-toolarium-mode": "agent" }],
    [{ mode: "code", model: "builtin/script:agent" }, {}],
    [{ extra_body: { mode: "code" }, metadata: { mode: "plain" } }, {}],
  ])("that is unknown or contradicts itself is refused: %j %j", async (rest, headers) => {
    expect(await modeOf(rest, headers)).toMatchObject({ param: "mode", code: "invalid_request" });
  });
});

describe("a request is refused", () => {
  test.each<[string, Fields, string]>([
    ["without messages", { messages: undefined }, "messages"],
    ["with no message", { messages: [] }, "messages"],
    ["with messages of a wrong type", { messages: ["hi"] }, "messages"],
    ["with a model of a wrong type", { model: 7 }, "model"],
    ["with tools of a wrong type", { tools: {} }, "tools"],
    ["with n below 1", { n: 0 }, "n"],
    ["with a filter of a wrong type", { tools_filter: "shop/*" }, "tools_filter"],
    ["with two filters", { tools_filter: [], extra_body: { tools_filter: ["*"] } }, "tools_filter"],
    [
      "with the name of one of our functions",
      { tools: [{ type: "function", function: { name: "search_tools" } }] },
      "tools",
    ],
  ])("%s", async (_, rest, param) => {
    const { status, body } = await ask(rest);
    expect(status).toBe(400);
    expect(body.error).toMatchObject({ type: "invalid_request_error", param });
  });

  test("with an unknown model: 404 with its own code", async () => {
    const { status, body } = await ask({ model: "gpt-none" });
    expect({ status, ...body.error }).toMatchObject({ status: 404, code: "model_not_found", param: "model" });
  });

  test("in OpenAI's shape also for broken JSON, a large body, a missing key and a missing right", async () => {
    const url = `${chat.url}/v1/chat/completions`;
    const send = async (body: string, key: string | null): Promise<{ status: number; error: unknown }> => {
      const headers = {
        "content-type": "application/json",
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      };
      const response = await fetch(url, { method: "POST", headers, body });
      return { status: response.status, error: Object(await response.json()).error };
    };
    const shape = { message: expect.any(String), type: expect.any(String), param: null };
    expect(await send("{", "k-plain")).toEqual({ status: 400, error: { ...shape, code: "invalid_request" } });
    expect(await send(`"${"x".repeat(1_000_001)}"`, "k-plain")).toMatchObject({
      status: 413,
      error: { code: "body_too_large" },
    });
    expect(await send("{}", null)).toMatchObject({ status: 401, error: { code: "unauthorized" } });
    expect(await send("{}", "k-reader")).toMatchObject({ status: 403, error: { code: "forbidden" } });
  });

  test("above the key's slots, which an answer in progress holds and a complete one releases", async () => {
    const hold = {
      mode: "code",
      messages: [{ role: "user", content: "```ts\nreturn await shop.hold({})\n```" }],
    };
    const leave = new AbortController();
    const headers = { authorization: "Bearer k-single" };
    const holding = chat
      .post({ model: "builtin/script", ...hold }, { headers, signal: leave.signal })
      .catch(() => "left");
    await until("the call is held", () => chat.shop.calls.length === 1);
    expect(await ask({}, {}, "k-single")).toMatchObject({
      status: 429,
      body: { error: { code: "rate_limited" } },
    });
    leave.abort();
    await holding;
    await until("the slot is free", async () => (await ask({}, {}, "k-single")).status === 200);
  });
});

test("a stream begins with its headers, among them the run's id and no-store", async () => {
  const response = await chat.post(
    { model: "builtin/script:code", messages, stream: true },
    { headers: { authorization: "Bearer k-plain", "x-toolarium-steps": "true" } },
  );
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  expect(response.headers.get("cache-control")).toBe("no-store");
  const runId = response.headers.get("x-toolarium-run-id");
  expect(runId).toMatch(/^run_[A-Za-z0-9_-]{22}$/);
  const text = await response.text();
  expect(text).toContain(`"toolarium":{"run_id":"${runId}"`);
  expect(text.trim().endsWith("data: [DONE]")).toBe(true);
});
