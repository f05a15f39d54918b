import { expect, test } from "vitest";
import { createAccess } from "../../src/access/access.ts";
import { identifyByKey } from "../../src/access/identify.ts";
import type { Limiter } from "../../src/access/limiter.ts";
import { createMemoryLimiter } from "../../src/access/memory-limiter.ts";
import { withKeys } from "./helpers/keys.ts";

const bot = { token: "bot-key" };

test("a key is let in as often as its rate allows, then told how long to wait", async () => {
  const access = createAccess(
    identifyByKey(withKeys({ ratePerMinute: 2 }, { name: "other" })),
    createMemoryLimiter(() => 0),
  );
  expect(await access.admit(bot)).toMatchObject({ principal: "bot" });
  await access.admit(bot);
  await expect(access.admit(bot)).rejects.toMatchObject({ code: "rate_limited", retryAfterSeconds: 30 });
  expect(await access.admit({ token: "other-key" })).toMatchObject({ principal: "other" });
});

test("who is not known takes nothing from anybody's rate", async () => {
  const access = createAccess(
    identifyByKey(withKeys({ ratePerMinute: 1 })),
    createMemoryLimiter(() => 0),
  );
  for (let i = 0; i < 5; i += 1)
    await expect(access.admit({ token: "guess" })).rejects.toMatchObject({ code: "unauthorized" });
  expect(await access.admit(bot)).toMatchObject({ principal: "bot" });
});

test("a key has its slots once, and one that is given back is free again", async () => {
  const access = createAccess(identifyByKey(withKeys({ maxConcurrent: 1 })), createMemoryLimiter());
  const caller = await access.admit(bot);
  const slot = await access.takeSlot(caller);
  await expect(access.takeSlot(caller)).rejects.toMatchObject({ code: "rate_limited", retryAfterSeconds: 1 });
  await slot[Symbol.asyncDispose]();
  await using again = await access.takeSlot(caller);
  expect(again).toBeDefined();
});

test("nothing is counted where nothing is bounded", async () => {
  const refusing: Limiter = {
    takeRequest: () => Promise.reject(new Error("a request was counted")),
    takeSlot: () => Promise.reject(new Error("a slot was counted")),
  };
  for (const config of [withKeys(), withKeys({})]) {
    const access = createAccess(identifyByKey(config), refusing);
    await using slot = await access.takeSlot(await access.admit(bot));
    expect(slot).toBeDefined();
  }
});
