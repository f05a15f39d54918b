/** One name for several models: which of them is asked, and when another one. */
import { expect, test } from "vitest";
import { failureOf, readAnswer } from "./helpers/answers.ts";
import { chunk, type ProviderAnswer, stream } from "./helpers/provider.ts";
import { inOrder, refuse, say, startRegistry, type TestRegistry } from "./helpers/registry.ts";

function start(
  a: ProviderAnswer,
  b: ProviderAnswer = say("from b"),
  config: object = {},
): Promise<TestRegistry> {
  return startRegistry({
    providers: { a: [a, { retries: 0, ...config }], b: [b, { retries: 0 }] },
    models: { fast: ["a/x", "b/y"] },
  });
}

async function ask(world: TestRegistry): Promise<string> {
  return (await readAnswer(world.registry.resolve("fast").model)).text;
}

test("the first model of a chain answers while it can", async () => {
  await using world = await start(say("from a"));
  expect(await ask(world)).toBe("from a");
  expect(world.requests("a")[0]?.body["model"]).toBe("x");
  expect(world.requests("b")).toEqual([]);
});

test.each([401, 403, 404, 408, 429, 500, 503])(
  "a provider that answers %i is followed by the next",
  async (status) => {
    await using world = await start(refuse(status));
    const { text, events } = await readAnswer(world.registry.resolve("fast").model);
    expect(text).toBe("from b");
    expect(events[0]).toEqual({ type: "answering", model: "b/y" });
    expect(world.requests("b")[0]?.body["model"]).toBe("y");
    expect(world.warnings).toMatchObject([[{ chain: "fast", model: "a/x", next: "b/y" }, expect.anything()]]);
  },
);

test("a provider that stays silent is followed by the next", async () => {
  await using world = await start(() => {}, say("from b"), { firstByteTimeoutMs: 20 });
  expect(await ask(world)).toBe("from b");
});

test.each([400, 413, 422])(
  "a request that is refused with %i for its own sake goes to nobody else",
  async (status) => {
    await using world = await start(refuse(status));
    expect(await failureOf(ask(world))).toMatchObject({
      status,
      message: `The model provider "a": refused with ${status}`,
    });
    expect(world.requests("b")).toEqual([]);
  },
);

test("an answer that has begun is not begun again elsewhere", async () => {
  await using world = await start((response) => {
    stream(response, [chunk({ content: "hel" })], false);
    response.socket?.end();
  });
  expect(await failureOf(ask(world))).toMatchObject({ code: "upstream_error" });
  expect(world.requests("b")).toEqual([]);
});

test("a later turn goes to the model that answered before, also when that has failed meanwhile", async () => {
  await using world = await start(inOrder(refuse(503), say("from a"), refuse(503)));
  const later = async (answeredBy: string) =>
    (await readAnswer(world.registry.resolve("fast").model, { answeredBy })).text;
  await ask(world);
  expect(await later("a/x")).toBe("from a");
  expect(await later("b/y")).toBe("from b");
  // Where it has nothing to say any more the next one is asked.
  expect(await later("a/x")).toBe("from b");
});

test("a provider whose answers break off is asked last, too", async () => {
  const broken: ProviderAnswer = (response) => {
    stream(response, [chunk({ content: "hel" })], false);
    response.socket?.end();
  };
  await using world = await start(broken);
  await failureOf(ask(world));
  expect(await ask(world)).toBe("from b");
});

test("a request that is wrong says nothing about its provider", async () => {
  await using world = await start(inOrder(refuse(400), refuse(404), say("from a")));
  await failureOf(ask(world));
  expect(await ask(world)).toBe("from b");
  expect(await ask(world)).toBe("from a");
});

test("when all fail the client hears the last one's own words", async () => {
  await using world = await start(refuse(500), refuse(429, { "retry-after": "7" }));
  expect(await failureOf(ask(world))).toMatchObject({
    message: 'The model provider "b": refused with 429',
    status: 429,
    type: "their_type",
    retryAfterSeconds: 7,
  });
});

test("a provider that failed lately is asked last", async () => {
  await using world = await start(refuse(503), inOrder(say("from b"), say("from b"), refuse(503)));
  await ask(world);
  await ask(world);
  expect(world.requests("a")).toHaveLength(1);
  expect(await failureOf(ask(world))).toMatchObject({ message: 'The model provider "a": refused with 503' });
  expect(world.requests("a")).toHaveLength(2);
});

test("requests that fail together make one cool-down, not one for each", async () => {
  const all = Promise.withResolvers<void>();
  await using world = await start(async (response, request, count) => {
    if (count === 3) all.resolve();
    await all.promise;
    (count > 3 ? say("from a") : refuse(503))(response, request, count);
  });
  expect(await Promise.all([ask(world), ask(world), ask(world)])).toEqual(["from b", "from b", "from b"]);
  world.clock.advance(4_999);
  expect(await ask(world)).toBe("from b");
  world.clock.advance(1);
  expect(await ask(world)).toBe("from a");
});

test("after its cool-down one real request is its probe, and a success heals it", async () => {
  const held = Promise.withResolvers<void>();
  await using world = await start(
    inOrder(
      refuse(503),
      async (response, request, count) => {
        await held.promise;
        say("from a")(response, request, count);
      },
      say("from a"),
    ),
  );
  expect(await ask(world)).toBe("from b");
  world.clock.advance(5_000);
  const probe = ask(world);
  expect(await ask(world)).toBe("from b");
  held.resolve();
  expect(await probe).toBe("from a");
  expect(await ask(world)).toBe("from a");
});

test("a probe that fails makes the cool-down twice as long", async () => {
  await using world = await start(inOrder(refuse(503), refuse(503), say("from a")));
  await ask(world);
  world.clock.advance(5_000);
  expect(await ask(world)).toBe("from b");
  world.clock.advance(9_999);
  expect(await ask(world)).toBe("from b");
  world.clock.advance(1);
  expect(await ask(world)).toBe("from a");
});

test("a probe whose client leaves is none: the next request is", async () => {
  const leaving = new AbortController();
  await using world = await start(
    inOrder(refuse(503), () => leaving.abort(new Error("left")), say("from a")),
  );
  await ask(world);
  world.clock.advance(5_000);
  const { model } = world.registry.resolve("fast");
  await expect(readAnswer(model, {}, leaving.signal)).rejects.toThrow("left");
  expect(await ask(world)).toBe("from a");
});

test("a chain is listed with its suffixes, and wins over a bare name", async () => {
  await using world = await startRegistry({
    providers: { a: [say("from a"), { models: ["fast"] }], b: [say("from b")] },
    models: { fast: ["b/y"] },
  });
  const ids = world.registry.list().flatMap(({ id, provider }) => (provider === null ? [id] : []));
  expect(ids).toEqual(["fast", "fast:plain", "fast:agent", "fast:code", "fast:auto"]);
  expect(world.registry.resolve("fast:code")).toMatchObject({ modeSuffix: "code", model: { name: "fast" } });
  expect(await ask(world)).toBe("from b");
});
