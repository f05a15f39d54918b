import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CheckService, defaultCheckLimits } from "../../src/code/check/check-service.ts";
import type { TypeChecker } from "../../src/code/check/checked.ts";
import { DeclarationStore } from "../../src/code/check/declaration-store.ts";
import type { CompileOutcome, TypeCheck } from "../../src/code/compile.ts";
import { compileProgram } from "../../src/code/compile-program.ts";
import { renderDeclarations } from "../../src/code/declare/declarations.ts";
import { observe } from "../../src/learning/observe.ts";
import { merge } from "../../src/learning/shape.ts";
import { toSchema } from "../../src/learning/shape-schema.ts";
import { buildCatalog, withObserved } from "../../src/tools/catalog.ts";
import type { JsonSchema } from "../../src/tools/tool-source.ts";
import { declare, diagnosticsOf, said, useCompiler } from "./helpers/checked.ts";
import { source } from "./helpers/tools.ts";

const nothing: JsonSchema = { type: "object", properties: {}, additionalProperties: false };
const byNumber: JsonSchema = {
  type: "object",
  properties: { number: { type: "number" } },
  required: ["number"],
  additionalProperties: false,
};
const observedIssue: JsonSchema = {
  type: "object",
  properties: { id: { type: "string" }, title: { type: "string" }, body: { type: ["string", "null"] } },
  required: ["id", "title"],
  additionalProperties: false,
};
const observed: { readonly [id: string]: JsonSchema } = {
  "github/list": {
    type: "object",
    properties: { items: { type: "array", items: observedIssue } },
    required: ["items"],
    additionalProperties: false,
  },
  "github/get": observedIssue,
  "github/note": { type: "string" },
  "github/promised": { type: "number" },
};
const bare = buildCatalog(
  [
    {
      server: "github",
      tools: [
        source("list", nothing),
        source("get", byNumber),
        source("note", nothing),
        source("promised", nothing, { outputSchema: observedIssue }),
      ],
    },
  ],
  { readOnly: [], idempotent: [] },
);
const catalog = withObserved(bare, ({ id }) => observed[id]);
const types: Omit<TypeCheck, "mode"> = {
  declarations: declare(renderDeclarations(catalog.tools)),
  promised: declare(renderDeclarations(bare.tools)),
};
const compile = useCompiler();
const check = (code: string, mode: "error" | "warn" = "error") =>
  compile({ code, sourceBytes: 65_536, globals: ["github", "tools"], check: { mode, ...types } });

describe("declarations", () => {
  it("say what was observed, and that nobody promises it", () => {
    const { text } = types.declarations;
    expect(text).toContain("/** Does get. (result shape observed, not promised) */");
    expect(text).toContain(
      "get(args: { number: number }): Promise</* observed */ { id: string; title: string; body?: string | null }>;",
    );
    expect(text).toContain("note(args?: {}): Promise</* observed */ string>;");
  });

  it("without it are what they were, and what is promised is never replaced", () => {
    const { text } = types.promised ?? { text: "" };
    expect(text).toContain("/** Does get. (result shape unknown) */");
    expect(text).not.toContain("observed");
    expect(catalog.byId("github/promised")).not.toHaveProperty("observedSchema");
  });

  it("are another version of the catalog", () => {
    expect(catalog.version).not.toBe(bare.version);
    expect(catalog.promised).toBe(bare);
    expect(withObserved(bare, ({ id }) => observed[id]).version).toBe(catalog.version);
    expect(withObserved(bare, () => ({ type: "number" })).version).not.toBe(catalog.version);
    expect(withObserved(bare, () => undefined)).toBe(bare);
  });
});

describe("a program that does not fit what was observed runs, and is told", () => {
  it.each([
    ["reads a field that was not seen", "return (await github.get({ number: 1 })).titel", "titel"],
    [
      "takes such a field out of it",
      "const { titel } = await github.get({ number: 1 }); return titel",
      "titel",
    ],
    [
      "reads one of a list's elements",
      "const { items } = await github.list(); return items.map((issue) => issue.state)",
      "state",
    ],
    ["loops over what was no list", "for (const one of await github.list()) console.log(one)", "items"],
    ["parses what is a value", "return JSON.parse(await github.list())", "already a value"],
    ["reads a field of what was text", "return (await github.note()).text", "text"],
    [
      "gives a tool what does not fit it",
      "const { items } = await github.list(); return await github.get({ number: items[0].id })",
      "number",
    ],
    ["calls what is no function", "return (await github.get({ number: 1 })).title()", "not callable"],
    [
      "hands it through functions of its own",
      "const load = async () => (await github.list()).items; const all = await load(); return all.total",
      "total",
    ],
  ])("%s", async (_, code, word) => {
    const outcome = await check(code);
    expect(outcome).toMatchObject({ ok: true });
    const warnings = diagnosticsOf(outcome).filter(({ severity }) => severity === "warning");
    expect(warnings.map(({ message }) => message).join("\n")).toContain(word);
  });

  it("but a forgotten await is certain, whatever the tool gives", async () => {
    const outcome = await check("return github.get({ number: 1 }).title");
    expect(outcome).toMatchObject({ ok: false, code: "type_error" });
    expect(diagnosticsOf(outcome)[0]?.message).toContain("returns a Promise");
  });

  it("the warning says what was seen, the nearest name, and that it is no promise", async () => {
    expect(said(await check("return (await github.get({ number: 1 })).titel"))).toEqual([
      'warning 2551 at 1:42: The result has no "titel". Did you mean title? (So it was in the results seen so far; the tool promises nothing.)',
    ]);
  });

  it("so it does in the mode that refuses nothing", async () => {
    const outcome = await check("return (await github.get({ number: 1 })).titel", "warn");
    expect(outcome).toMatchObject({ ok: true });
    expect(diagnosticsOf(outcome)).toHaveLength(1);
  });
});

describe("what is wrong whatever a tool gives is refused as before", () => {
  it.each([
    ["a tool that is not there", "return await github.gett({ number: 1 })"],
    ["an argument that does not fit", "return await github.get({ number: 'one' })"],
    ["a field that a promised result lacks", "return (await github.promised()).titel"],
    ["a server called like a tool", "return await github({ number: 1 })"],
  ])("%s", async (_, code) => {
    expect(await check(code)).toMatchObject({ ok: false, code: "type_error" });
  });

  it("beside it, what is only observed is a warning", async () => {
    const outcome = await check(
      "const one = await github.get({ number: 1 });\nconsole.log(one.titel);\nreturn await github.gett({ number: 1 })",
    );
    expect(said(outcome)).toEqual([
      expect.stringMatching(/^error 2551 at 3:21: github has no tool "gett"\. Did you mean get\?/),
      expect.stringMatching(/^warning 2551 at 2:17: The result has no "titel"/),
    ]);
  });
});

it("a fault that could not be looked at without what was observed refuses nothing", async () => {
  const asked: string[] = [];
  const code = "return (await github.get({ number: 1 })).titel";
  const start = code.indexOf("titel");
  const fault = { code: 2339, text: "", chain: [], related: [], start, end: start + 5 };
  const checker: TypeChecker = {
    pid: process.pid,
    toolSets: 0,
    hasToolSet: () => true,
    check: async ({ hash }) => {
      asked.push(hash);
      if (hash !== types.declarations.hash) return await new Promise<never>(() => undefined);
      return { faults: [fault], typeAt: async () => undefined, async [Symbol.asyncDispose]() {} };
    },
    kill: () => undefined,
    gone: new Promise(() => undefined),
  };
  const limits = { ...defaultCheckLimits, deadlineMs: 50, memoryBytes: Number.POSITIVE_INFINITY };
  const service = new CheckService(limits, expect.unreachable, async () => checker);
  const texts = [types.declarations, types.promised].filter((each) => each !== undefined);
  const store = new DeclarationStore((hash) =>
    store.put(hash, texts.find((each) => each.hash === hash)?.text ?? ""),
  );
  const hashes = { all: types.declarations.hash, promised: types.promised?.hash ?? null };
  const { outcome } = await compileProgram(
    { code, sourceBytes: 1_000, globals: ["github"], check: { mode: "error", types: hashes } },
    { service, declarations: store },
  );
  expect(said(outcome)).toEqual([
    "note - at 1:1: Not type-checked: the check took more than 50 ms. Plainer types are checked faster.",
  ]);
  expect(outcome.ok).toBe(true);
  expect(asked).toEqual([hashes.all, hashes.promised]);
});

it("whatever was observed, a program is refused for it no more than without it", async () => {
  const field = fc.constantFrom("id", "items", "count", "length", "map");
  const use = fc
    .tuple(fc.constantFrom(...uses), field, field)
    .map(([write, one, other]) => write(one, other));
  await fc.assert(
    fc.asyncProperty(json, fc.array(use, { minLength: 1, maxLength: 4 }), async (result, statements) => {
      const code = `const r = await github.get({ number: 1 });\n${statements.join("\n")}\nreturn r`;
      const shape = [1, 2, 3].map((call) => observe(result, call)).reduce(merge);
      const schema = toSchema(shape);
      const all = withObserved(bare, ({ id }) => (id === "github/get" ? schema : undefined)).tools;
      const request = { code, sourceBytes: 65_536, globals: ["github", "tools"] };
      const plain = { declarations: declare(renderDeclarations(bare.tools)) };
      const both = { declarations: declare(renderDeclarations(all)), promised: plain.declarations };
      const without = await compile({ ...request, check: { mode: "error", ...plain } });
      const refused = without.ok ? [] : errorsOf(without);
      const outcome = await compile({ ...request, check: { mode: "error", ...both } });
      expect(outcome.ok ? [] : errorsOf(outcome)).toEqual(refused);
    }),
    { numRuns: 60 },
  );
}, 60_000);

const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(null, true, 1, "text"),
    fc.array(tie("value"), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom("id", "items", "count"), tie("value"), { maxKeys: 3 }),
  ),
})).value;

/** What programs do with a result, right or wrong. */
const uses: readonly ((one: string, other: string) => string)[] = [
  (one) => `console.log(r.${one});`,
  (one, other) => `console.log(r.${one}.${other});`,
  (one, other) => `r.${one}.${other}();`,
  (one) => `for (const each of r.${one}) console.log(each);`,
  (one, other) => `console.log(r.map((each) => each.${one}.${other}));`,
  (one) => `console.log(r[0].${one});`,
  (one) => `{ const { ${one} } = r; console.log(${one}); }`,
  (one) => `{ const [{ ${one} }] = r; console.log(${one}); }`,
  () => "console.log(JSON.parse(r));",
  (one) => `console.log(JSON.parse(r.${one}));`,
  (one) => `await github.get({ number: r.${one} });`,
  () => "await github.get(r);",
  () => "await github.get({ ...r });",
  (one) => `await tools.github.get({ number: r.${one} + 1, ${one}: 2 });`,
  (one) => `r.${one} = 1;`,
  (one, other) => `if (r.${one} === "x" || r.${other} > 3) console.log(Math.max(...r.${one}));`,
  (one) => `new r.${one}();`,
  (one) => `console.log(r.${one} satisfies number);`,
  (one) => `{ const own: { ${one}: number } = r; console.log(own); }`,
  (one) => `await Promise.all(r.${one}.map(({ id }) => github.get({ number: id })));`,
];

function errorsOf(outcome: CompileOutcome): readonly string[] {
  return said(outcome).filter((line) => line.startsWith("error"));
}

it("a program that fits is checked once, against what was observed", async () => {
  expect(said(await check("return (await github.list()).items.map(({ id, title }) => id + title)"))).toEqual(
    [],
  );
});
