/** When a request is sent to a provider again, and when not. */
import { expect, test } from "vitest";
import { failureOf, readAnswer } from "./helpers/answers.ts";
import { chunk, json, type ProviderAnswer, stream } from "./helpers/provider.ts";
import { inOrder, refuse, say, startRegistry, type TestRegistry } from "./helpers/registry.ts";

const cut: ProviderAnswer = (response) => response.destroy();

function start(answer: ProviderAnswer, config: object = {}): Promise<TestRegistry> {
  return startRegistry({ providers: { p: [answer, { apiKey: "key-1", ...config }] } });
}

const modelOf = (world: TestRegistry) => world.registry.resolve("p/m").model;

test.each([
  ["is refused with 408", refuse(408)],
  ["is refused with 429", refuse(429)],
  ["is refused with 500", refuse(500)],
  ["is refused with 502", refuse(502)],
  ["is refused with 503", refuse(503)],
  ["is refused with 529", refuse(529)],
  ["is cut off", cut],
  [
    "fails inside an answer that has said nothing yet",
    ((response) =>
      stream(response, [{ error: { message: "overloaded", code: 529 } }])) satisfies ProviderAnswer,
  ],
])("a request that %s is sent again", async (_, failing) => {
  await using world = await start(inOrder(failing, failing, say("hello")));
  expect((await readAnswer(modelOf(world))).text).toBe("hello");
  expect(world.requests("p")).toHaveLength(3);
});

test.each([400, 401, 403, 404, 413, 422])(
  "a request that is refused with %i is not sent again",
  async (status) => {
    await using world = await start(refuse(status));
    expect(await failureOf(readAnswer(modelOf(world)))).toMatchObject({ retryable: false });
    expect(world.requests("p")).toHaveLength(1);
  },
);

test("a request is sent three times at most unless the configuration says otherwise", async () => {
  await using world = await start(refuse(503));
  expect(await failureOf(readAnswer(modelOf(world)))).toMatchObject({
    message: 'The model provider "p": refused with 503',
    status: 503,
    type: "their_type",
  });
  expect(world.requests("p")).toHaveLength(3);

  await using never = await start(refuse(503), { retries: 0 });
  await failureOf(readAnswer(modelOf(never)));
  expect(never.requests("p")).toHaveLength(1);
});

test("pauses double and differ by chance", async () => {
  await using world = await start(refuse(500), { retries: 3 });
  world.clock.chances = [0, 0, 0, 1, 0, 0.5];
  await failureOf(readAnswer(modelOf(world)));
  // The first of each pair of draws is that of the key.
  expect(world.clock.pauses).toEqual([125, 500, 750]);
});

test("a pause is as long as the provider says", async () => {
  await using world = await start(inOrder(refuse(429, { "retry-after": "2" }), say("hello")));
  expect((await readAnswer(modelOf(world))).text).toBe("hello");
  expect(world.clock.pauses).toEqual([2_000]);
});

test("who is to wait for long is told so instead", async () => {
  await using world = await start(refuse(429, { "retry-after": "30" }));
  expect(await failureOf(readAnswer(modelOf(world)))).toMatchObject({ status: 429, retryAfterSeconds: 30 });
  expect(world.requests("p")).toHaveLength(1);
});

test("pauses and attempts end with the time that the first byte may take", async () => {
  await using world = await start(refuse(503, { "retry-after": "4" }), {
    firstByteTimeoutMs: 9_000,
    retries: 9,
  });
  expect(await failureOf(readAnswer(modelOf(world)))).toMatchObject({ status: 503 });
  expect(world.clock.pauses).toEqual([4_000, 4_000]);
  expect(world.requests("p")).toHaveLength(3);
});

test("a request whose answer has begun is not sent again", async () => {
  await using world = await start((response) => {
    stream(response, [chunk({ content: "hel" })], false);
    response.socket?.end();
  });
  expect(await failureOf(readAnswer(modelOf(world)))).toMatchObject({ code: "upstream_error" });
  expect(world.requests("p")).toHaveLength(1);
});

test("a client that leaves during a pause ends it", async () => {
  const leaving = new AbortController();
  await using world = await start((response) => {
    leaving.abort(new Error("left"));
    json(response, 503, {});
  });
  await expect(readAnswer(modelOf(world), {}, leaving.signal)).rejects.toThrow("left");
  expect(world.requests("p")).toHaveLength(1);
});

test("an answer begins with the name of its model", async () => {
  await using world = await start(say("hello"));
  const { events } = await readAnswer(modelOf(world));
  expect(events[0]).toEqual({ type: "answering", model: "p/m" });
});
