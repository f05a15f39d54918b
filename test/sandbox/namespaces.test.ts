import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createWorkerPool,
  defaultLimits,
  type ToolNamespaces,
  type WorkerPool,
} from "../../sandbox/index.ts";

let pool: WorkerPool;
beforeAll(async () => {
  pool = await createWorkerPool({ workers: 1 });
});
afterAll(() => pool[Symbol.asyncDispose]());

const namespaces: ToolNamespaces = {
  servers: [
    { name: "my-server", global: "my_server", tools: [{ name: "odd.tool-name", method: "odd_tool_name" }] },
    { name: "hidden", global: "hidden", tools: [] },
    {
      name: "awkward",
      global: "awkward",
      tools: ["then", "toString"].map((name) => ({ name, method: name })),
    },
  ],
  locals: [
    { name: "analyze", global: "analyze", positional: ["path", "depth"] },
    { name: "secret", global: "secret", hidden: true },
    { name: "then", global: "then_" },
  ],
};

/** Tools named like what the language calls to make text of an object. */
const awkwardly: ToolNamespaces = {
  servers: [
    ...namespaces.servers.slice(0, 2),
    {
      name: "awkward",
      global: "awkward",
      tools: ["then", "toString", "toJSON", "valueOf", "inspect", "constructor"].map((name) => ({
        name,
        method: name,
      })),
    },
  ],
  locals: namespaces.locals,
};

/** Every call answers with what the host was asked. */
async function evaluate(
  body: string,
  names: ToolNamespaces = namespaces,
  asked: string[] = [],
  logs: string[] = [],
): Promise<unknown> {
  const outcome = await pool.run({
    principal: "p",
    limits: defaultLimits,
    program: { js: `(async () => {${body}\n})`, namespaces: names, input: "null", seed: "s" },
    host: {
      log: ({ text }) => void logs.push(text),
      call: async ({ server, tool, args }) => {
        asked.push(`${server}/${tool}`);
        return { type: "value", value: JSON.stringify([server, tool, JSON.parse(args)]) };
      },
    },
  });
  return outcome.type === "completed" ? JSON.parse(outcome.result) : outcome;
}

describe("tools in a program", () => {
  it("are reached by their clean name, and by their original name through `tools`", async () => {
    const asked = ["my-server", "odd.tool-name", { a: 1 }];
    expect(await evaluate("return await my_server.odd_tool_name({ a: 1 })")).toEqual(asked);
    expect(await evaluate("return await tools['my-server']['odd.tool-name']({ a: 1 })")).toEqual(asked);
    expect(await evaluate("return await my_server['odd.tool-name']({ a: 1 })")).toEqual(asked);
  });

  it("take their arguments in order only where they were defined so", async () => {
    expect(await evaluate("return await analyze('/x', 2)")).toEqual([
      "local",
      "analyze",
      { path: "/x", depth: 2 },
    ]);
    expect(await evaluate("return await analyze('/x')")).toEqual(["local", "analyze", { path: "/x" }]);
  });

  it("take arguments in order past a setter of that name on every object", async () => {
    const body = `let stolen = null;
      Object.defineProperty(Object.prototype, "path", { configurable: true, get: () => undefined, set(value) { stolen = value } });
      return [await analyze("/x"), stolen]`;
    expect(await evaluate(body)).toEqual([["local", "analyze", { path: "/x" }], null]);
  });

  it("get an empty object when called without arguments", async () => {
    expect(await evaluate("return await my_server.odd_tool_name()")).toEqual([
      "my-server",
      "odd.tool-name",
      {},
    ]);
  });

  it("that are not offered are callables too, for the host to refuse", async () => {
    expect(await evaluate("return await my_server.other({})")).toEqual(["my-server", "other", {}]);
    expect(await evaluate("return await hidden.anything({})")).toEqual(["hidden", "anything", {}]);
    expect(await evaluate("return await tools.nowhere.anything({})")).toEqual(["nowhere", "anything", {}]);
    expect(await evaluate("return await secret({})")).toEqual(["local", "secret", {}]);
  });

  it("are shown by Object.keys and `in` only when they are offered", async () => {
    const body =
      "return [Object.keys(my_server), 'other' in my_server, Object.keys(tools), Object.keys(tools.local), Object.keys(hidden)]";
    expect(await evaluate(body)).toEqual([
      ["odd_tool_name"],
      false,
      ["my-server", "awkward", "local"],
      ["analyze"],
      [],
    ]);
  });

  it("never include `then` or symbols, so that awaiting a namespace does not hang", async () => {
    const body =
      "const got = await my_server; return [got === my_server, typeof my_server.then, typeof my_server[Symbol.iterator], typeof my_server.hasOwnProperty]";
    expect(await evaluate(body)).toEqual([true, "undefined", "undefined", "undefined"]);
  });

  it("named `then` are not offered, and one with a name that every object has is", async () => {
    const body = `const both = [await awkward, await tools.awkward, await tools.local];
      return [both.map((each) => Object.keys(each)), both.map((each) => typeof each.then), await awkward.toString({})]`;
    expect(await evaluate(body)).toEqual([
      [["toString"], ["toString"], ["analyze"]],
      Array(3).fill("undefined"),
      ["awkward", "toString", {}],
    ]);
  });

  it.each([
    ["returned", "return awkward", ["toString", "toJSON", "valueOf", "inspect", "constructor"]],
    ["returned inside", "return { on: [hidden] }", { on: [[]] }],
    [
      "made into text",
      "return `${awkward}`",
      "[tools of awkward: toString, toJSON, valueOf, inspect, constructor]",
    ],
    [
      "added to a text",
      "return hidden + '' + tools.local",
      "[tools of hidden: none][tools of local: analyze]",
    ],
    ["asked for its text", "return hidden.toString()", "[tools of hidden: none]"],
    ["made JSON", "return JSON.stringify({ my_server })", '{"my_server":["odd_tool_name"]}'],
    ["made JSON beside its tool toJSON", "return JSON.parse(JSON.stringify([tools.awkward]))[0].length", 5],
    ["compared", "return [my_server == 'x', my_server > 1]", [false, false]],
    [
      "all of them",
      "return tools",
      { "my-server": ["odd.tool-name"], awkward: expect.any(Array), local: ["analyze"] },
    ],
    ["a server that is none", "return [`${tools.nowhere}`, tools.nowhere]", ["[tools of nowhere: none]", []]],
  ])("in writing is the names of its tools, and calls none: %s", async (_, body, expected) => {
    const asked: string[] = [];
    expect(await evaluate(body, awkwardly, asked)).toEqual(expected);
    expect(asked).toEqual([]);
  });

  it("are shown by the console, and given as an argument, by their names", async () => {
    const asked: string[] = [];
    const logs: string[] = [];
    const body = `console.log(awkward, [hidden]); console.log(tools);
      return await my_server.odd_tool_name({ hidden, at: [tools.local] })`;
    const argument = { hidden: [], at: [["analyze"]] };
    expect(await evaluate(body, awkwardly, asked, logs)).toEqual(["my-server", "odd.tool-name", argument]);
    expect(logs).toEqual([
      "[tools of awkward: toString, toJSON, valueOf, inspect, constructor] [[tools of hidden: none]]",
      "[tools: my-server (odd.tool-name); awkward (toString, toJSON, valueOf, inspect, constructor); local (analyze)]",
    ]);
    expect(asked).toEqual(["my-server/odd.tool-name"]);
  });

  it("whose names the language calls itself are called by the program all the same", async () => {
    const body = `return (await Promise.all([awkward.toString({ a: 1 }), awkward.toJSON({ b: 2 }), awkward.toJSON(),
      tools.awkward.valueOf({}), awkward.constructor({})])).map(([server, tool, args]) => [tool, args])`;
    expect(await evaluate(body, awkwardly)).toEqual([
      ["toString", { a: 1 }],
      ["toJSON", { b: 2 }],
      ["toJSON", {}],
      ["valueOf", {}],
      ["constructor", {}],
    ]);
  });

  it("can't be replaced or added to by the program", async () => {
    const body = `const tries = [
        () => { "use strict"; my_server.odd_tool_name = 1 }, () => { "use strict"; my_server.extra = 1 },
        () => { "use strict"; globalThis.my_server = 1 }, () => { "use strict"; tools.x = 1 }, () => { "use strict"; console.log = 1 },
      ];
      return tries.map((attempt) => { try { attempt(); return "done" } catch (error) { return error.name } })`;
    expect(await evaluate(body)).toEqual(Array(5).fill("TypeError"));
  });

  it("refuse arguments that can't be written as JSON, naming the place", async () => {
    const outcome = await pool.run({
      principal: "p",
      limits: defaultLimits,
      program: {
        js: "(async () => await my_server.x({ when: [() => 1] }))",
        namespaces,
        input: "null",
        seed: "s",
      },
      host: {
        log: () => undefined,
        call: async ({ fault, server, tool }) => ({
          type: "error",
          error: { kind: fault?.kind ?? "tool", message: fault?.message ?? "none", server, tool },
        }),
      },
    });
    expect(outcome).toMatchObject({
      failure: { message: "ToolError: arguments.when[0] is a function", tool: { kind: "invalid_arguments" } },
    });
  });

  it("a `__proto__` key in a result is dropped, not made a prototype", async () => {
    const body = `const r = await my_server.x(JSON.parse('{"__proto__":{"polluted":1},"deep":{"__proto__":{"p":1},"kept":2}}'));
      const copy = { ...r[2], deep: { ...r[2].deep } };
      return [Object.keys(r[2]), Object.keys(r[2].deep), copy.polluted ?? null, copy.deep.p ?? null]`;
    expect(await evaluate(body)).toEqual([["deep"], ["kept"], null, null]);
  });
});

describe("functions of the host", () => {
  const functions: ToolNamespaces["functions"] = [
    { on: "tools", name: "search", server: "@tools", tool: "search", positional: ["query", "options"] },
    { on: "tools", name: "describe", server: "@tools", tool: "describe", positional: "names" },
    { on: "runs", name: "result", server: "@runs", tool: "result", positional: ["id"] },
  ];
  const search = { name: "search", global: "search", tools: [{ name: "web", method: "web" }] };
  const withFunctions: ToolNamespaces = { servers: [...namespaces.servers, search], locals: [], functions };

  it("hang where their host says, and take their arguments in order or as one list", async () => {
    expect(
      await evaluate(
        `return await Promise.all([tools.search("x", { limit: 2 }), tools.search(), tools.describe("a", "b"), tools.describe(), runs.result("r")])`,
        withFunctions,
      ),
    ).toEqual([
      ["@tools", "search", { query: "x", options: { limit: 2 } }],
      ["@tools", "search", {}],
      ["@tools", "describe", { names: ["a", "b"] }],
      ["@tools", "describe", { names: [] }],
      ["@runs", "result", { id: "r" }],
    ]);
  });

  it("on `tools` hide a server of their name, which keeps its global", async () => {
    const body = `return [typeof tools["search"], tools["search"].web, await search.web({})]`;
    expect(await evaluate(body, withFunctions)).toEqual(["function", null, ["search", "web", {}]]);
  });

  it("are listed nowhere, and cannot be changed", async () => {
    const body = `"use strict";
      const refused = (change) => { try { change(); return false } catch (error) { return error instanceof TypeError } };
      return [
        Object.keys(tools), Object.keys(globalThis).includes("runs"), Object.getPrototypeOf(runs),
        refused(() => { tools.search = 1 }), refused(() => { tools.search.x = 1 }),
        refused(() => { runs.result = 1 }), refused(() => { runs.other = 1 }), refused(() => { globalThis.runs = 1 }),
        runs,
      ]`;
    expect(await evaluate(body, withFunctions)).toEqual([
      ["my-server", "awkward"],
      false,
      ...[null, true, true, true, true, true],
      ["result"],
    ]);
  });

  it("are not there unless their host gives them", async () => {
    expect(await evaluate(`return [typeof runs, await tools.search.x({})]`)).toEqual([
      "undefined",
      ["search", "x", {}],
    ]);
  });
});
