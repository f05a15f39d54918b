/** What the guest holds by itself, before a byte of it comes to the gateway, which holds the same once more. */
import { createContext, runInContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadScript, startGuest, startRehearsedGuest } from "./helpers/guest.ts";

const typesOf = (rows: readonly (readonly unknown[])[]): unknown[] => rows.map(([type]) => type);

describe("hardening", () => {
  it("fails, and with it the start of the isolate, when the engine does not let go of a global", () => {
    const context = createContext();
    runInContext("Object.defineProperty(globalThis, 'loophole', { value: 1 })", context);
    expect(loadScript("harden", context)).toThrow("does not let go of the global loophole");
  });
});

describe("the size of text", () => {
  it("is that of its UTF-8 bytes", () => {
    const { utf8Length } = loadScript("text")() as { utf8Length(text: string): number };
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const whole = text.toWellFormed();
        expect(utf8Length(whole)).toBe(Buffer.byteLength(whole));
      }),
    );
  });
});

describe("a guest", () => {
  it("posts one call more than it may, which ends the run, and no other", async () => {
    const guest = startGuest("for (let i = 0; i < 1e4; i++) void lab.echo({ i }); await 0", { toolCalls: 3 });
    expect(typesOf(await guest.rows())).toEqual(["call", "call", "call", "at", "call", "done"]);
  });

  it("keeps arguments that are too large to itself, counted in UTF-8", async () => {
    const guest = startGuest("await lab.echo({ a: 'é'.repeat(50) })", { toolArgsBytes: 100 });
    expect(await guest.rows()).toEqual([
      ["call", 1, "lab", "echo", "null", "!the arguments are larger than 100 bytes"],
    ]);
  });

  it("keeps a result that is too large to itself, counted in UTF-8", async () => {
    const guest = startGuest("return 'é'.repeat(50)", { resultBytes: 100 });
    expect(await guest.rows()).toMatchObject([["fail", { code: "result_too_large" }]]);
  });

  it("sends of output past the limits what comes last, and how much it left out", async () => {
    const lines = startGuest("for (let i = 0; i < 1e5; i++) console.log(i)", { logLines: 3 });
    const rows = await lines.rows();
    const skipped = rows.flatMap(([type, count]) => (type === "skip" ? [count as number] : []));
    const printed = rows.flatMap(([type, _level, text]) => (type === "log" ? [text] : []));
    expect(skipped.reduce((sum, count) => sum + count, printed.length)).toBe(100_000);
    expect(printed.slice(0, 3)).toEqual(["0", "1", "2"]);
    expect(printed.slice(-3)).toEqual(["99997", "99998", "99999"]);
    expect(lines.texts.length).toBeLessThan(3_500);
  });

  it("sends of one long line the beginning and the end", async () => {
    const bytes = startGuest("console.log('x'.repeat(1e7) + 'y'); console.log('more')", { logBytes: 100 });
    expect(await bytes.rows()).toEqual([
      ["log", "log", "x".repeat(100), 9_999_801, `${"x".repeat(99)}y`],
      ["log", "log", "more"],
      ["done", "null"],
    ]);
  });

  it("cuts names and the words of failures", async () => {
    const guest = startGuest("await lab['x'.repeat(1e6)]({}), 0");
    expect(await guest.rows()).toEqual([["call", 1, "lab", "x".repeat(256), "{}"]]);
    const failed = startGuest("throw Object.assign(new Error('m'.repeat(1e6)), { stack: 's'.repeat(1e6) })");
    const [[, failure] = []] = await failed.rows();
    expect(failure).toMatchObject({ message: `Error: ${"m".repeat(4_089)}`, stack: "s".repeat(4_096) });
  });

  it("posts a burst in parts, so that none is larger than the gateway reads", async () => {
    const guest = startGuest(
      "for (let i = 0; i < 200; i++) void lab.echo({ fill: 'x'.repeat(9_000) }); await 0",
    );
    await guest.rows();
    expect(guest.texts.length).toBeGreaterThan(5);
    expect(Math.max(...guest.texts.map(({ length }) => length))).toBeLessThan(300_000);
  });

  it("arms no more timers than a run may have in its history", async () => {
    const guest = startGuest(
      "for (let i = 0; ; i++) try { clearTimeout(setTimeout(() => {}, 1)) } catch (error) { return [i, error.name] }",
    );
    expect((await guest.rows()).at(-1)).toEqual(["done", '[100000,"RangeError"]']);
  });

  it("asks for delays that are whole numbers a timer can have", async () => {
    const guest = startGuest(
      "for (const delay of [-1, NaN, 1.9, Infinity, 2 ** 40, 'soon', {}, null, undefined]) setTimeout(() => {}, delay); await new Promise(() => {})",
    );
    const most = 2_147_483_647;
    expect((await guest.rows()).map(([, , delayMs]) => delayMs)).toEqual([0, 0, 1, most, most, 0, 0, 0, 0]);
  });

  it("says nothing more after its last word, whatever it still does", async () => {
    const guest = startGuest(
      `const later = async () => { for (let i = 0; i < 9; i++) await null; void lab.echo({}); console.log("late"); setTimeout(() => {}, 1); clearTimeout(1) };
       setTimeout(later, 1);
       void later();
       return { toJSON() { void later(); return "over" } }`,
    );
    await guest.rows();
    guest.enter("timer", 1, 1, "");
    expect(typesOf(await guest.rows())).toEqual(["timer", "done"]);
  });

  it("takes an entry for what it never asked, or asked and was told, as no more than time", async () => {
    const guest = startGuest("const first = await lab.echo({}); await new Promise(() => {}); return first");
    const other = startGuest("return [await lab.echo({}), await lab.echo({})]");
    for (const [kind, n] of [
      ["timer", 1],
      ["value", 7],
      ["error", 7],
    ] as const)
      guest.enter(kind, n, 1, "1");
    await guest.rows();
    guest.enter("value", 1, 1, "1");
    guest.enter("value", 1, 1, "2");
    expect(typesOf(await guest.rows())).toEqual(["call"]);
    other.enter("value", 1, 1, "1");
    await other.rows();
    other.enter("value", 1, 1, "2");
    other.enter("value", 2, 1, "3");
    expect((await other.rows()).at(-1)).toEqual(["done", "[1,3]"]);
  });

  it("clears only timers that are armed, and tells the gateway of no other", async () => {
    const guest = startGuest(
      "for (const id of [1, '2', NaN, {}, null]) clearTimeout(id); const own = setTimeout(() => {}, 1); clearTimeout(String(own)); clearTimeout(own); clearTimeout(own)",
    );
    expect(typesOf(await guest.rows())).toEqual(["timer", "clear", "done"]);
  });

  it("is the same after its rehearsal as without one", async () => {
    const body = `console.log("x"); const id = setTimeout(() => {}, 1); clearTimeout(id);
      for (let i = 1; i < 1_000; i++) setTimeout(() => {}, 1e6);
      return [id, Math.random(), Date.now(), await lab.echo({ a: 1 })]`;
    const limits = { logLines: 0, logBytes: 0, toolCalls: 0 };
    const [fresh, rehearsed] = [startGuest(body, limits), await startRehearsedGuest(body, limits)];
    for (const guest of [fresh, rehearsed]) {
      await guest.rows();
      guest.enter("value", 1_001, 1, "7");
    }
    expect((await fresh.rows()).at(-1)?.[0]).toBe("done");
    expect(await rehearsed.rows()).toEqual(await fresh.rows());
    expect(rehearsed.texts).toEqual(fresh.texts);
  });
});
