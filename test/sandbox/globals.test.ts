/** What other platforms have, as programs find it here: pure, and the same in every execution. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createWorkerPool, type WorkerPool } from "../../sandbox/index.ts";
import { resultOf, runProgram } from "../helpers/engine.ts";

let pool: WorkerPool;
beforeAll(async () => {
  pool = await createWorkerPool({ workers: 1 });
});
afterAll(() => pool[Symbol.asyncDispose]());

const value = async (body: string): Promise<unknown> => resultOf(await runProgram(pool, body, { seed: "s" }));
const printed = async (body: string): Promise<readonly string[]> =>
  (await runProgram(pool, body, { startedAt: 1_000 })).logs.map(({ level, text }) =>
    level === "log" ? text : `[${level}] ${text}`,
  );

describe("base64 and UTF-8", () => {
  const texts = ["", "a", "ab", "abc", "ÿ\0\u0080", "any carnal pleas"];
  const unicode = ["é", "€uro", "😀 x", "\ud800", "a\udc00b", "\ufeffbom", "𝄞𝄞"];

  it("are what the platform of this test makes of them", async () => {
    const found = await value(
      `return { base: ${JSON.stringify(texts)}.map((t) => [btoa(t), atob(btoa(t))]), loose: [atob(" YQ = = \\n"), atob("YWI")],
        utf8: ${JSON.stringify(unicode)}.map((t) => [[...new TextEncoder().encode(t)], new TextDecoder().decode(new TextEncoder().encode(t))]) }`,
    );
    const decode = (text: string): string => new TextDecoder().decode(new TextEncoder().encode(text));
    expect(found).toEqual({
      base: texts.map((text) => [btoa(text), text]),
      loose: ["a", "ab"],
      utf8: unicode.map((text) => [[...new TextEncoder().encode(text)], decode(text)]),
    });
  });

  it("decode bytes that are no UTF-8 as the platform does", async () => {
    const bytes = [
      [0xc3, 0x28],
      [0xe2, 0x82],
      [0xf0, 0x9f, 0x98, 0x41],
      [0xed, 0xa0, 0x80],
      [0xc0, 0x80],
      [0xff, 0x41, 0xfe],
      [0xf4, 0x90, 0x80, 0x80],
      [0xef, 0xbb, 0xbf, 0x41],
    ];
    expect(
      await value(`return ${JSON.stringify(bytes)}.map((b) => new TextDecoder().decode(new Uint8Array(b)))`),
    ).toEqual(bytes.map((each) => new TextDecoder().decode(new Uint8Array(each))));
  });

  it("decode in parts, from any view, and into an array", async () => {
    expect(
      await value(`const d = new TextDecoder(); const b = new TextEncoder().encode("a€😀");
        const into = new Uint8Array(5); const told = new TextEncoder().encodeInto("é€😀", into);
        return [[...b].map((x) => d.decode(new Uint8Array([x]), { stream: true })).join("") + d.decode(),
          new TextDecoder().decode(new DataView(b.buffer, 1, 3)), new TextDecoder("utf8").decode(b.buffer).length, told, [...into]]`),
    ).toEqual(["a€😀", "€", 4, { read: 2, written: 5 }, [0xc3, 0xa9, 0xe2, 0x82, 0xac]]);
  });

  it.each([
    ["btoa('€')", "InvalidCharacterError"],
    ["atob('a')", "InvalidCharacterError"],
    ["atob('a-b_')", "InvalidCharacterError"],
    ["atob('ab=c')", "InvalidCharacterError"],
    ["btoa()", "TypeError"],
    ["new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array([255]))", "TypeError"],
    ["new TextDecoder('latin1')", "RangeError"],
    ["new TextDecoder().decode('text')", "TypeError"],
    ["structuredClone(() => 1)", "DataCloneError"],
    ["structuredClone({ a: [Symbol('s')] })", "DataCloneError"],
    ["structuredClone(Promise.resolve(1))", "DataCloneError"],
    ["crypto.getRandomValues(new Float64Array(1))", "TypeError"],
    ["crypto.getRandomValues([1])", "TypeError"],
    ["crypto.getRandomValues(new Uint8Array(65_537))", "QuotaExceededError"],
    ["setInterval(1)", "TypeError"],
    ["queueMicrotask()", "TypeError"],
  ])("refuse with the platform's error: %s", async (code, name) => {
    expect(await value(`try { return ${code} } catch (e) { return [e instanceof Error, e.name] }`)).toEqual([
      true,
      name,
    ]);
  });
});

describe("structuredClone", () => {
  it("copies data of any kind, and cycles", async () => {
    const body = `class Point { constructor() { this.x = 1 } get y() { return 2 } }
      const a = { n: 1, u: undefined, d: new Date(5), r: /x/gi, m: new Map([[{ k: 1 }, new Set([1])]]), p: new Point(), l: [1, , 3],
        t: new Uint16Array([1, 2]).subarray(1), v: new DataView(new ArrayBuffer(4), 1), e: new RangeError("r", { cause: "why" }), b: Object("s"), big: 1n };
      a.self = a;
      const c = structuredClone(a);
      return [c !== a, c.self === c, "u" in c, c.d.getTime(), String(c.r), [...c.m][0][0].k, [...[...c.m][0][1]], c.p instanceof Point, c.p.x, "y" in c.p,
        1 in c.l, c.l.length, [...c.t], c.t.byteOffset, c.v.byteLength, c.e.name, c.e.message, c.e.cause, c.e instanceof RangeError, typeof c.b, c.big === 1n,
        c.t.buffer !== a.t.buffer]`;
    expect(await value(body)).toEqual([
      ...[true, true, true, 5, "/x/gi", 1, [1], false, 1, false, false, 3, [2], 2, 3],
      ...["RangeError", "r", "why", true, "object", true, true],
    ]);
  });
});

describe("time and chance", () => {
  const body = `const start = performance.now(); await sleep(5); const bytes = crypto.getRandomValues(new Uint8Array(8));
    return [[...bytes], crypto.getRandomValues(new Uint32Array(2)).length, performance.now() > start, performance.timeOrigin === Math.floor(Date.now() - performance.now())]`;

  it("come from the run, so that equal runs are equal", async () => {
    const [[first], [second], [other]] = (await Promise.all([
      value(body),
      value(body),
      runProgram(pool, body, { seed: "other" }).then(resultOf),
    ])) as [[number[]], [number[]], [number[]]];
    expect(first).toEqual(second);
    expect(first).not.toEqual(other);
    expect(await value(body)).toEqual([first, 2, true, expect.any(Boolean)]);
  });

  it("an interval fires until it is cleared, from inside as well", async () => {
    expect(
      await value(
        "let n = 0; await new Promise((done) => { const id = setInterval((by) => { n += by; if (n === 6) { clearInterval(id); done() } }, 1, 2) }); await sleep(5); return n",
      ),
    ).toBe(6);
  });

  it("what is queued comes before the next timer, in order", async () => {
    expect(
      await value(
        "const seen = []; setImmediate(() => seen.push('immediate')); queueMicrotask(() => seen.push('micro')); clearImmediate(setImmediate(() => seen.push('never'))); await sleep(1); return seen",
      ),
    ).toEqual(["micro", "immediate"]);
  });

  it("a program may have its own of what is only lent to it", async () => {
    expect(
      await value("globalThis.btoa = () => 'mine'; const performance = 7; return [btoa(), performance]"),
    ).toEqual(["mine", 7]);
  });
});

describe("the console", () => {
  it.each<[code: string, lines: readonly string[]]>([
    [
      "console.log('%s is %d years and %i, %f, %j%% %o %O', 'Ada', '42', 4.9, '1.5x', { a: 1 }, [1], null, 'more')",
      ['Ada is 42 years and 4, 1.5, {"a":1}% [1] null more'],
    ],
    [
      "console.log('100%', 'x'); console.log('%s'); console.log('%x %s', 1); console.log('%c styled', 'color: red')",
      ["100% x", "%s", "%x 1", " styled"],
    ],
    ["console.log(1, '%s', 2); console.error('%s', Symbol('s'))", ["1 %s 2", "[error] Symbol(s)"]],
    [
      "console.group('Outer'); console.log('a\\nb'); console.group(); console.warn('c'); console.groupEnd(); console.groupEnd(); console.groupEnd(); console.log('d')",
      ["Outer", "  a\n  b", "[warn]     c", "d"],
    ],
    [
      "console.table([{ a: 1, b: 'xx' }, { a: 22, c: true }])",
      ["(index) | a  | b  | c\n0       | 1  | xx | \n1       | 22 |    | true"],
    ],
    [
      "console.table([{ a: 1, b: 2 }], ['b']); console.table(['x']); console.table(new Map([['k', 1]])); console.table(7)",
      ["(index) | b\n0       | 2", "(index) | Values\n0       | x", "(index) | Values\nk       | 1", "7"],
    ],
    [
      "console.assert(true, 'no'); console.assert(false); console.assert(0, 'n is %d', 1)",
      ["[error] Assertion failed", "[error] Assertion failed: n is 1"],
    ],
    [
      "console.count(); console.count('x'); console.count(); console.countReset(); console.count()",
      ["default: 1", "x: 1", "default: 2", "default: 1"],
    ],
    [
      "console.timeEnd('x'); console.dir({ a: { b: [1] } }); console.dirxml(1, 2); console.clear()",
      ['[warn] There is no timer "x": console.time starts one.', '{"a":{"b":[1]}}', "1 2"],
    ],
  ])("%s", async (code, lines) => {
    expect(await printed(code)).toEqual(lines);
  });

  it("measures by the run's clock", async () => {
    const [first, second] = await printed(
      "console.time(); await sleep(20); console.timeLog(undefined, 'so far'); console.timeEnd()",
    );
    expect(first).toMatch(/^default: \d+(\.\d+)? ms so far$/);
    expect(second).toMatch(/^default: \d+(\.\d+)? ms$/);
  });
});
