/** Cool-downs of things that several requests depend on at once. The rest is in keys and chains. */
import { expect, test } from "vitest";
import { createCoolDown } from "../../src/upstream/cool-down.ts";
import { createTestClock } from "./helpers/clock.ts";

test("a failure that says less does not shorten the rest that another one asked for", () => {
  const clock = createTestClock();
  const coolDown = createCoolDown(clock);
  const [first, second] = [coolDown.begin(), coolDown.begin()];
  first.failed(60);
  second.failed();
  clock.advance(59_999);
  expect(coolDown.isReady).toBe(false);
  clock.advance(1);
  expect(coolDown.isReady).toBe(true);
});

test("of several requests at once only one is the probe", () => {
  const clock = createTestClock();
  const coolDown = createCoolDown(clock);
  coolDown.begin().failed();
  clock.advance(5_000);
  const probe = coolDown.begin();
  expect(coolDown.isReady).toBe(false);
  probe.succeeded();
  expect([coolDown.isReady, coolDown.endsAt]).toEqual([true, 0]);
});
