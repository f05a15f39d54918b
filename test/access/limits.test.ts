import { expect, test } from "vitest";
import { defaultLimits } from "../../sandbox/index.ts";
import { resolveAnswerLimits } from "../../src/access/answer-limits.ts";
import { grantLimits } from "../../src/access/run-limits.ts";

const ceilings = { ...defaultLimits, wallMs: 90_000 };

test("what a program does not ask for it gets by default", () => {
  const defaults = { ...defaultLimits, cpuMs: 1_234 };
  expect(grantLimits({ wallMs: 90_000 }, { defaults, ceilings })).toEqual({ ...defaults, wallMs: 90_000 });
  expect(grantLimits({})).toEqual(defaultLimits);
});

test.for([
  [{ wallMs: 90_001 }, "limit_above_ceiling", "wallMs may be at most 90000 here, 90001 was asked for"],
  [{ memoryMb: 7 }, "invalid_request", "memoryMb must be at least 8, 7 was asked for"],
  [{ memoryMb: 8.5 }, "invalid_request", "memoryMb must be a whole number, 8.5 was asked for"],
] as const)("%o is refused, never cut", ([asked, code, message]) => {
  expect(() => grantLimits(asked, { ceilings })).toThrow(
    expect.objectContaining({
      code,
      message: `${message}.`,
      errors: [{ pointer: `/limits/${Object.keys(asked)[0]}`, message }],
    }),
  );
});

test("an answer has the narrowest of deployment, key and request; a request cannot widen", () => {
  const limits = resolveAnswerLimits({ maxTurns: 5, maxToolCalls: 9 }, { maxTurns: 3 }, { maxToolCalls: 2 });
  expect(limits).toEqual({ maxTurns: 3, maxToolCalls: 2, maxWallMs: Number.POSITIVE_INFINITY });
  expect(() => resolveAnswerLimits({ maxTurns: 5 }, { maxTurns: 3 }, { maxTurns: 4 })).toThrow(
    expect.objectContaining({ code: "limit_above_ceiling", param: "toolarium" }),
  );
});
