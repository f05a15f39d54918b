/** Texts that are meant to stall or kill whoever reads them: the compiler, and the worker that runs what came out. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defaultLimits } from "../../sandbox/index.ts";
import type { CompileOutcome } from "../../src/code/compile.ts";
import { type CompilerProcess, createCompiler } from "../../src/code/process/compiler-process.ts";
import { createLog } from "../../src/log.ts";
import { openArena } from "./helpers/arena.ts";
import { expectNothingLeaked } from "./helpers/canary.ts";
import { hasProc, rssBytes } from "./helpers/processes.ts";
import { slack } from "./helpers/slack.ts";

const SOURCE_BYTES = 65_536;
/** For the rest of a program beside its bomb. */
const FILL_BYTES = 65_000;
const DEADLINE_MS = 1_000;
const RESTART_MS = 1_500;
/** The process is told to keep its heap below 256 MB. */
const COMPILER_BYTES = 600 * 1024 * 1024;

const { unharmed } = openArena();
let compiler: CompilerProcess;
beforeAll(async () => {
  compiler = await createCompiler({ log: createLog("silent"), deadlineMs: DEADLINE_MS });
});
afterAll(() => compiler[Symbol.asyncDispose]());

const compile = (code: string): Promise<CompileOutcome> =>
  compiler.compile(
    { code, sourceBytes: SOURCE_BYTES, globals: ["lab"], check: null },
    { principal: "tester" },
  );
const fill = (unit: string, bytes = FILL_BYTES): string => unit.repeat(Math.floor(bytes / unit.length));
const nest = (depth: number, open: string, core: string, close: string): string =>
  open.repeat(depth) + core + close.repeat(depth);

/** Compiles; runs what can be run with little CPU; asserts that neither process was harmed. */
async function detonate(code: string): Promise<CompileOutcome> {
  const start = performance.now();
  const outcome = await compile(code);
  expect(performance.now() - start, "time to compile").toBeLessThan((DEADLINE_MS + 500) * slack());
  if (!outcome.ok) expect(outcome.message.length).toBeLessThan(1_000);
  expectNothingLeaked(outcome.ok ? outcome.program.diagnostics : outcome);
  const next = performance.now();
  const word = `${Math.random()}`;
  const honest = await compile(`const n: string = "${word}"; return n`);
  expect(honest.ok && honest.program.js).toContain(word);
  expect(performance.now() - next, "time of the next one").toBeLessThan((200 + RESTART_MS) * slack());
  const { pid } = compiler.stats();
  if (hasProc && pid !== null) expect(rssBytes(pid)).toBeLessThan(COMPILER_BYTES);
  if (outcome.ok) await runBriefly(outcome.program.js);
  return outcome;
}

async function runBriefly(js: string): Promise<void> {
  const limits = { ...defaultLimits, cpuMs: 500, wallMs: 1_000 };
  const namespaces = { servers: [], locals: [] };
  const host = { log: () => undefined, call: () => Promise.reject(new Error("none")) };
  const start = performance.now();
  await unharmed((pool) =>
    pool.run({
      principal: "tester",
      limits,
      program: { js, namespaces, input: "null", seed: "" },
      host,
    }),
  );
  expect(performance.now() - start, "time to run it").toBeLessThan((1_500 + 2_000) * slack());
}

const codeOf = (outcome: CompileOutcome): string => (outcome.ok ? "compiled" : outcome.code);

describe("a text that is refused", () => {
  it.each([
    ["sixty thousand opening parentheses", fill("(")],
    ["thirty thousand parentheses that close again", nest(30_000, "(", "1", ")")],
    ["brackets of all kinds", fill("[{(")],
    ["templates in templates", fill("`${")],
    ["functions in functions", fill("function f(){")],
    ["switches in switches", fill("switch(a){case 1:")],
    ["attributes in attributes", `return ${fill("<a b={")}`],
    ["a run of exclamation marks", `return ${fill("!")}1`],
    ["a run of signs", `return ${fill("- ")}1`],
    ["a run of typeof", `return ${fill("typeof ")}1`],
    ["a run of await", `return ${fill("await ")}1`],
    ["a run of new", `return ${fill("new ")}A`],
    ["ternaries without end", `return ${fill("a?b:")}1`],
    ["ternaries in ternaries", `return ${fill("a?", 30_000)}1${fill(":1", 30_000)}`],
    ["else if without end", fill("if(a);else ")],
    ["loops in loops", fill("for(;;)")],
    ["do without while", fill("do ")],
    ["labels before labels", `${Array.from({ length: 8_000 }, (_, i) => `l${i}:`).join("")};`],
    ["classes extending classes", fill("class A extends ")],
    ["generics in generics", `const x: ${fill("A<")}`],
    ["conditional types without end", `type T = ${fill("A extends B?C:")}D; return 1`],
    ["function types of function types", `type T = ${fill("()=>")}void; return 1`],
    ["casts of casts", `return 1${fill(" as a")}`],
    ["tags in tags", fill("<a>")],
    ["namespaces of namespaces", `namespace a${fill(".a")}{}`],
    ["one character more than allowed", " ".repeat(SOURCE_BYTES + 1)],
    ["surrogates without a partner", fill("\ud800", SOURCE_BYTES)],
  ])("because it holds %s, is refused as too large or too deep", async (_what, code) => {
    expect(codeOf(await detonate(code))).toBe("source_too_large");
  });

  it.each([
    ["a string that never ends", `return '${fill("a")}`],
    ["a template that never ends", `return \`${fill("a")}`],
    ["a comment that never ends", `/*${fill("*")}`],
    ["a regular expression that never ends", `return /${fill("a")}`],
    ["a character class that never ends", `return /${fill("[")}`],
    ["NUL characters", fill("\0")],
    ["hashes", fill("#")],
    ["fences in fences", fill("```ts\n")],
    ["imports", fill("import 'a';")],
  ])("because it holds %s, is refused as wrong", async (_what, code) => {
    expect(codeOf(await detonate(code))).toBe("syntax_error");
  });
});

describe("a text that takes for ever", () => {
  it("because each of its arrow functions could be two things, ends at the deadline, and the next one compiles", async () => {
    const arrows = Array.from({ length: 30 }).reduce((inner) => `a ? (b) : c => (${inner})`, "1");
    expect(codeOf(await detonate(`const x: number = 1;\n${arrows}`))).toBe("compile_timeout");
  });
});

describe("a text that compiles", () => {
  it.each([
    ["is nested as deeply as allowed", `return ${nest(99, "(", "1", ")")}`],
    ["nests templates as deeply as allowed", `return ${nest(99, "`${", "1", "}`")}`],
    ["is one sum of thirty thousand terms", `return ${fill("1+")}1`],
    ["is one power of powers", `return ${fill("1**")}1`],
    ["is one list of commas", `return ${fill("1,")}1`],
    ["is one chain of members", `const a = {}; return a${fill("?.a")}`],
    ["is one chain of calls", `const a = () => a; return typeof a${fill("()")}`],
    ["is one chain of assignments", `let a; ${fill("a=")}1`],
    ["is one chain of arrows", `return ${fill("a=>")}1`],
    ["is one chain of ors and ands", `const a = 0, b = 1; return ${fill("a||b&&")}1`],
    ["is an array type of array types", `let x: a${fill("[]")}; return 1`],
    ["satisfies itself thousands of times", `return 1${fill(" satisfies any")}`],
    ["is a union of template types", `type A = string; type T = ${fill("`${A}`|")}A; return 1`],
    ["is an enum that counts on itself", enumOf(3_000)],
    ["holds only semicolons", fill(";")],
    ["holds only line breaks", fill("\n")],
    ["declares nine thousand names", `let ${Array.from({ length: 9_000 }, (_, i) => `v${i}`).join()}`],
    ["is one number", `return ${fill("9")}`],
    ["is one BigInt", `return \`\${${fill("9")}n}\`.length`],
    ["is one name", `return typeof ${fill("a")}`],
    ["is one text of escapes", `return "${fill("\\u0000")}"`],
  ])("and %s is bounded here and in the worker", async (_what, code) => {
    const outcome = await detonate(code);
    expect(["compiled", "source_too_large", "syntax_error"]).toContain(codeOf(outcome));
  });

  it.each([
    ["one that backtracks for ever", "return /^(a*)*$/.test('a'.repeat(40) + 'b')"],
    ["one nested thirty thousand deep", `return /${nest(30_000, "(", "", ")")}/.test("a")`],
    [
      "one of five thousand repetitions of repetitions",
      `return /${fill("(a*)*", 25_000)}b/.test('a'.repeat(30))`,
    ],
    ["one with a count of billions", "return /((a{1,9999}){1,9999}){1,9999}/.test('a'.repeat(1000))"],
    ["one that looks back for ever", "return /(?<=^(a+)+)b/.test('a'.repeat(40) + 'c')"],
  ])("and runs a regular expression, %s, is bounded in the worker", async (_what, code) => {
    expect(codeOf(await detonate(code))).toBe("compiled");
  });
});

describe("many at once", () => {
  it("bombs beside honest texts cost these no more than time", async () => {
    const bombs = Array.from({ length: 20 }, (_, i) => compile(`${fill("(", 30_000)}${i}`));
    const honest = Array.from({ length: 20 }, (_, i) => compile(`const n: number = ${i}; return n`));
    expect((await Promise.all(bombs)).map(codeOf)).toEqual(Array(20).fill("source_too_large"));
    for (const [i, outcome] of (await Promise.all(honest)).entries())
      expect(outcome.ok && outcome.program.js).toContain(`const n = ${i};`);
  });
});

function enumOf(count: number): string {
  const members = Array.from({ length: count }, (_, i) => `A${i} = ${i === 0 ? 1 : `A${i - 1} + 1`}`);
  return `enum E { ${members.join()} } return E.A9`;
}
