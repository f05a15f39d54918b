/** What becomes of values that leave a program: returned, given to a tool, printed, thrown. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createWorkerPool, type WorkerPool } from "../../sandbox/index.ts";
import { type ProgramResult, resultOf, runProgram, warningsOf } from "../helpers/engine.ts";

let pool: WorkerPool;
beforeAll(async () => {
  pool = await createWorkerPool({ workers: 1 });
});
afterAll(() => pool[Symbol.asyncDispose]());

const tools = {
  echo: (args: unknown) => args,
  fail: () => {
    throw new Error("no such city");
  },
};
const run = (body: string): Promise<ProgramResult> => runProgram(pool, body, { tools });
const printed = async (values: string): Promise<unknown> =>
  (await run(`console.log(${values})`)).logs[0]?.text;
const failureOf = ({ outcome }: ProgramResult) => (outcome.type === "failed" ? outcome.failure : undefined);

const toolError = { name: "ToolError", message: "no such city", server: "lab", tool: "fail", kind: "tool" };

describe("a failure keeps its words", () => {
  it.each([
    ["among settled calls", "return (await Promise.allSettled([lab.fail({})]))[0].reason", toolError],
    ["in an object", "try { await lab.fail({}) } catch (error) { return error }", toolError],
    [
      "in a list, with its cause",
      "return [new TypeError('outer', { cause: new RangeError('inner') })][0]",
      { name: "TypeError", message: "outer", cause: { name: "RangeError", message: "inner" } },
    ],
    [
      "with those it holds",
      "return new AggregateError([new Error('a'), 'b', null], 'many')",
      { name: "AggregateError", message: "many", errors: [{ name: "Error", message: "a" }, "b", null] },
    ],
    [
      "of Promise.any",
      "return await Promise.any([lab.fail({})]).catch((error) => error)",
      { name: "AggregateError", message: "All promises were rejected", errors: [toolError] },
    ],
    [
      "with the fields it was given, but its stack",
      "return Object.assign(new Error('e'), { code: 'E_X', detail: { at: [1] }, retry() {} })",
      { name: "Error", message: "e", code: "E_X", detail: { at: [1] } },
    ],
    [
      "with fields that JSON has no form for, in words",
      "return Object.assign(new Error('e'), { big: 1n, map: new Map([['a', 1]]), later: Promise.resolve() })",
      { name: "Error", message: "e", big: "1n", map: 'Map(1) {"a" => 1}', later: "[a Promise (await it)]" },
    ],
    [
      "with a field that cannot be read",
      "return Object.defineProperty(new Error('e'), 'x', { enumerable: true, get() { throw 1 } })",
      { name: "Error", message: "e" },
    ],
    [
      "when its causes go round in a circle",
      "const a = new Error('a'); const b = new Error('b', { cause: a }); a.cause = b; return a",
      {
        name: "Error",
        message: "a",
        cause: { name: "Error", message: "b", cause: { name: "Error", message: "a" } },
      },
    ],
    [
      "under the name of its class",
      "class Gone extends Error {} return new Gone('g')",
      { name: "Gone", message: "g" },
    ],
    [
      "under the name it gave itself",
      "class Gone extends Error { name = 'Error' } return [new Gone('g'), Object.assign(new Error('h'), { name: 'Mine' })]",
      [
        { name: "Error", message: "g" },
        { name: "Mine", message: "h" },
      ],
    ],
    [
      "in its own words",
      "return Object.assign(new Error('e'), { toJSON: () => ({ mine: 1 }) })",
      { mine: 1 },
    ],
    [
      "when its own words fail",
      "return Object.assign(new Error('e'), { toJSON() { throw new Error('no') } })",
      { name: "Error", message: "e" },
    ],
    [
      "made without a class",
      "function Old(message) { this.message = message } Old.prototype = Object.create(Error.prototype); Old.prototype.name = 'Old'; return new Old('o')",
      { name: "Old", message: "o" },
    ],
    [
      "that has them from getters of its class",
      "class Abort { get name() { return 'AbortError' } get message() { return 'was aborted' } } return new Abort()",
      { name: "AbortError", message: "was aborted" },
    ],
    [
      "without a prototype",
      "const e = new Error('bare'); Object.setPrototypeOf(e, null); return e",
      { name: "Error", message: "bare" },
    ],
    [
      "whose name cannot be read",
      "return Object.defineProperty(new Error('e'), 'name', { get() { throw 1 } })",
      { name: "[unreadable]", message: "e" },
    ],
  ])("%s", async (_, body, expected) => {
    const { outcome } = await run(`const made = await (async () => { ${body} })(); return { kept: [made] }`);
    expect(outcome.type === "completed" && JSON.parse(outcome.result)).toEqual({ kept: [expected] });
  });

  it("as an argument", async () => {
    const { calls } = await run("await lab.echo({ error: await lab.fail({}).catch((error) => error) })");
    expect(JSON.parse(calls[1]?.args ?? "")).toEqual({ error: toolError });
  });

  it.each([
    [
      "await lab.fail({}).catch((e) => e)",
      'ToolError: no such city {"server":"lab","tool":"fail","kind":"tool"}',
    ],
    ["{ error: new RangeError('r') }", '{"error":{"name":"RangeError","message":"r"}}'],
    ["'x', new Error('a', { cause: 'why' })", 'x Error: a {"cause":"why"}'],
    [
      "new AggregateError([new Error('a')], 'm')",
      'AggregateError: m {"errors":[{"name":"Error","message":"a"}]}',
    ],
    ["new Map([['e', new Error('a')]])", 'Map(1) {"e" => {"name":"Error","message":"a"}}'],
    ["Object.assign(new Error('a'), { code: 7 })", 'Error: a {"code":7}'],
    ["(() => { const e = new Error('a'); e.cause = e; return e })()", 'Error: a {"cause":[circular]}'],
    ["new (class Gone extends TypeError {})('g')", "Gone: g"],
  ])("in print: %s", async (values, expected) => {
    expect(String(await printed(values)).replace(/ at \d+:\d+$/, "")).toBe(expected);
  });

  it.each([
    [
      "an object that holds it",
      "throw { code: 1, error: new Error('inner') }",
      'Thrown: {"code":1,"error":{"name":"Error","message":"inner"}}',
    ],
    ["a list", "throw [new Error('a')]", 'Thrown: [{"name":"Error","message":"a"}]'],
    ["a text", "throw 'just text'", "Thrown: just text"],
    ["nothing", "throw null", "Thrown: null"],
    ["a Map", "throw new Map([[1, undefined]])", "Thrown: Map(1) {1 => undefined}"],
    ["an error of a class", "class Gone extends Error {} throw new Gone('g')", "Gone: g"],
  ])("thrown and not caught: %s", async (_, body, message) => {
    expect(failureOf(await run(body))).toMatchObject({ message });
  });
});

describe("an uncaught error", () => {
  it("names the errors it holds and its causes, each with its place", async () => {
    const body = `
      const one = async () => { await null; throw new TypeError("one", { cause: new Error("why") }) };
      await Promise.any([lab.fail({}), one()]);`;
    expect(failureOf(await run(body))).toMatchObject({
      message: "AggregateError: All promises were rejected",
      line: 3,
      column: 21,
      inner: [
        { label: "errors[0]", message: "ToolError: no such city (lab/fail)", line: 3, column: 30 },
        { label: "errors[1]", message: "TypeError: one", line: 2, column: 51 },
        { label: "errors[1].cause", message: "Error: why", line: 2, column: 81 },
      ],
      innerLeft: 0,
    });
  });

  it.each([
    [
      "of Promise.any over nothing",
      "const go = () =>\n  Promise.any([]);\nawait go()",
      { line: 2, column: 11 },
    ],
    ["of Promise.any over settled ones", "\nawait Promise.any([Promise.reject(1)])", { line: 2, column: 15 }],
    ["of the program's own", "\n\nthrow new AggregateError([], 'm')", { line: 3, column: 7 }],
  ])("%s has its place", async (_, body, place) => {
    expect(failureOf(await run(body))).toMatchObject(place);
  });

  it("tells eight of those it stands on, and how many there are besides", async () => {
    const failure = failureOf(
      await run("throw new AggregateError(Array.from({ length: 12 }, (_, i) => new Error(i)), 'many')"),
    );
    expect(failure?.inner).toHaveLength(8);
    expect(failure?.innerLeft).toBe(4);
  });

  it("that nobody handles is still told of when it is Promise.any's", async () => {
    const { outcome } = await run("void Promise.any([Promise.reject(1)]); await sleep(1)");
    expect(warningsOf({ outcome })).toEqual([expect.stringContaining("All promises were rejected")]);
  });
});

describe("what a program prints", () => {
  it.each([
    ["new Map([['a', { b: 1 }]]), new Set([1, 'x'])", 'Map(1) {"a" => {"b":1}} Set(2) {1, "x"}'],
    ["new Map([[1, 2]]).values()", "[an iterator (use [...iterator])]"],
    ["(function* () {})(), Promise.resolve(1)", "[a generator (use [...generator])] [a Promise (await it)]"],
    ["new Uint8Array([1, 2]), new Float64Array([NaN])", "Uint8Array(2) [1,2] Float64Array(1) [NaN]"],
    ["new ArrayBuffer(2), new DataView(new ArrayBuffer(4), 1, 2)", "ArrayBuffer(2) [0,0] DataView(2) [0,0]"],
    ["new Uint8Array(102).length, new Uint8Array(102)", /^102 Uint8Array\(102\) \[(0,){100}… 2 more\]$/],
    ["/a+/gi, { at: /b/ }", '/a+/gi {"at":/b/}'],
    ["new Date(0), new Date(NaN)", '"1970-01-01T00:00:00.000Z" Invalid Date'],
    ["[undefined, NaN, -Infinity, , 10n]", "[undefined,NaN,-Infinity,undefined,10n]"],
    [
      "{ a: undefined, f() {}, C: class C {}, s: Symbol('s') }",
      '{"a":undefined,"f":[function f],"C":[class C],"s":Symbol(s)}',
    ],
    ["new (class Money { #cents = 1 })(), Object.create(null)", "Money {} {}"],
    ["Object(1n), [Object('s')]", '1n ["s"]'],
    ["(() => { const a = { n: 1 }; a.self = a; return a })()", '{"n":1,"self":[circular]}'],
    ["{ fine: 1, get bad() { throw 1 } }", '{"fine":1,"bad":[unreadable value]}'],
    ["lab.echo", "[function echo]"],
    ["{ a: [1, 'x', null, true] }", '{"a":[1,"x",null,true]}'],
  ])("%s", async (values, expected) => {
    if (typeof expected === "string") expect(await printed(values)).toBe(expected);
    else expect(await printed(values)).toMatch(expected);
  });
});

describe("what a program returns", () => {
  it.each([
    ["numbers of a typed array", "return new Uint16Array([1, 2])", [1, 2]],
    ["a regular expression, as text", "return { at: /a+/g }", { at: "/a+/g" }],
    ["a boxed text", "return [Object('s'), Object(1)]", ["s", 1]],
  ])("arrives: %s", async (_, body, expected) => {
    const { outcome } = await run(body);
    expect(outcome).toMatchObject({ type: "completed", warnings: [] });
    expect(outcome.type === "completed" && JSON.parse(outcome.result)).toEqual(expected);
  });

  it.each([
    ["new Map([[1, 2]]).values()", "an iterator (use [...iterator])"],
    ["new Set([1]).entries()", "an iterator (use [...iterator])"],
    ["[1].values().map((x) => x)", "an iterator (use [...iterator])"],
    ["new ArrayBuffer(2)", "an ArrayBuffer (use [...new Uint8Array(buffer)])"],
    ["new DataView(new ArrayBuffer(2))", "a DataView (use [...new Uint8Array(view.buffer)])"],
    ["new BigInt64Array(1)", "[0] is a BigInt (use Number(x) or String(x))"],
    ["Object(1n)", "a BigInt (use Number(x) or String(x))"],
    ["Object(Symbol('s'))", "a symbol"],
    ["new WeakMap()", "a WeakMap"],
  ])("is refused with its path rather than emptied: %s", async (value, words) => {
    expect(resultOf(await run(`return { at: [${value}] }`))).toBe(
      `not_serializable: The returned value cannot be written as JSON: result.at[0]${words.startsWith("[") ? "" : " is "}${words}.`,
    );
  });

  it.each([
    ["return [1, undefined]", "result[1] was undefined and became null"],
    ["return { a: { b: NaN } }", "result.a.b was NaN and became null"],
    ["return -Infinity", "result was -Infinity and became null"],
    ["return [, 1, NaN]", "result[0] was undefined and became null (and 1 more)"],
    ["return new Float32Array([NaN])", "result[0] was NaN and became null"],
    ["return { when: new Date(NaN) }", "result.when was an invalid Date and became null"],
    [
      "return { cash: new (class Money { #cents = 1 })() }",
      "result.cash was an instance of Money without fields of its own and became {}",
    ],
    ["return Object.create({ a: 1 })", "result was an object without fields of its own and became {}"],
  ])("is remarked upon, once, when some of it was lost: %s", async (body, words) => {
    expect(warningsOf(await run(body))).toEqual([`In the returned value, ${words}.`]);
  });

  it("is not remarked upon for optional fields, empty objects or no value at all", async () => {
    for (const body of [
      "return { a: undefined, b: {}, c: [] }",
      "return",
      "return null",
      "return Object.create(null)",
    ])
      expect((await run(body)).outcome).toMatchObject({ type: "completed", warnings: [] });
  });

  it("has its remark beside that on the first arguments that lost something", async () => {
    const body = "await lab.echo({ a: NaN }); await lab.echo({ b: [undefined] }); return [NaN]";
    expect(warningsOf(await run(body))).toEqual([
      "In a call of lab/echo, arguments.a was NaN and became null.",
      "In the returned value, result[0] was NaN and became null.",
    ]);
  });
});

describe("a program that changes the language", () => {
  it("changes nothing of how its values are written", async () => {
    const body = `
      const values = { map: new Map([[1, 2]]), set: new Set([3]), bytes: new Uint8Array([4]), at: /x/ };
      const all = [Map, Set, Date, RegExp, Error, Uint8Array, ArrayBuffer, WeakMap, String, Array, Object]
        .flatMap(({ prototype }) => Reflect.ownKeys(prototype).map((name) => ({ prototype, name })))
        .filter(({ name }) => !["constructor", "toISOString", "toJSON", "__proto__"].includes(name));
      const { defineProperty } = Reflect;
      for (let i = 0; i < all.length; i++)
        defineProperty(all[i].prototype, all[i].name, { get() { throw new Error("asked") }, set() { throw 1 } });
      console.log(values);
      return lab`;
    const { outcome, logs } = await run(body);
    expect(outcome).toMatchObject({ type: "completed" });
    expect(logs.map(({ text }) => text)).toEqual([
      '{"map":Map(1) {1 => 2},"set":Set(1) {3},"bytes":Uint8Array(1) [4],"at":[unreadable value]}',
    ]);
    expect(outcome).toMatchObject({ result: '["echo","fail"]' });
  });
});
