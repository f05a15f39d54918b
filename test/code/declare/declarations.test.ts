import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { renderDeclarations } from "../../../src/code/declare/declarations.ts";
import { typesWritten } from "../../../src/code/declare/schema-types.ts";
import type { CatalogTool } from "../../../src/tools/catalog.ts";
import { source, toolsOf } from "../helpers/tools.ts";
import { moduleOf, type TypeFault, typecheck } from "../helpers/typecheck.ts";

const object = (properties: object, rest: object = {}) => ({ type: "object", properties, ...rest });
const string = { type: "string" };
const text = (name: string, rest: object = {}) =>
  source(name, object({ a: string }, { required: ["a"] }), rest);

describe("the declarations of a tool set", () => {
  it("show servers as globals, local tools as functions, and all by their original names", () => {
    const tools = toolsOf({
      "my-server": [source("odd.name", object({}))],
      local: [
        source("calculator", object({ a: { type: "number" } }, { required: ["a"] })),
        source("analyzeFile", object({ path: string }, { required: ["path"] }), {
          positional: ["path"],
          outputSchema: object({ lines: { type: "integer" } }, { required: ["lines"] }),
        }),
      ],
    });
    const declared = renderDeclarations(tools).split("}\n\n").slice(1).join("}\n\n");
    expect(declared).toBe(
      `/** Does analyzeFile. */
declare function analyzeFile(path: string): Promise<{
  /** @integer */
  lines: number;
  [key: string]: any;
}>;

/** Does calculator. (result shape unknown) */
declare function calculator(args: { a: number }): Promise<any>;

declare const my_server: {
  /** Does odd.name. (result shape unknown) */
  odd_name(args?: {}): Promise<any>;
};

/** Every tool by its server's and its own original name. */
declare const tools: {
  /** The tools that fit these words, best first. */
  search(query: string, options?: { limit?: number }): Promise<{ tool: string; callable: string; description: string; signature: string }[]>;
  /** Declarations of tools, by names like "server/tool". */
  describe(...names: string[]): Promise<string>;
  readonly local: {
    readonly analyzeFile: typeof analyzeFile;
    readonly calculator: typeof calculator;
  };
  readonly "my-server": {
    readonly "odd.name": typeof my_server.odd_name;
  };
};
`,
    );
  });

  it("are the same bytes for the same tools in any order, however often", () => {
    const tools = toolsOf({ b: [text("two"), text("one")], a: [text("x"), source("y", { $ref: "#" })] });
    const again = toolsOf({ a: [source("y", { $ref: "#" }), text("x")], b: [text("one"), text("two")] });
    const declared = renderDeclarations(tools);
    expect(renderDeclarations([...tools].reverse())).toBe(declared);
    expect(renderDeclarations(again)).toBe(declared);
  });

  it("are written again for a tool that is new, and no other, when a server lists its tools anew", () => {
    const listed = (count: number): readonly CatalogTool[] =>
      toolsOf({
        big: Array.from({ length: count }, (_, at) =>
          source(`tool_${at}`, object({ only_in_this_test: { const: at } }), {
            outputSchema: object({ at: { const: at } }),
          }),
        ),
      });
    const writtenFor = (tools: readonly CatalogTool[]): number => {
      const before = typesWritten();
      renderDeclarations(tools);
      return typesWritten() - before;
    };
    expect(writtenFor(listed(300))).toBe(600);
    expect(writtenFor(listed(300))).toBe(0);
    expect(writtenFor(listed(301))).toBe(2);
  });

  it("leave out a tool that cannot be called", () => {
    expect(
      renderDeclarations(toolsOf({ a: [text("x", { unavailable: "it demands tasks" })] })),
    ).not.toContain("x(");
  });

  it("let arguments be left out only when every one of them may be", () => {
    const parameters = (schema: object): string =>
      /odd\((args\??):/.exec(renderDeclarations(toolsOf({ s: [source("odd", schema as never)] })))?.[1] ?? "";
    expect(parameters(object({ a: string }))).toBe("args?");
    expect(parameters(object({ a: { default: 1 } }, { required: ["a"] }))).toBe("args?");
    expect(parameters(object({ a: string }, { required: ["a"] }))).toBe("args");
    expect(parameters({ allOf: [object({}), { required: ["b"] }] })).toBe("args");
    expect(parameters({ anyOf: [object({}, { required: ["a"] }), object({})] })).toBe("args?");
    expect(parameters({ $ref: "#/$defs/A", $defs: { A: object({ a: string }, { required: ["a"] }) } })).toBe(
      "args",
    );
  });
});

/** Programs against tool sets: those that must pass the checker, and those it must refuse with the code given. */
interface Fixture {
  readonly tools: readonly CatalogTool[];
  readonly program: string;
  readonly refusedWith?: string;
}

const node = object(
  { name: string, children: { type: "array", items: { $ref: "#/$defs/Node" } } },
  { required: ["name"] },
);
const tree = object({ root: { $ref: "#/$defs/Node" } }, { required: ["root"], $defs: { Node: node } });

const fixtures: { readonly [claim: string]: Fixture } = {
  "the environment is there": {
    tools: [],
    program: `await sleep(5); console.log(1, "a"); const id: string = crypto.randomUUID(); input.anything.at.all;
      clearTimeout(setTimeout(() => {}, 5)); try { await sleep(1) } catch (error) { const { kind } = error as ToolError; if (kind === "denied") return id; }`,
  },
  "nothing else is there": {
    tools: [],
    program: `await fetch("https://example.com")`,
    refusedWith: "TS2304",
  },
  "recursive references": {
    tools: toolsOf({ s: [source("grow", tree)] }),
    program: `await s.grow({ root: { name: "a", children: [{ name: "b", children: [] }] } })`,
  },
  "recursive references hold at depth": {
    tools: toolsOf({ s: [source("grow", tree)] }),
    program: `await s.grow({ root: { name: "a", children: [{ children: [] }] } })`,
    refusedWith: "TS2741",
  },
  "two tools may define types of the same name": {
    tools: toolsOf({
      "a.b": [source("c", tree, { outputSchema: tree })],
      a: [source("b_c", object({ root: { $ref: "#/$defs/Node" } }, { $defs: { Node: string } }))],
    }),
    program: `await a.b_c({ root: "x" }); const r = await a_b.c({ root: { name: "x" } }); return r.root.name.length`,
  },
  "a search is an array of tools, a description text": {
    tools: [],
    program: `const [first] = await tools.search("files", { limit: 1 });
      return (await tools.describe(first?.tool ?? "", "fs/read")).length`,
  },
  "a result of another run is anything": {
    tools: [],
    program: `const { rows } = await runs.result("run_1"); return rows.length + rows[0].id`,
  },
  "a program may give these names to what is its own": {
    tools: [],
    program: `const runs = [1], found = runs.map((run) => run + 1); return found`,
  },
  "a server named like a function of tools keeps its global": {
    tools: toolsOf({ search: [text("web")], describe: [text("image")] }),
    program: `await search.web({ a: "" }); await describe.image({ a: "" }); return (await tools.search("web")).length`,
  },
  "what hangs on tools wins over a server of its name": {
    tools: toolsOf({ search: [text("web")] }),
    program: `await tools.search.web({ a: "" })`,
    refusedWith: "TS2339",
  },
  "names no identifier can be": {
    tools: toolsOf({
      "1st.server-name": [
        "a/b",
        "c d",
        "9",
        "__proto__",
        "constructor",
        "new",
        "export",
        "get",
        "a-b",
        "a.b",
        "ünï",
      ].map((name) => text(name)),
    }),
    program: `for (const name of ["a/b", "c d", "9", "constructor", "new", "export", "get", "a-b", "a.b", "ünï"] as const)
      await tools["1st.server-name"][name]({ a: "x" });
      await tools["1st.server-name"]["__proto__"]({ a: "x" }); await _1st_server_name.new_({ a: "x" }); await _1st_server_name.export_({ a: "x" })`,
  },
  "property names no identifier can be": {
    tools: toolsOf({
      s: [
        source(
          "t",
          JSON.parse(
            '{"type":"object","properties":{"a-b":{},"__proto__":{"type":"string"},"1":{},"\\"":{},"new":{},"":{}}}',
          ),
        ),
      ],
    }),
    program: `await s.t({ "a-b": 1, ["__proto__"]: "x", 1: 2, '"': 3, new: 4, "": 5 })`,
  },
  "positional parameters with awkward names": {
    tools: toolsOf({
      local: [
        source(
          "f",
          object({ class: string, "a-b": string, a_b: { type: ["string", "null"] } }, { required: ["a_b"] }),
          {
            positional: ["class", "a-b", "a_b", "unknown"],
          },
        ),
      ],
    }),
    program: `await f("x", undefined, null); await tools.local.f(undefined, "y", "z", 1)`,
  },
  "an undeclared argument is refused": {
    tools: toolsOf({ s: [text("t")] }),
    program: `await s.t({ a: "x", b: 1 })`,
    refusedWith: "TS2353",
  },
  "a wrong enum value is refused": {
    tools: toolsOf({ s: [source("t", object({ state: { enum: ["open", "closed"] } }))] }),
    program: `await s.t({ state: "opened" })`,
    refusedWith: "TS2820",
  },
  "a wrongly typed default poisons nothing": {
    tools: toolsOf({
      s: [source("t", object({ n: { type: "integer", default: "5" } }, { required: ["n"] }))],
    }),
    program: `await s.t(); await s.t({ n: 5 })`,
  },
  "an open result is read freely": {
    tools: toolsOf({ s: [text("t"), text("u", { outputSchema: object({ a: {}, b: string }) })] }),
    program: `const r = await s.t({ a: "" }); r.x.y[0].z; const u = await s.u({ a: "" }); return [u.a.b.c, u.other.thing, u.b?.length]`,
  },
  "a closed result is not": {
    tools: toolsOf({
      s: [text("t", { outputSchema: object({ a: string }, { additionalProperties: false }) })],
    }),
    program: `return (await s.t({ a: "" })).b`,
    refusedWith: "TS2339",
  },
  "text that would end a comment": {
    tools: toolsOf({
      s: [
        source("t", object({ a: { description: "*/ } declare const broken" } }), {
          description: "*/ x(): void; /*\n@deprecated",
        }),
      ],
    }),
    program: `await s.t({ a: 1 })`,
  },
  "definitions that are only themselves": {
    tools: toolsOf({
      s: [
        source(
          "t",
          object(
            { a: { $ref: "#/$defs/A" }, r: { $ref: "#/$defs/R" }, t: { $ref: "#/$defs/T" } },
            {
              $defs: {
                A: { $ref: "#/$defs/B" },
                B: { anyOf: [{ $ref: "#/$defs/A" }, { allOf: [{ $ref: "#/$defs/B" }, { type: "null" }] }] },
                R: { type: "object", additionalProperties: { $ref: "#/$defs/R" } },
                T: { prefixItems: [{ $ref: "#/$defs/T" }], items: { $ref: "#/$defs/T" } },
              },
            },
          ),
        ),
      ],
    }),
    program: `await s.t({ a: null, r: { x: { y: {} } }, t: [[], [[]]] })`,
  },
};

describe("declarations and the checker", () => {
  let faults: readonly TypeFault[] = [];
  const claims = Object.keys(fixtures);
  const arbitrary = arbitraryTools();

  // One run of the compiler for all: it takes a second however many files there are.
  beforeAll(async () => {
    const files = claims.map((claim, at): [string, string] => {
      const { tools, program } = fixtures[claim] ?? { tools: [], program: "" };
      return [`fixture-${at}.ts`, moduleOf(renderDeclarations(tools), program)];
    });
    files.push(["alone.d.ts", renderDeclarations(toolsOf({ s: [text("t")], local: [text("f")] }))]);
    files.push(
      ...arbitrary.map((tools, at): [string, string] => [
        `arbitrary-${at}.ts`,
        moduleOf(renderDeclarations(tools)),
      ]),
    );
    faults = await typecheck(new Map(files));
  });

  it.each(claims.map((claim, at) => ({ claim, at })))("$claim", ({ claim, at }) => {
    const found = faults.filter(({ file }) => file === `fixture-${at}.ts`);
    const refusedWith = fixtures[claim]?.refusedWith;
    if (refusedWith === undefined) expect(found).toEqual([]);
    else expect(found.map(({ code }) => code)).toEqual([refusedWith]);
  });

  it("compile alone, without a DOM", () => {
    expect(faults.filter(({ file }) => file === "alone.d.ts")).toEqual([]);
  });

  it("compile for tools with any JSON as schemas", () => {
    expect(arbitrary.length).toBeGreaterThan(100);
    expect(faults.filter(({ file }) => file.startsWith("arbitrary-"))).toEqual([]);
  });
});

/** Tools whose schemas are made of the keywords that matter, put together at random. */
function arbitraryTools(): readonly (readonly CatalogTool[])[] {
  const name = fc.constantFrom("a", "b", "a-b", "__proto__", "constructor", "1", "new");
  const schemas = fc.letrec((tie) => {
    const named = fc
      .array(fc.tuple(name, tie("schema")), { maxLength: 3 })
      .map((entries) => Object.fromEntries(entries));
    const several = fc.array(tie("schema"), { minLength: 1, maxLength: 3 });
    return {
      schema: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        fc.constantFrom(
          {},
          true,
          false,
          { type: "string" },
          { type: ["integer", "null"] },
          { enum: ["a", 1, null] },
        ),
        fc.constantFrom("#", "#/$defs/a", "#/$defs/b", "#/properties/a").map(($ref) => ({ $ref })),
        fc.record({ type: fc.constant("object"), properties: named, required: fc.array(name), $defs: named }),
        fc.record({
          type: fc.constant("object"),
          additionalProperties: tie("schema"),
          patternProperties: named,
        }),
        fc.record({ type: fc.constant("array"), items: tie("schema") }),
        fc.record({ prefixItems: several, items: tie("schema"), minItems: fc.nat(3) }),
        fc.record({ anyOf: several, nullable: fc.boolean() }),
        fc.record({ allOf: several, oneOf: several, $defs: named }),
      ),
    };
  }).schema;
  return fc.sample(schemas, { numRuns: 300, seed: 7 }).map((schema) => {
    const tool = source("t", schema as never, { outputSchema: schema as never });
    return toolsOf({ s: [tool, { ...tool, name: "u", positional: ["a", "b", "a"] }] });
  });
}
