/** Providers that refuse, break, stall or vanish: each a refusal in the provider's own words, without our secrets. */
import { once } from "node:events";
import { Agent } from "undici";
import { describe, expect, test } from "vitest";
import { createOpenAiCompatibleModel } from "../../src/upstream/openai-compatible.ts";
import { defaultTimeouts } from "../../src/upstream/provider/watchdog.ts";
import { until } from "../helpers/until.ts";
import { API_KEY, ask, askStream, failureOf, hello, readAnswer } from "./helpers/answers.ts";
import { chunk, completion, DONE, json, startProvider, stream } from "./helpers/provider.ts";

const error = (message: string, rest: object = {}): object => ({ error: { message, ...rest } });

test("an answer without end is given up when it is too long to be kept", async () => {
  const part = `data: ${JSON.stringify(chunk({ content: "x".repeat(1_048_576) }))}\n\n`;
  const failure = await failureOf(
    ask(async (response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      const closed = once(response, "close");
      while (!response.destroyed)
        if (!response.write(part)) await Promise.race([once(response, "drain"), closed]);
    }),
  );
  expect(failure).toMatchObject({ code: "upstream_error", status: 502 });
  expect(failure["message"]).toContain("sent more than can be read");
});

describe("an HTTP error", () => {
  test("keeps the provider's message, type, code, parameter and advice when to retry", async () => {
    const body = error("Too long.", {
      type: "invalid_request_error",
      code: "context_length_exceeded",
      param: "messages",
    });
    const refused = await failureOf(ask((response) => json(response, 400, body)));
    expect(refused).toMatchObject({
      code: "upstream_error",
      status: 400,
      type: "invalid_request_error",
      param: "messages",
      retryable: false,
      provider: { code: "context_length_exceeded" },
    });
    expect(refused["message"]).toBe('The model provider "test": Too long.');

    const limited = await failureOf(
      ask((response) => json(response, 429, error("Slow."), { "retry-after": "7" })),
    );
    expect(limited).toMatchObject({ status: 429, retryable: true, retryAfterSeconds: 7 });
  });

  test.each([
    [401, 502, false],
    [402, 502, false],
    [403, 502, false],
    [404, 404, false],
    [408, 504, true],
    [409, 502, false],
    [422, 422, false],
    [500, 502, true],
    [503, 503, true],
    [529, 503, true],
  ])("%i becomes %i (retryable: %s)", async (theirs, status, retryable) => {
    const failure = await failureOf(ask((response) => json(response, theirs, error("no"))));
    expect(failure).toMatchObject({ status, retryable });
  });

  test.each([
    ["a string", { error: "it broke" }],
    ["a bare message", { message: "it broke", code: 500 }],
    ["a detail", { detail: "it broke" }],
    ["plain text", "it broke"],
  ])("is understood when it is %s", async (_, body) => {
    const failure = await failureOf(ask((response) => json(response, 500, body)));
    expect(failure["message"]).toBe('The model provider "test": it broke');
  });

  test("that is a page of HTML tells its status only", async () => {
    const failure = await failureOf(ask((response) => json(response, 502, "<html><h1>Bad gateway</h1>")));
    expect(failure["message"]).toBe('The model provider "test": answered with HTTP status 502');
  });

  test("never shows a key, whole or in part", async () => {
    const said = `Incorrect API key provided: ${API_KEY} (sk-abc1****wxyz), header Bearer abc.def`;
    const { message } = await failureOf(ask((response) => json(response, 401, error(said))));
    expect(message).toBe(
      'The model provider "test": Incorrect API key provided: [redacted] ([redacted]), header Bearer [redacted]',
    );
  });
});

test("an error that repeats our key shows it nowhere: not as type, code or parameter, not as a name", async () => {
  const fields = {
    message: `no ${API_KEY}`,
    type: `t_${API_KEY}`,
    code: `${API_KEY}`,
    param: `p.${API_KEY}`,
  };
  const details = { detail: [{ [API_KEY]: { loc: [API_KEY] } }] };
  for (const body of [{ error: fields }, { error: details }, details, `${API_KEY} is wrong`])
    for (const status of [400, 401, 429, 500]) {
      const failure = await failureOf(ask((response) => json(response, status, body)));
      expect(JSON.stringify(failure)).toContain("[redacted]");
      expect(JSON.stringify(failure)).not.toContain(API_KEY);
    }
  const inside = await failureOf(askStream([{ error: fields }, DONE]));
  expect(JSON.stringify(inside)).not.toContain(API_KEY);
});

describe("an error inside a 200", () => {
  test.each([
    ["in a stream", [chunk({ content: "a" }), error("overloaded", { code: 503 })]],
    [
      "as an event of its own",
      [`event: error\ndata: ${JSON.stringify(error("overloaded", { code: 503 }))}\n\n`],
    ],
    ["without data in front", [`${JSON.stringify(error("overloaded", { code: 503 }))}\n`]],
    [
      "inside a choice",
      [{ choices: [{ delta: {}, finish_reason: "error", error: { message: "overloaded", code: 503 } }] }],
    ],
    ["as an error object", [{ object: "error", message: "overloaded", code: 503 }]],
  ])("%s fails the answer", async (_, parts) => {
    const failure = await failureOf(askStream([...parts, DONE]));
    expect(failure).toMatchObject({ code: "upstream_error", status: 503 });
    expect(failure["message"]).toContain("overloaded");
  });

  test("as a JSON body fails the answer", async () => {
    const answer = ask((response) => json(response, 200, error("no credit")), { request: { stream: false } });
    expect(await failureOf(answer)).toMatchObject({
      status: 502,
      message: 'The model provider "test": no credit',
    });
  });
});

describe("a provider that", () => {
  test("sends what is not JSON fails the answer", async () => {
    expect(await failureOf(askStream(["data: {oops\n\n"]))).toMatchObject({
      code: "upstream_error",
      status: 502,
    });
  });

  test("cuts the connection fails the answer", async () => {
    const cut = ask(async (response) => {
      stream(response, [chunk({ content: "a" })], false);
      await new Promise((resolve) => response.write(":\n\n", resolve));
      response.destroy();
    });
    expect(await failureOf(cut)).toMatchObject({ code: "upstream_error", status: 502 });
  });

  test("is not there says so without telling its address", async () => {
    const gone = await startProvider(() => {});
    await gone[Symbol.asyncDispose]();
    const dispatcher = new Agent();
    const provider = { name: "gone", baseUrl: gone.baseUrl, apiKey: null, secrets: [] };
    const model = createOpenAiCompatibleModel({
      provider,
      model: "m",
      dispatcher,
      timeouts: defaultTimeouts,
    });
    const failure = await failureOf(readAnswer(model));
    expect(failure).toMatchObject({ code: "upstream_error", status: 502 });
    expect(failure["message"]).toContain("ECONNREFUSED");
    expect(failure["message"]).not.toContain("127.0.0.1");
    await dispatcher.destroy();
  });

  test("redirects is not followed: the key stays here, and the connection is given up", async () => {
    await using provider = await startProvider((response) =>
      response.writeHead(307, { location: "http://127.0.0.1:9/" }).write("and so on"),
    );
    const dispatcher = new Agent();
    const options = { name: "moved", baseUrl: provider.baseUrl, apiKey: API_KEY, secrets: [API_KEY] };
    const model = createOpenAiCompatibleModel({
      provider: options,
      model: "m",
      dispatcher,
      timeouts: defaultTimeouts,
    });
    expect((await failureOf(readAnswer(model)))["message"]).toContain("HTTP status 307");
    await until("the provider noticed", () => provider.requests[0]?.abandoned);
    await dispatcher.destroy();
  });

  test("never begins to answer is given up with 504", async () => {
    const silent = ask(() => {}, { timeouts: { firstByteMs: 50 } });
    expect(await failureOf(silent)).toMatchObject({ code: "upstream_error", status: 504, retryable: true });
  });

  test("falls silent in the middle is given up with 504", async () => {
    const stalled = ask((response) => stream(response, [chunk({ content: "a" })], false), {
      timeouts: { idleMs: 50 },
    });
    expect(await failureOf(stalled)).toMatchObject({ code: "upstream_error", status: 504 });
  });

  test("answers in time is not disturbed by a reader who takes longer than the timeout", async () => {
    let text = "";
    await using provider = await startProvider(async (response) => {
      stream(response, [chunk({ content: "a" })], false);
      await until("a was read", () => text === "a");
      response.write(`data: ${JSON.stringify(chunk({ content: "b" }))}\n\n`);
      await until("b was read", () => text === "ab");
      response.end(`data: ${JSON.stringify(chunk({ content: "c" }, "stop"))}\n\n`);
    });
    const dispatcher = new Agent();
    const options = { name: "slow", baseUrl: provider.baseUrl, apiKey: null, secrets: [] };
    const timeouts = { firstByteMs: 5_000, idleMs: 300 };
    const model = createOpenAiCompatibleModel({ provider: options, model: "m", dispatcher, timeouts });
    for await (const event of model.stream(hello, new AbortController().signal)) {
      if (event.type !== "text-delta") continue;
      text += event.text;
      const readAt = performance.now();
      await until("the reader took its time", () => performance.now() - readAt > 400);
    }
    expect(text).toBe("abc");
    await dispatcher.destroy();
  });
});

describe("a request", () => {
  test("holds the model's own name, the key, and every field of the caller", async () => {
    await using provider = await startProvider((response) =>
      json(response, 200, completion({ content: "a" })),
    );
    const dispatcher = new Agent();
    const model = createOpenAiCompatibleModel({
      provider: {
        name: "test",
        baseUrl: `${provider.baseUrl}/?version=2`,
        apiKey: API_KEY,
        secrets: [API_KEY],
      },
      model: "org/name",
      dispatcher,
      timeouts: defaultTimeouts,
    });
    await readAnswer(model, { stream: false, params: { temperature: 0, vendor_field: { a: 1 } } });
    const [request] = provider.requests;
    expect(request?.path).toBe("/v1/chat/completions?version=2");
    expect(request?.headers.authorization).toBe(`Bearer ${API_KEY}`);
    expect(request?.body).toEqual({
      model: "org/name",
      messages: hello.messages,
      stream: false,
      temperature: 0,
      vendor_field: { a: 1 },
    });
    await dispatcher.destroy();
  });

  test.each(["aborted", "left"])("that is %s ends at the provider", async (how) => {
    await using provider = await startProvider((response) =>
      stream(response, [chunk({ content: "a" })], false),
    );
    const dispatcher = new Agent();
    const model = createOpenAiCompatibleModel({
      provider: { name: "test", baseUrl: provider.baseUrl, apiKey: null, secrets: [] },
      model: "m",
      dispatcher,
      timeouts: defaultTimeouts,
    });
    const abort = new AbortController();
    const reading = (async () => {
      for await (const _ of model.stream(hello, abort.signal)) {
        if (how === "left") return;
        abort.abort(new Error("enough"));
      }
    })();
    if (how === "aborted") await expect(reading).rejects.toThrow("enough");
    else await reading;
    await until("the provider noticed", () => provider.requests[0]?.abandoned);
    await dispatcher.destroy();
  });

  test("whose answer nobody looks at gets the provider's bytes", async () => {
    const parts = [chunk({ content: "a" }), ": anything\n\n", DONE];
    const { events } = await ask(async (response) => stream(response, parts), { request: { raw: true } });
    expect(events).toMatchObject([{ type: "raw", contentType: "text/event-stream" }]);
  });
});
