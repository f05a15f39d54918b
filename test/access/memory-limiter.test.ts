import { describe, expect, it } from "vitest";
import { createMemoryLimiter } from "../../src/access/memory-limiter.ts";

describe("requests", () => {
  it("a minute's worth may come at once; then they come one by one as time passes", async () => {
    let now = 0;
    const limiter = createMemoryLimiter(() => now);
    for (let i = 0; i < 60; i += 1) expect(await limiter.takeRequest("a", 60)).toEqual({ allowed: true });
    expect(await limiter.takeRequest("a", 60)).toEqual({ allowed: false, retryAfterSeconds: 1 });
    now += 1_000;
    expect(await limiter.takeRequest("a", 60)).toEqual({ allowed: true });
    expect((await limiter.takeRequest("a", 60)).allowed).toBe(false);
  });

  it("says how many seconds a slow key has to wait, and asking does not push that back", async () => {
    let now = 0;
    const limiter = createMemoryLimiter(() => now);
    await limiter.takeRequest("a", 1);
    expect(await limiter.takeRequest("a", 1)).toEqual({ allowed: false, retryAfterSeconds: 60 });
    now += 30_000;
    expect(await limiter.takeRequest("a", 1)).toEqual({ allowed: false, retryAfterSeconds: 30 });
    now += 30_000;
    expect(await limiter.takeRequest("a", 1)).toEqual({ allowed: true });
  });

  it("an idle key saves up one minute and no more", async () => {
    let now = 0;
    const limiter = createMemoryLimiter(() => now);
    await limiter.takeRequest("a", 2);
    now += 3_600_000;
    const verdicts = [];
    for (let i = 0; i < 3; i += 1) verdicts.push((await limiter.takeRequest("a", 2)).allowed);
    expect(verdicts).toEqual([true, true, false]);
  });

  it("keys have buckets of their own", async () => {
    const limiter = createMemoryLimiter(() => 0);
    await limiter.takeRequest("a", 1);
    expect((await limiter.takeRequest("b", 1)).allowed).toBe(true);
  });
});

describe("slots", () => {
  it("a slot given back can be taken again, and giving it back twice frees one", async () => {
    const limiter = createMemoryLimiter();
    const first = await limiter.takeSlot("a", 2);
    const second = await limiter.takeSlot("a", 2);
    expect(await limiter.takeSlot("a", 2)).toBeUndefined();
    await first?.[Symbol.asyncDispose]();
    await first?.[Symbol.asyncDispose]();
    expect(await limiter.takeSlot("a", 2)).toBeDefined();
    expect(await limiter.takeSlot("a", 2)).toBeUndefined();
    expect(second).toBeDefined();
  });

  it("keys do not take each other's slots", async () => {
    const limiter = createMemoryLimiter();
    await limiter.takeSlot("a", 1);
    expect(await limiter.takeSlot("b", 1)).toBeDefined();
  });
});
