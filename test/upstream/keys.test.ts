/** Several keys of one provider: their shares, and what happens to one that is refused. */
import { expect, test } from "vitest";
import { failureOf, readAnswer } from "./helpers/answers.ts";
import { json, type ProviderAnswer } from "./helpers/provider.ts";
import { inOrder, refuse, say, startRegistry, type TestRegistry } from "./helpers/registry.ts";

const keys = (...weights: readonly number[]) => ({
  apiKeys: weights.map((weight, index) => ({ key: `key-${index + 1}`, weight })),
});

/** Refuses one key, and answers to the others. */
const refuseKey =
  (key: string, refusal: ProviderAnswer): ProviderAnswer =>
  (response, request, count) =>
    (request.headers.authorization === `Bearer ${key}` ? refusal : say("hello"))(response, request, count);

test("each request draws its key by weight", async () => {
  await using world = await startRegistry({ providers: { p: [say("hello"), keys(3, 1)] } });
  const { model } = world.registry.resolve("p/m");
  world.clock.chances = [0, 0.25, 0.74, 0.75, 0.99];
  for (let count = 0; count < 5; count += 1) await readAnswer(model);
  expect(world.keys("p")).toEqual(["key-1", "key-1", "key-1", "key-2", "key-2"]);
});

test.each([401, 402, 403, 429])(
  "a key that is refused with %i is replaced at once, and rests",
  async (status) => {
    await using world = await startRegistry({
      providers: { p: [refuseKey("key-1", refuse(status)), { ...keys(1, 1), retries: 0 }] },
    });
    const { model } = world.registry.resolve("p/m");
    expect((await readAnswer(model)).text).toBe("hello");
    expect((await readAnswer(model)).text).toBe("hello");
    expect(world.keys("p")).toEqual(["key-1", "key-2", "key-2"]);
    expect(world.clock.pauses).toEqual([]);
  },
);

test("a key rests for as long as the provider says", async () => {
  await using world = await startRegistry({
    providers: { p: [refuseKey("key-1", refuse(429, { "retry-after": "40" })), keys(1, 1)] },
  });
  const { model } = world.registry.resolve("p/m");
  await readAnswer(model);
  world.clock.advance(39_999);
  await readAnswer(model);
  world.clock.advance(1);
  await readAnswer(model);
  expect(world.keys("p")).toEqual(["key-1", "key-2", "key-2", "key-1", "key-2"]);
});

test("a rest is five minutes at most, whatever the provider says", async () => {
  await using world = await startRegistry({
    providers: { p: [refuseKey("key-1", refuse(429, { "retry-after": "86400" })), keys(1, 1)] },
  });
  const { model } = world.registry.resolve("p/m");
  await readAnswer(model);
  world.clock.advance(300_000);
  await readAnswer(model);
  expect(world.keys("p")).toEqual(["key-1", "key-2", "key-1", "key-2"]);
});

test("the rests of a key that is refused again and again double", async () => {
  await using world = await startRegistry({
    providers: { p: [refuseKey("key-1", refuse(401)), keys(1, 1)] },
  });
  const { model } = world.registry.resolve("p/m");
  await readAnswer(model);
  world.clock.advance(5_000);
  await readAnswer(model);
  world.clock.advance(9_999);
  await readAnswer(model);
  world.clock.advance(1);
  await readAnswer(model);
  expect(world.keys("p")).toEqual(["key-1", "key-2", "key-1", "key-2", "key-2", "key-1", "key-2"]);
});

test("a key that answers again is as good as new", async () => {
  await using world = await startRegistry({
    providers: {
      p: [inOrder(refuse(401), say("two"), say("one"), refuse(401), say("two"), say("one")), keys(1, 1)],
    },
  });
  const { model } = world.registry.resolve("p/m");
  await readAnswer(model);
  world.clock.advance(5_000);
  await readAnswer(model);
  await readAnswer(model);
  world.clock.advance(5_000);
  await readAnswer(model);
  expect(world.keys("p")).toEqual(["key-1", "key-2", "key-1", "key-1", "key-2", "key-1"]);
});

test("a key whose provider was busy is no refused one", async () => {
  await using world = await startRegistry({
    providers: { p: [inOrder(refuse(503), refuse(401), say("hello")), keys(1, 1)] },
  });
  // Of the key, of the pause, of the key.
  world.clock.chances = [0, 0, 0.5, 0];
  expect((await readAnswer(world.registry.resolve("p/m").model)).text).toBe("hello");
  expect(world.keys("p")).toEqual(["key-1", "key-2", "key-1"]);
});

test("another key is not tried when the time for the first byte is over", async () => {
  const world: TestRegistry = await startRegistry({
    providers: {
      p: [
        (...request) => {
          world.clock.advance(9_000);
          refuse(401)(...request);
        },
        { ...keys(1, 1), firstByteTimeoutMs: 9_000 },
      ],
    },
  });
  await using _ = world;
  expect(await failureOf(readAnswer(world.registry.resolve("p/m").model))).toMatchObject({ status: 502 });
  expect(world.keys("p")).toEqual(["key-1"]);
});

test("when every key is refused the client is told in the provider's words, and each was asked once", async () => {
  await using world = await startRegistry({ providers: { p: [refuse(401), keys(1, 1, 1)] } });
  const { model } = world.registry.resolve("p/m");
  expect(await failureOf(readAnswer(model))).toMatchObject({
    message: 'The model provider "p": refused with 401',
    status: 502,
    type: "their_type",
    retryable: false,
  });
  expect(world.keys("p")).toEqual(["key-1", "key-2", "key-3"]);
});

test("when all keys rest the one that is free first is used", async () => {
  await using world = await startRegistry({
    providers: {
      p: [
        inOrder(refuse(429, { "retry-after": "90" }), refuse(429, { "retry-after": "60" }), say("hello")),
        keys(1, 1),
      ],
    },
  });
  const { model } = world.registry.resolve("p/m");
  expect(await failureOf(readAnswer(model))).toMatchObject({ status: 429, retryAfterSeconds: 60 });
  expect((await readAnswer(model)).text).toBe("hello");
  expect(world.keys("p")).toEqual(["key-1", "key-2", "key-2"]);
});

test("no credit is a matter of the key, which no pause mends", async () => {
  const refusal: ProviderAnswer = (response) =>
    json(response, 429, { error: { message: "You have no credit.", code: "insufficient_quota" } });
  await using world = await startRegistry({ providers: { p: [refusal, keys(1, 1)] } });
  const failure = await failureOf(readAnswer(world.registry.resolve("p/m").model));
  expect(failure).toMatchObject({ status: 429, provider: { code: "insufficient_quota" } });
  expect(world.keys("p")).toEqual(["key-1", "key-2"]);
  expect(world.clock.pauses).toEqual([]);
});

test("the log says which key rests by its number", async () => {
  await using world = await startRegistry({
    providers: { p: [refuseKey("key-1", refuse(401)), keys(1, 1)] },
  });
  await readAnswer(world.registry.resolve("p/m").model);
  expect(world.warnings).toEqual([
    [
      { model: "p/m", keyNumber: 1, reason: 'The model provider "p": refused with 401' },
      "a key of a provider was refused, and rests",
    ],
  ]);
});

test("no key stands in a refusal, neither the one that was used nor another", async () => {
  const names = ["first-secret", "second-secret"];
  const message = `Incorrect key ${names[0]}; did you mean ${names[1]}?`;
  await using world = await startRegistry({
    providers: {
      p: [
        (response) => {
          response.writeHead(401, { "content-type": "application/json" });
          response.end(JSON.stringify({ error: { message } }));
        },
        { apiKeys: names.map((key) => ({ key })) },
      ],
    },
  });
  const failure = await failureOf(readAnswer(world.registry.resolve("p/m").model));
  expect(failure["message"]).toBe(
    'The model provider "p": Incorrect key [redacted]; did you mean [redacted]?',
  );
});
