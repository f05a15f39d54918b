/** What comes under the status 200 and is no answer: a failure like any other, after which another model is asked. */
import { describe, expect, test } from "vitest";
import { ask, failureOf, readAnswer } from "../helpers/answers.ts";
import { chunk, completion, DONE, json, type ProviderAnswer, stream } from "../helpers/provider.ts";
import { startRegistry } from "../helpers/registry.ts";

const line = (payload: unknown): string => `data: ${JSON.stringify(payload)}\n\n`;
const role = line(chunk({ role: "assistant", content: "" }));
const error = { message: "The queue is full.", type: "SERVICE_UNAVAILABLE", code: 503 };
const google = { error: { code: 503, message: "The queue is full.", status: "UNAVAILABLE" } };
const full = /The queue is full\./;

/** A body, its content type, and what is told of it. */
type Case = readonly [title: string, type: "sse" | "json" | "html", body: string, told: RegExp];

const failures: readonly Case[] = [
  ["an error as the first event", "sse", line({ error }) + DONE, full],
  ["an error behind the role", "sse", role + line({ error }), full],
  ["an error behind comments and empty data", "sse", `: wait\n\ndata:\n\n${line({ error })}`, full],
  ["an error as an event of its own", "sse", `event: error\ndata: ${JSON.stringify(error)}\n\n`, full],
  ["an error event that is plain text", "sse", "event: error\ndata: The queue is full.\n\n", full],
  ["an error as a JSON text", "sse", line("The queue is full.") + DONE, full],
  ["an error in a list", "sse", line([google]) + DONE, full],
  ["an error inside a choice", "sse", line({ choices: [{ index: 0, delta: {}, error }] }), full],
  ["an error as a body under the label of a stream", "sse", JSON.stringify({ error }, null, 2), full],
  ["a body of errors", "json", JSON.stringify([google], null, 2), full],
  ["an error as a text", "json", JSON.stringify({ error: "The queue is full." }), full],
  [
    "an error inside of an error's text",
    "json",
    JSON.stringify({ error: { message: JSON.stringify(google), code: 503 } }),
    full,
  ],
  [
    "an error of somebody behind the provider",
    "json",
    JSON.stringify({
      error: { message: "Provider returned error", code: 502, metadata: { raw: JSON.stringify(google) } },
    }),
    full,
  ],
  ["a detail", "json", JSON.stringify({ detail: "The queue is full." }), full],
  ["a detail in a stream", "sse", line({ detail: { message: "The queue is full." } }), full],
  [
    "a list of errors",
    "json",
    JSON.stringify({ success: false, errors: [{ code: 7, message: "The queue is full." }] }),
    full,
  ],
  ["a bare message", "json", JSON.stringify({ code: 503, msg: "The queue is full." }), full],
  [
    "a status beside no choices",
    "json",
    JSON.stringify({ choices: null, base_resp: { status_code: 1_002, status_msg: "The queue is full." } }),
    full,
  ],
  ["a JSON text", "json", JSON.stringify("The queue is full."), full],
  ["a page of HTML", "html", "<!DOCTYPE html><html><body>Gateway</body></html>", /a page of HTML/],
  ["a page of HTML under another label", "sse", "\n<html></html>", /a page of HTML/],
  ["plain text", "html", "upstream connect error", /not JSON/],
  ["nothing", "json", "", /answered with nothing/],
  ["nothing but blanks", "sse", "\n\n\n", /answered with nothing/],
  ["nothing but comments", "sse", ": wait\n\n: wait\n\n", /answered with nothing/],
  ["nothing but [DONE]", "sse", DONE, /answered with nothing/],
  [
    "a stream without any choice",
    "sse",
    line({ choices: [] }) + line({ usage: {} }),
    /answered with nothing/,
  ],
  ["an object without choices", "json", "{}", /without a choice/],
  ["no JSON", "json", "{oops", /not a JSON object/],
];

const types = { sse: "text/event-stream", json: "application/json", html: "text/html" };
const answerWith =
  ([, type, body]: Case): ProviderAnswer =>
  (response) => {
    response.writeHead(200, { "content-type": types[type] });
    response.end(body);
  };

describe.each(["read", "passed on unread"])("under the status 200, where an answer is %s,", (how) => {
  const raw = how !== "read";
  test.each(failures)(
    "%s is a failure in words, and the next model of a chain is asked",
    async (...failure) => {
      const [, type, , told] = failure;
      for (const streams of type === "html" ? [true, false] : [type === "sse"]) {
        await using world = await startRegistry({
          providers: {
            first: [answerWith(failure), { retries: 1 }],
            second: [
              (response, { body }) =>
                body["stream"]
                  ? stream(response, [chunk({ content: "hi" }, "stop"), DONE])
                  : json(response, 200, completion({ content: "hi" })),
            ],
          },
          models: { both: ["first/m", "second/m"] },
        });
        const request = { raw, stream: streams };
        const refused = await failureOf(readAnswer(world.registry.resolve("first/m").model, request));
        expect(refused).toMatchObject({
          code: "upstream_error",
          retryable: true,
          message: expect.stringMatching(told),
        });
        expect(world.requests("first")).toHaveLength(2);

        const answer = await readAnswer(world.registry.resolve("both").model, request);
        expect(raw ? answer.raw : answer.text).toContain("hi");
      }
    },
  );

  test("what the request itself is refused for stays with it, and counts against nobody", async () => {
    const refusal = {
      error: { message: "Too long.", type: "invalid_request_error", code: "context_length_exceeded" },
    };
    await using world = await startRegistry({
      providers: {
        first: [answerWith(["", "json", JSON.stringify(refusal), /./])],
        second: [answerWith(["", "json", "{}", /./])],
      },
      models: { both: ["first/m", "second/m"] },
    });
    const failure = await failureOf(readAnswer(world.registry.resolve("both").model, { raw, stream: false }));
    expect(failure).toMatchObject({ status: 400, type: "invalid_request_error", retryable: false });
    expect(world.requests("first")).toHaveLength(1);
    expect(world.requests("second")).toHaveLength(0);
  });

  test.each<[string, unknown]>([
    ["null", null],
    ["false", false],
    ["an empty text", ""],
    ["an empty object", {}],
    ["an object of nothing", { message: "", code: null }],
    ["an empty list", []],
  ])("an error that is %s is none", async (_, none) => {
    for (const streams of [true, false]) {
      const answer = await ask(
        (response) =>
          streams
            ? stream(response, [chunk({ content: "hi" }, "stop", { error: none }), DONE])
            : json(response, 200, completion({ content: "hi" }, "stop", { error: none })),
        { request: { raw, stream: streams } },
      );
      expect(raw ? answer.raw : answer.text).toContain("hi");
    }
  });
});

test("bytes that are passed on unread are those that came, with what was looked at", async () => {
  const body = `: wait\n\n${role}${line(chunk({ content: "hi" }))}${line(chunk({}, "stop"))}${DONE}`;
  const streamed = await ask(answerWith(["", "sse", body, /./]), { request: { raw: true } });
  expect(streamed.raw).toBe(body);
  const large = JSON.stringify(completion({ content: '{"error":1}'.repeat(20_000) }));
  const whole = await ask(answerWith(["", "json", large, /./]), { request: { raw: true, stream: false } });
  expect(whole.raw).toBe(large);
});

test.each<[number, object | string, object]>([
  [
    429,
    [google],
    { status: 429, type: "UNAVAILABLE", message: 'The model provider "test": The queue is full.' },
  ],
  [
    400,
    { error: { message: JSON.stringify(google) } },
    { status: 400, message: 'The model provider "test": The queue is full.' },
  ],
  [404, { errors: [{ message: "gone" }] }, { status: 404, message: 'The model provider "test": gone' }],
  [400, `<html>${"x".repeat(200_000)}</html>`, { status: 400, retryable: false }],
  [400, "[".repeat(50_000), { status: 400, retryable: false }],
  [400, `{"detail":${"[".repeat(20_000)}${"]".repeat(20_000)}}`, { status: 400, retryable: false }],
])("an answer of status %i keeps its kind, whatever its body (%#)", async (status, body, expected) => {
  expect(await failureOf(ask((response) => json(response, status, body)))).toMatchObject(expected);
});
