/** Anthropic, Google and Bedrock: what comes under the status 200 and is no answer, or too much of one. */
import { describe, expect, test } from "vitest";
import { failureOf, readAnswer } from "./helpers/answers.ts";
import { startRegistry } from "./helpers/registry.ts";
import { anthropicEnd, anthropicStart, SDK_KEY, sdkProviders, streamAnthropic } from "./helpers/sdk.ts";

const error = {
  error: { type: "overloaded_error", code: 503, status: "UNAVAILABLE", message: "The queue is full." },
};

describe.each(sdkProviders)("$type", ({ type, model, config }) => {
  test.each<[string, string, string, RegExp]>([
    [
      "an error as a body",
      "application/json",
      JSON.stringify({ type: "error", ...error }),
      /The queue is full/,
    ],
    ["a list of errors", "application/json", JSON.stringify([error]), /The queue is full/],
    ["a page of HTML", "text/html", "<html><body>Gateway</body></html>", /a page of HTML/],
    ["nothing", "text/event-stream", "", /answered with nothing/],
    ["a comment", "text/event-stream", ": wait\n\n", /./],
    [
      "an error as the first event",
      "text/event-stream",
      `event: error\ndata: ${JSON.stringify({ type: "error", ...error })}\n\n`,
      /./,
    ],
    [
      "an event that is nested too deeply",
      "text/event-stream",
      `data: ${"[".repeat(100_000)}${"]".repeat(100_000)}\n\n`,
      type === "bedrock" ? /./ : /levels deep/,
    ],
    ["an event without end", "text/event-stream", `data: ${"x".repeat(20_000_000)}`, /./],
  ])("%s under the status 200 is a failure that is tried again", async (_, contentType, body, told) => {
    await using world = await startRegistry({
      providers: {
        [type]: [
          (response) => {
            response.writeHead(200, { "content-type": contentType });
            response.end(body);
          },
          { ...config, type, retries: 1 },
        ],
      },
    });
    const failure = await failureOf(readAnswer(world.registry.resolve(model).model));
    expect(failure).toMatchObject({
      code: "upstream_error",
      retryable: true,
      message: expect.stringMatching(told),
    });
    expect(world.requests(type)).toHaveLength(2);
  });
});

test("more calls than any model means end the answer", async () => {
  const calls = Array.from({ length: 300 }, (_, index) => [
    {
      type: "content_block_start",
      index,
      content_block: { type: "tool_use", id: `c${index}`, name: "add", input: {} },
    },
    { type: "content_block_stop", index },
  ]).flat();
  await using world = await startRegistry({
    providers: {
      anthropic: [
        (response) => streamAnthropic(response, [anthropicStart, ...calls, ...anthropicEnd("tool_use")]),
        { type: "anthropic", apiKey: SDK_KEY, retries: 0 },
      ],
    },
  });
  const failure = await failureOf(readAnswer(world.registry.resolve("anthropic/claude").model));
  expect(failure).toMatchObject({
    code: "upstream_error",
    message: expect.stringContaining("more than 256 tools"),
  });
});
