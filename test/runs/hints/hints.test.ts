/** What a program is told that reaches for something it has not: how to do without, not that undefined is no function. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Core } from "../../../src/core.ts";
import type { JournalEvent } from "../../../src/journal.ts";
import { hintFor } from "../../../src/runs/hints/hints.ts";
import type { Report } from "../../../src/runs/record/report-shape.ts";
import { createRunState, readState } from "../../../src/runs/record/run-state.ts";
import { defineTool } from "../../../src/tools/define-tool.ts";
import { openCore, programRequest } from "../../helpers/core.ts";

const answers = {
  list_orders: { rows: [{ id: 1, customer: { name: "Ada", email: null }, price: "1.20" }], total: 1 },
  list_ids: [{ id: 1 }, { id: 2 }],
  get_text: "a secret text",
  read_file: "",
  search: [],
  get_nothing: null,
  two_blocks: {
    content: [
      { type: "image", data: "AAAA", mimeType: "image/png" },
      { type: "text", text: "a" },
    ],
  },
  sound: { content: [{ type: "audio", data: "AAAA", mimeType: "audio/wav" }] },
  get_wide: Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`key ${n} ${"k".repeat(60)}`, n])),
};
const tools = Object.entries(answers).map(([name, answer]) =>
  defineTool({
    name,
    description: `Answers the same always (${name}).`,
    input: { type: "object" },
    readOnly: true,
    execute: () => answer,
  }),
);
const calculate = defineTool({
  name: "calculate",
  description: "Adds.",
  input: { type: "object" },
  readOnly: true,
  execute: () => 3,
});

const search = defineTool({
  name: "search",
  description: "Finds.",
  input: { type: "object" },
  readOnly: true,
  execute: () => [],
});

const number = { type: "number" } as const;
const count = defineTool({
  name: "count",
  description: "Counts.",
  input: { type: "object", properties: { n: number, at: { type: "array", items: number } }, required: ["n"] },
  readOnly: true,
  execute: () => 1,
});

let core: Core;
beforeAll(async () => {
  const common = {
    disabled: false,
    startTimeoutMs: 5_000,
    trustAnnotations: false,
    protocol: "auto",
  } as const;
  const servers = [
    { ...common, name: "shop", type: "local", tools } as const,
    { ...common, name: "admin", type: "local", tools: [search, count] } as const,
    { ...common, name: "local", type: "local", tools: [calculate] } as const,
  ];
  core = await openCore([], ":memory:", { servers });
});
afterAll(() => core[Symbol.asyncDispose]());

async function run(code: string): Promise<Report> {
  return (await core.runner.start(programRequest(code, { typecheck: "off" }))).done;
}

const WRITE_IT = /Code cannot be built from text here/;
const LEFT_OUT = /left out on purpose/;
const NO_NODE = /This is not Node\.js/;
const KEEPS = /keeps its memory here/;

describe("a program that fails with several errors", () => {
  it("is told each of them in the author's positions, and has its own place", async () => {
    const code = `interface Row { id: number }
const load = async (id: number): Promise<Row> => {
  if (id > 1) throw new RangeError(\`no row \${id}\`, { cause: await shop.get_text({}) });
  return shop.absent({ id }) as Promise<Row>;
};
return await Promise.any([1, 2].map((id) => load(id)));`;
    const { error } = await run(code);
    expect(error).toMatchObject({ code: "guest_error", line: 6, column: 22 });
    expect(error?.message.split("\n")).toEqual([
      "AggregateError: All promises were rejected",
      expect.stringMatching(/^errors\[0\] at 4:15: ToolError: .*absent.* \(shop\/absent\)$/),
      "errors[1] at 3:21: RangeError: no row 2",
      "errors[1].cause: a secret text",
    ]);
  });

  it("is told the cause of the one that ended it", async () => {
    const { error } = await run(
      "try { JSON.parse('no JSON') }\ncatch (cause) { throw new Error('cannot load', { cause }) }",
    );
    expect(error).toMatchObject({ line: 2, column: 23 });
    expect(error?.message).toMatch(/^Error: cannot load\ncause at 1:12: SyntaxError: /);
  });
});

describe("a program that uses what it has not is told the way out", () => {
  it.each<[code: string, way: RegExp]>([
    ["eval('1')", WRITE_IT],
    ["(0, eval)('1')", WRITE_IT],
    ["globalThis.eval('1')", WRITE_IT],
    ["new Function('return 1')()", WRITE_IT],
    ["globalThis.Function('return 1')", WRITE_IT],
    ["(() => 1).constructor('return 1')", WRITE_IT],
    ["new ((async () => 1).constructor)('return 1')", WRITE_IT],
    ["new WebAssembly.Module(new Uint8Array(8))", LEFT_OUT],
    ["new SharedArrayBuffer(8)", LEFT_OUT],
    ["new globalThis.SharedArrayBuffer(8)", LEFT_OUT],
    ["Atomics.load(new Int32Array(1), 0)", LEFT_OUT],
    ["new WeakRef({}).deref()", LEFT_OUT],
    ["new FinalizationRegistry(() => {})", LEFT_OUT],
    ["new ArrayBuffer(8, { maxByteLength: 16 }).resize(16)", KEEPS],
    ["new ArrayBuffer(8).transfer()", KEEPS],
    ["const buffer = new ArrayBuffer(8); buffer.transferToFixedLength()", KEEPS],
    ["Temporal.Now.instant()", /clock is that of the run/],
    ["await import('node:fs')", NO_NODE],
    ["require('fs')", NO_NODE],
    ["process.env.HOME", NO_NODE],
    ["await fetch('http://localhost')", /call a tool/],
  ])("%s", async (code, way) => {
    const { status, error } = await run(code);
    expect(status).toBe("failed");
    expect(`${error?.message} ${error?.hint}`).toMatch(way);
  });
});

describe("a program that takes blocks for what is in them is told where it is", () => {
  const BLOCKS =
    /^shop\.two_blocks returned \{ content: \[image, text\] \}: of such a result r, read r\.content\[1\]\.text\.$/;
  it.each<[code: string, way: RegExp]>([
    ["const r = await shop.two_blocks({}); return r.split(' ')", BLOCKS],
    ["const r = await shop.two_blocks({}); return r.map((x) => x)", BLOCKS],
    ["const r = await shop.two_blocks({}); return r.rows.length", BLOCKS],
    ["const r = await shop.two_blocks({}); return [...r]", BLOCKS],
    ["const r = await shop.two_blocks({}); return JSON.parse(r)", BLOCKS],
    [
      "const r = await shop.sound({}); return r.trim()",
      /\[audio\] \}: of such a result r, read r\.content\[0\]\.$/,
    ],
  ])("%s", async (code, way) => {
    expect((await run(code)).error?.hint).toMatch(way);
  });

  it("and is not told it when it reads them already", async () => {
    const { error } = await run("const r = await shop.two_blocks({}); return r.content[1].text.rows.length");
    expect(error?.hint ?? "").not.toContain("of such a result");
  });
});

describe("a program that fails by itself", () => {
  it.each([
    "const size = {}; size.grow(1)",
    "undefined.resize()",
    "throw new Error('x.eval is not a function')",
    "throw new TypeError('')",
    "return undefined.x",
    "return new Foo()",
    "await shop.list_orders({}); return (input ?? {}).b.c",
    "const runs = [1]; return runs.get(0)",
    "const own = { a: 1 }; await shop.list_orders({}); return own.b.c.d",
    "await shop.list_orders({}); const found = new Map().get('x'); return found.name",
    "const ids = await shop.list_ids({}); return ids.find(({ id }) => id === 7).id",
  ])("%s gets no such advice", async (code) => {
    const { error } = await run(code);
    expect(error?.hint).toBeUndefined();
  });
});

const SHAPE = "shop.list_orders returned { rows: [{ id, customer: { name, email }, price }], total }.";

describe("a program that looks for what a result has not is told what it has, by its keys", () => {
  it.each<[what: string, code: string, hint: string]>([
    [
      "a field of another name",
      "const r = await shop.list_orders({}); return r.orders.length",
      `"orders" is not there: ${SHAPE}`,
    ],
    [
      "a slip",
      "const r = await shop.list_orders({});\nreturn r\n  .rowss\n  .map((row) => row.id)",
      `"rowss" is not there: ${SHAPE} Did you mean "rows"?`,
    ],
    [
      "a field that was taken out of it",
      "const { orders } = await shop.list_orders({}); return orders[0]",
      `"orders" is not there: ${SHAPE}`,
    ],
    [
      "a field further down",
      "const rows = (await shop.list_orders({ note: 'a ) \\' b' })).rows; return rows[0].custommer.name",
      `"custommer" is not there: ${SHAPE} Did you mean "customer"?`,
    ],
    [
      "a field of an element",
      "const r = await shop.list_orders({}); return r.rows.map((row) => row.cost.toFixed(2))",
      `"cost" is not there: ${SHAPE}`,
    ],
    [
      "a field without a variable",
      "return (await shop.list_orders({})).data.rows",
      `"data" is not there: ${SHAPE}`,
    ],
    [
      "of two tools the one that the variable is from",
      "const r = await tools['shop']['list_orders']({}); await shop.list_ids({}); return r.orders.length",
      `"orders" is not there: ${SHAPE}`,
    ],
    [
      "a field of an array",
      "const r = await shop.list_ids({}); return r.rows.length",
      '"rows" is not there: shop.list_ids returned [{ id }]. That was an array: take an element, or map over it.',
    ],
    [
      "a field that is null",
      "const r = await shop.list_orders({}); return r.rows[0].customer.email.length",
      '"email" is null here: check for it, or write ?. after it.',
    ],
    [
      "an element of an array that is shorter",
      "const r = await shop.list_ids({}); return r[7].id",
      "7 is not there: shop.list_ids returned [{ id }]. The array has only 2: look at its length first.",
    ],
    [
      "a result that is null",
      "const r = await shop.get_nothing({}); return r.rows",
      "shop.get_nothing returned null: check for it before you read from it.",
    ],
    [
      "the same without a variable",
      "return (await shop.get_nothing({ a: (1) })).rows",
      "shop.get_nothing returned null: check for it before you read from it.",
    ],
    [
      "what a search found",
      "const r = await tools.search('orders'); return r.results[0]",
      '"results" is not there: tools.search returned [{ tool, callable, description, signature }]. That was an array: take an element, or map over it.',
    ],
  ])("%s", async (_, code, hint) => {
    expect((await run(code)).error).toMatchObject({ code: "guest_error", hint, effects: "none" });
  });

  it.each<[what: string, code: string, hint: string]>([
    [
      "an object with the array in it",
      "const r = await shop.list_orders({}); return r.filter(({ id }) => id)",
      `This is no array: ${SHAPE} Use r.rows.`,
    ],
    [
      "the same in a loop",
      "const r = await shop.list_orders({}); for (const row of r) console.log(row)",
      `This is no array: ${SHAPE} Use r.rows.`,
    ],
    [
      "without a variable",
      "return (await shop.list_orders({})).map((row) => row)",
      `This is no array: ${SHAPE} Use .rows.`,
    ],
    [
      "an object inside it",
      "const r = await shop.list_orders({}); return r.rows[0].customer.map((x) => x)",
      `This is no array: it is an object, as ${SHAPE} Its members are Object.values(…) or Object.entries(…).`,
    ],
    [
      "a text",
      "const r = await shop.get_text({}); return r.map((line) => line)",
      "This is no array: shop.get_text returned a string. Take the text apart first: .split(…).",
    ],
  ])("no array: %s", async (_, code, hint) => {
    expect((await run(code)).error).toMatchObject({ code: "guest_error", hint });
  });

  it("no value of a result is in a hint, and a large one is cut", async () => {
    const { error } = await run("const r = await shop.get_wide({}); return r.rows.length");
    expect(error?.hint).toMatch(/^"rows" is not there: shop\.get_wide returned \{ "key 0 k+…", /);
    expect(error?.hint?.length).toBeLessThan(400);
    const hints = [
      (await run("const r = await shop.get_text({}); return r.rows.length")).error?.hint,
      (await run("const r = await shop.list_orders({}); return r.names.length")).error?.hint,
    ];
    expect(hints.join()).not.toMatch(/secret|Ada|1\.20/);
  });
});

describe("a program that forgets to await is told where", () => {
  it.each<[code: string, hint: string]>([
    [
      "const r = shop.list_orders({}); return r.rows.length",
      "r is a Promise: write await shop.list_orders(…).",
    ],
    [
      "const r = shop.list_ids({}); return r.map(({ id }) => id)",
      "r is a Promise: write await shop.list_ids(…).",
    ],
    [
      "const r = shop.list_ids({}); for (const { id } of r) console.log(id)",
      "r is a Promise: write await shop.list_ids(…).",
    ],
    [
      "return shop.list_ids({}).map(({ id }) => id)",
      "shop.list_ids(…) gives a Promise: write (await shop.list_ids(…)).map.",
    ],
    [
      "return { orders: shop.list_orders({}) }",
      "Put await before each call, and await Promise.all(…) around an array of them.",
    ],
    [
      "return JSON.parse(shop.list_orders({}))",
      "Put await before the call; what it gives is parsed already.",
    ],
  ])("%s", async (code, hint) => {
    expect((await run(code)).error?.hint).toBe(hint);
  });

  it.each<[code: string, remark: string]>([
    [
      "const r = shop.list_ids({}); const text = `${r}`; await r; return text",
      'A promise was made into text, "[object Promise]": put await before the call.',
    ],
    [
      "const r = shop.list_ids({}); console.log('ids: ' + r); await r; return 1",
      'A promise was made into text, "[object Promise]": put await before the call.',
    ],
    [
      "console.log('orders: ' + await shop.list_orders({})); return 1",
      'An object was made into text, "[object Object]": give it to console.log by itself, or use JSON.stringify.',
    ],
  ])("%s completes, with a remark", async (code, remark) => {
    const { status, diagnostics } = await run(code);
    expect(status).toBe("completed");
    expect(diagnostics).toContainEqual(expect.objectContaining({ severity: "warning", message: remark }));
  });
});

describe("a program that calls what is not there is told what is", () => {
  it.each<[code: string, hint: string | RegExp]>([
    ["return await list_orders({})", "Write shop.list_orders(…)."],
    ["return await search({})", "Write admin.search(…) or shop.search(…)."],
    ["return await shop__list_orders({})", "Write shop.list_orders(…)."],
    ["return await mcp__shop__list_orders({})", "Write shop.list_orders(…)."],
    ["return await shopListOrders({})", "Write shop.list_orders(…)."],
    ["return await codemode.list_orders({})", "Write shop.list_orders(…)."],
    ["return await codemode.shop.listOrders({})", "Write shop.list_orders(…)."],
    ["return await functions\n  .shop__list_orders({})", "Write shop.list_orders(…)."],
    ["return await mcp.admin.search({})", "Write admin.search(…)."],
    ["return await default_api.get_text({})", "Write shop.get_text(…)."],
    ["return await client.callTool('list_orders', {})", "Write shop.list_orders(…)."],
    ["return await client.callTool({ name: 'list_orders', arguments: {} })", "Write shop.list_orders(…)."],
    ['return await callTool("shop", "list_orders")', "Write shop.list_orders(…)."],
    ["return await use_mcp_tool({ server_name: 'admin', tool_name: 'search' })", "Write admin.search(…)."],
    ["return await tools.shop__list_orders({})", "Write shop.list_orders(…)."],
    ["return await tools['list_orders']({})", "Write shop.list_orders(…)."],
    ["return await tools.calculate({})", "Write calculate(…)."],
    ["return await shop.tools.list_orders({})", "Write shop.list_orders(…)."],
    ["return await shop.list_orders.execute({})", "Write shop.list_orders(…)."],
    ["return await globalThis.shop__list_orders({})", "Write shop.list_orders(…)."],
    ["return await globalThis.codemode.list_orders({})", "Write shop.list_orders(…)."],
    [
      "const shop2 = require('shop'); return await shop2.list_orders({})",
      "shop is a global: use it as it is.",
    ],
    ["return await open('a.txt')", /Node\.js.* Tools for it: shop\.read_file\.$/],
    ["return await fetch('http://localhost')", /There is no network here: call a tool instead\.$/],
    ["return len([1])", /^Write value\.length/],
    ["print(1)", /^Write console\.log/],
    ["return args.id", "Values come in by `input`."],
    ["return await shp.list_orders({})", "Did you mean shop?"],
    ["return await calculte({})", "Did you mean calculate?"],
    ["return await local.calculate({})", "Write calculate(…)."],
    ["return await local.calc({})", "Its tools are called by their names alone: calculate."],
    [
      "return await shop({})",
      "shop is a server, not a tool: call shop.<tool>(…). It has get_nothing, get_text, get_wide, list_ids, list_orders, read_file, search, sound, two_blocks.",
    ],
    ["return await tools({})", 'tools holds the servers: call tools["server"]["tool"](…).'],
    ["return await tools.serch('orders')", "Did you mean tools.search?"],
    ["return await runs.get('run_1')", "runs has result."],
    ["calculate = 3", "calculate is the name of a tool: give your variable another."],
    [
      "return globalThis.process.env.HOME",
      "This is not Node.js: values come in by `input`, and tools are the only way out.",
    ],
  ])("%s", async (code, hint) => {
    expect((await run(code)).error?.hint).toEqual(
      typeof hint === "string" ? hint : expect.stringMatching(hint),
    );
  });

  it("a tool that is not there is refused by the gate, which names the nearest", async () => {
    const { error } = await run("return await shop.list_order({})");
    expect(error).toMatchObject({
      message:
        "ToolError: There is no tool shop.list_order. Nearest allowed: shop.list_orders, shop.list_ids.",
      tool: { server: "shop", tool: "list_order", kind: "unknown_tool" },
    });
    expect(error?.hint).toBeUndefined();
  });
});

describe("a call whose arguments lose something in JSON is told what it was", () => {
  it.each<[args: string, lost: string]>([
    ["{ n: 0 / 0 }", "n: expected number, got null. In the program, arguments.n was NaN and became null."],
    [
      "{ n: 1 / 0, at: [1] }",
      "n: expected number, got null. In the program, arguments.n was Infinity and became null.",
    ],
    [
      "{ n: 1, at: [1, undefined] }",
      "at[1]: expected number, got null. In the program, arguments.at[1] was undefined and became null.",
    ],
  ])("%s", async (args, lost) => {
    const { error } = await run(`return await admin.count(${args})`);
    expect(error?.message).toBe(`ToolError: The arguments of admin.count are not valid: ${lost}`);
  });
});

describe("a program that parses what is parsed, or is no JSON, is told so", () => {
  it.each<[code: string, hint: string]>([
    [
      "return JSON.parse(await shop.list_orders({}))",
      "The value is an object already: leave JSON.parse out.",
    ],
    ["return JSON.parse(await shop.list_ids({}))", "The value is an object already: leave JSON.parse out."],
    [
      "return JSON.parse((await shop.list_orders({})).data)",
      "JSON.parse was given undefined: there is no such value.",
    ],
    [
      "return JSON.parse(await shop.get_text({}))",
      "JSON.parse was given text that is no JSON. A tool's JSON comes parsed, and any other text as it is.",
    ],
  ])("%s", async (code, hint) => {
    expect((await run(code)).error?.hint).toBe(hint);
  });
});

describe("a program that returns nothing is told so", () => {
  it.each<[code: string, note: string]>([
    [
      "const r = await shop.list_orders({}); const total = r.total",
      "The program returns nothing: add `return total` to see a result.",
    ],
    [
      "const r = await shop.list_ids({}); for (const { id } of r) id + 1",
      "The program returns nothing: add a return statement to see a result.",
    ],
    [
      "const r = await shop.list_ids({}); r.forEach(({ id }) => id + 1)",
      "The program returns nothing: forEach gives no value. Use map, or add a return statement.",
    ],
  ])("%s", async (code, note) => {
    const { status, result, diagnostics } = await run(code);
    expect({ status, result }).toEqual({ status: "completed", result: null });
    expect(diagnostics).toContainEqual(expect.objectContaining({ severity: "note", message: note }));
  });
});

describe("a program that returns while calls are open is told which, at the line that makes them", () => {
  const OPEN = /^The call of (\S+) was still open when the program returned/;
  it.each<[what: string, code: string, line: number, open: readonly string[]]>([
    [
      "in forEach",
      "const ids = await shop.list_ids({});\nids.forEach(async ({ id }) => {\n  const r = await shop.get_text({ id });\n  console.log(r);\n});\nreturn ids.length",
      3,
      ["shop/get_text:3"],
    ],
    [
      "on its own, below one that is awaited",
      "const a = await shop.list_ids({});\nshop.list_ids({});\nshop.get_text({});\nreturn a.length",
      2,
      ["shop/list_ids:2", "shop/get_text:3"],
    ],
  ])("%s", async (_what, code, line, open) => {
    const { status, diagnostics } = await run(code);
    expect(status).toBe("completed");
    const told = diagnostics.flatMap((each) => {
      const tool = OPEN.exec(each.message)?.[1];
      return tool === undefined ? [] : [`${tool}:${each.line}`];
    });
    expect([...new Set(told)]).toEqual(open);
    expect(diagnostics.find(({ message }) => OPEN.test(message))).toMatchObject({
      severity: "warning",
      line,
    });
    expect(diagnostics).toContainEqual(
      expect.objectContaining({ severity: "warning", line: 2, message: expect.stringMatching(/await/) }),
    );
  });
});

describe("that a program returns nothing is not said beside a failure", () => {
  it.each<[how: string, code: string]>([
    ["that came while it ran", "const r = await shop.list_orders({}); const total = r.nowhere.total"],
    ["that kept it from running", "const r = await shop.list_orders({}); const total = missing(r)"],
  ])("%s", async (_how, code) => {
    const { status, diagnostics } = await run(code);
    expect(status).toBe("failed");
    expect(diagnostics.map(({ message }) => message)).not.toContainEqual(
      expect.stringMatching(/returns nothing/),
    );
  });
});

it("a program cannot make the reading of its failure take long", async () => {
  const traps = [
    "{ ".padEnd(60_000, "r "),
    "{ r ".repeat(15_000),
    "r = ".repeat(15_000),
    `r = await ${"a.".repeat(29_000)}a`,
    `r = await ${"a".repeat(59_000)}`,
    `r = shop.list_ids(${"(".repeat(50)}`.repeat(800),
  ];
  for (const trap of traps) {
    const failure = { code: "guest_error", message: "TypeError: r.map is not a function" } as const;
    const namespaces = { servers: [], locals: [{ name: "a", global: "a" }] };
    const before = process.cpuUsage();
    hintFor(failure, {
      code: trap,
      place: { line: 1, column: trap.length },
      namespaces,
      run: createRunState(),
    });
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(500);
  }
});

it("no failure and no text of a program is too odd for a hint, or for none", () => {
  const odd = fc.oneof(
    fc.string({ unit: "binary" }),
    fc
      .array(
        fc.constantFrom(
          ...[
            "r",
            "shop",
            "tools",
            ".",
            "?.",
            "[0]",
            "['a']",
            "(",
            ")",
            "await ",
            "= ",
            "{ ",
            "}",
            "...",
            "$",
            "\n",
            "\\",
          ],
        ),
      )
      .map((parts) => parts.join("")),
  );
  const messages = odd.chain((text) =>
    fc.constantFrom(
      `TypeError: ${text} is not a function`,
      `TypeError: ${text} is not iterable`,
      `TypeError: Cannot read properties of undefined (reading '${text}')`,
      `ReferenceError: ${text} is not defined`,
      `SyntaxError: ${text} is not valid JSON`,
      text,
    ),
  );
  const namespaces = {
    servers: [{ name: "shop", global: "shop", tools: [{ name: "a", method: "a" }] }],
    locals: [{ name: "r", global: "r" }],
  };
  const head = { n: 1, call: "call_1", at: 0 };
  const events: readonly JournalEvent[] = [
    { ...head, seq: 1, type: "requested", tool: "local/r", args: "{}", argsBytes: 2 },
    {
      ...head,
      seq: 2,
      type: "settled",
      outcome: { ok: true, value: '{"a":[null]}' },
      resultBytes: 1,
      reused: false,
    },
  ];
  const run = readState(events);
  fc.assert(
    fc.property(messages, odd, fc.nat(3), fc.nat(40), (message, code, line, column) => {
      const place = { line: line + 1, column: column + 1 };
      const hint = hintFor({ code: "guest_error", message }, { code, place, namespaces, run });
      expect(hint === undefined || (hint !== "" && hint.length < 2_000)).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});
