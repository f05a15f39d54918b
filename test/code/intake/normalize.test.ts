import { stop } from "esbuild";
import { afterAll, describe, expect, it } from "vitest";
import { compile, compiled, evaluate, notes } from "../helpers/programs.ts";

afterAll(() => stop());

const list = { issues: [1, 2], args: {} };

describe("what models write runs as they meant it", () => {
  it.each<[form: string, code: string, value: unknown]>([
    ["an expression", "1 + 2", 3],
    ["statements that end in an expression", "const x = 10; x * 2", 20],
    ["a call whose result is nothing", 'console.log("hi")', undefined],
    ["an awaited tool call", "await gh.list({})", list],
    ["a tool call nobody awaits, as the last statement", "gh.list({})", list],
    ["a return", "return 42", 42],
    ["await and return", "const r = await gh.get(); return r + 4", 11],
    ["a return inside try", "try { return { a: 1 } } catch {}", { a: 1 }],
    ["a return on some path and a last expression", "if (input.x) return 1; 2", 2],
    ["an empty return before another line", "return\n42", undefined],
    ["an async arrow function", "async () => { return 1 }", 1],
    ["an arrow function with a semicolon", "async () => { return 1 };", 1],
    ["a concise arrow function", "async () => 42", 42],
    ["an arrow function with parameters", "(a, b) => [a, b]", [undefined, undefined]],
    ["a parenthesised arrow function", "(async () => 42)", 42],
    ["an arrow function after a comment", "// go\nasync () => 42", 42],
    ["an arrow function that does nothing", "async () => {}", undefined],
    ["an arrow function after a directive", '"use strict";\nasync () => 3', 3],
    ["a typed arrow function", "async (): Promise<number> => { return 1 }", 1],
    ["a called function expression", "(async () => 42)()", 42],
    ["a called function expression with a semicolon", "(async () => 42)();", 42],
    ["one function", "function f() { return 42 }", 42],
    ["one async function", "async function f() { return 42 }", 42],
    ["one anonymous function", "function () { return 42 }", 42],
    ["one anonymous async function", "async function () { return 42 }", 42],
    ["a function and its call", "async function h() { return 1 }\nh()", 1],
    ["main and its call", "async function main() { return 7 }\nmain();", 7],
    ["a promise chain", "async function main() {}\nmain().then(() => {})", undefined],
    [
      "helpers and a main that is never called",
      "const h = () => 2;\nasync function main() { return h() }",
      2,
    ],
    ["helpers and one function that uses them", "const h = () => 2;\nasync function go() { return h() }", 2],
    ["a function in a constant", "const main = async () => 5", 5],
    ["a function expression in a constant", "const main = async function () { return 2 }", 2],
    ["an exported function", "export async function f() { return 4 }", 4],
    ["a default export with a name", "export default async function main() { return 9 }", 9],
    ["a default export without a name", "export default function () { return 9 }", 9],
    ["a default arrow function", "export default async () => 42", 42],
    ["a parenthesised default arrow function", "export default (async () => 42);", 42],
    ["a default export after a comment", "// x\nexport default () => 42", 42],
    ["a default export of a value", "export default 42", 42],
    ["a default export of an object", "export default { a: 1 }", { a: 1 }],
    ["a default export of a name", "const main = () => 3; export default main", 3],
    [
      "a default export before what it needs",
      "export default async () => helper();\nconst helper = () => 8;",
      8,
    ],
    ["a default export of types beside a program", "export default interface X { a: 1 }\nreturn 6", 6],
    ["an exported constant and an expression", "export const x = 1; x", 1],
    ["a list of exports", "function main() { return 12 }\nexport { main as default }", 12],
    ["module.exports", "module.exports = async () => 6", 6],
    ["a constant at the end", "const x = 42", undefined],
    ["an awaited constant at the end", "const r = await gh.get()", undefined],
    ["a loop at the end", "for (const n of [1, 2]) await gh.get()", undefined],
    ["a condition at the end", "if (input) { await gh.get() }", undefined],
    ["two functions nobody calls", "function a() { return 1 }\nfunction b() { return 2 }", undefined],
    ["a list of exported values", "const a = 1;\nexport { a }", undefined],
    ["an object", "{ a: 1, b: 2 }", { a: 1, b: 2 }],
    ["an object that looks like a block", "{ a: 1 }", { a: 1 }],
    ["a parenthesised object", "({ a: 1 })", { a: 1 }],
    ["a lone string", '"hello"', "hello"],
    ["JSON with the code", '{"code": "const x = 1;\\nreturn x + \\"\\u0041\\""}', "1A"],
    ["escaped line breaks", 'const x = "a\\tb";\\nreturn x.length', 3],
    ["escaped line breaks after a comment", "// first\\nconst r = 5;\\nreturn r", 5],
    ["escaped line breaks and quotes", 'const s = \\"x\\";\\nreturn s', "x"],
    ["a shebang", "#!/usr/bin/env node\nreturn 1", 1],
    ["a byte order mark", "\ufeffreturn 1", 1],
    ["an import of a tool", 'import { gh } from "./tools";\nreturn await gh.get()', 7],
    ["an import nobody uses", 'import fs from "node:fs";\nreturn 1', 1],
    ["an import of types", 'import type { X } from "y";\nconst x: X | number = 1; return x', 1],
    ["a type assertion", "const x = <any>1; return x", 1],
    ["an enum", "enum E { A, B }\nreturn E.B", 1],
    ["a const enum", "const enum E { A, B }\nreturn E.B", 1],
    ["interfaces and types", "interface A { x: number }\ntype B = A;\nconst b: B = { x: 1 };\nreturn b.x", 1],
    [
      "classes with parameter properties",
      "class A { constructor(private x: number) {} get() { return this.x } }\nreturn new A(3).get()",
      3,
    ],
    [
      "an abstract class",
      "abstract class A { abstract f(): number }\nclass B extends A { f() { return 2 } }\nreturn new B().f()",
      2,
    ],
    ["satisfies and !", "const a = { a: 1 } satisfies object; return a!.a", 1],
    ["a declared constant", "declare const y: number;\nreturn 1", 1],
    [
      "a generic call that would also be JavaScript",
      "function id<T>(x: T) { return x }\nreturn id<number>(4)",
      4,
    ],
    ["a resource", "using x = { [Symbol.dispose]() {} };\nreturn 1", 1],
    ["text that holds a fence", "const md = '```js';\nreturn md + `\\`\\`\\``", "```js```"],
  ])("%s", async (_form, code, value) => {
    expect(await evaluate(await compiled(code))).toEqual(value);
  });

  it("a generator is called, a class is returned, and what is thrown is thrown: the run judges them", async () => {
    expect(await evaluate(await compiled("function* ids() { yield 1 }"))).toHaveProperty("next");
    expect(await evaluate(await compiled("export default class A {}"))).toHaveProperty("name", "A");
    await expect(compiled('throw new Error("on purpose")').then(evaluate)).rejects.toThrow("on purpose");
  });

  it.each(['const fs = require("fs");\nreturn fs.x', 'const fs = await import("fs");\nreturn fs.x'])(
    "%j has its say at the run when nothing was checked",
    async (code) => {
      const program = await compiled(code);
      expect(notes(program)).toEqual([
        expect.stringMatching(/^warning: (require does not exist|import\(\) does not work) here/),
      ]);
      await expect(evaluate(program)).rejects.toThrow();
    },
  );

  it.each<[form: string, code: string]>([
    ["a fence", "```js\nreturn 1\n```"],
    ["a fence in capitals", "```TypeScript\nconst x: number = 1; return x\n```"],
    ["a bare fence", "```\nreturn 1\n```"],
    ["a fence of tildes", "~~~ts\nreturn 1\n~~~"],
    ["a fence with prose before it", "Here it is:\n```js\nreturn 1\n```"],
    ["a fence with prose around it", "It's this:\n\n```js\nreturn 1\n```\nThat's all (I hope."],
    ["a fence after a label", "Program:\n```js\nexport default () => 1\n```"],
    ["a fence that is never closed", "```js\nreturn 1"],
    ["a fence closed on the last line of code", "Go:\n```js\nreturn 1```"],
    ["a fence on one line", "```js return 1```"],
    ["a closing fence only", "return 1\n```"],
    ["a fence with an anonymous function", "```js\nasync function () { return 1 }\n```"],
    ["a fence beside sample data", '```json\n{ "a": [ }\n```\nand\n```ts\nreturn 1\n```'],
  ])("%s is taken off", async (_form, code) => {
    expect(await evaluate(await compiled(code))).toBe(1);
  });

  it.each<[form: string, code: string]>([
    ["no text at all", ""],
    ["only blanks", " \n\t\n"],
    ["only a comment", "// nothing yet"],
    ["only a directive", '"use strict"'],
    ["only types", "interface A { x: 1 }\ntype B = A"],
    ["only semicolons", ";;"],
  ])("%s runs, returns nothing and says so", async (_form, code) => {
    const program = await compiled(code);
    expect(program.runs).toBe(false);
    expect(await evaluate(program)).toBeUndefined();
    expect(notes(program)).toEqual(["note: There is nothing to run: the program has no statements."]);
  });

  it.each<[code: string, note: string]>([
    ["const x = 42", "note: The program returns nothing: add `return x` to see a result."],
    [
      "[1, 2].forEach((n) => n * 2)",
      "note: The program returns nothing: forEach gives no value. Use map, or add a return statement.",
    ],
    ["const r = await gh.get()", "note: The program returns nothing: add `return r` to see a result."],
    [
      "if (input) { await gh.get() }",
      "note: The program returns nothing: add a return statement to see a result.",
    ],
    [
      "for (const a of [1]) { a }",
      "note: The program returns nothing: add a return statement to see a result.",
    ],
    ["function a() {}\nfunction b() {}", "note: Functions are declared and never called: a, b."],
    [
      "const h = () => 2; function main() { return h() }",
      "note: main was called: the program declared it and never did.",
    ],
    ["```js\nreturn 1\n```", "note: The program was taken out of its code block."],
    ['{"code":"return 1"}', "note: The program was taken out of JSON."],
    [
      'import { gh } from "x"; return gh',
      "note: The import was dropped: there are no modules, and tools are globals.",
    ],
  ])("%j leaves a note", async (code, note) => {
    expect(notes(await compiled(code))).toEqual([note]);
  });

  it.each(["throw new Error('x')", "if (input.x) { return 1 }", "return 1", "(() => {})()"])(
    "%j leaves none",
    async (code) => {
      expect(notes(await compiled(code))).toEqual([]);
    },
  );

  it("never rewrites text inside strings, templates and regular expressions", async () => {
    const code = String.raw`const s = "export default \n &lt; “x” import y"; const t = ${"`"}a\n${"`"}; return [s, t, /\n"/.source];`;
    const plain = await evaluate(await compiled(code));
    expect(plain).toEqual(["export default \n &lt; “x” import y", "a\n", String.raw`\n"`]);
    expect(await evaluate(await compiled(`Text:\n\`\`\`ts\nconst n: number = 1;\n${code}\n\`\`\``))).toEqual(
      plain,
    );
  });
});

describe("what could mean two things, or nothing, is refused with its cause", () => {
  it.each<[what: string, code: string, at: string, said: RegExp]>([
    [
      "two programs",
      "```js\nreturn 1\n```\n```js\nreturn 2\n```",
      "5:1",
      /two programs.*exactly one code block/,
    ],
    ["another language's block", "```python\nprint(1)\n```", "2:1", /is python, not TypeScript/],
    [
      "an import that is used",
      'import fs from "fs"; fs.x()',
      "1:1",
      /no modules.*Tools are globals: gh, calculator\./,
    ],
    ["an import for its effect", 'import "x"; return 1', "1:1", /no modules/],
    ["an export from elsewhere", 'return 1;\nexport * from "x"', "2:1", /no modules/],
    ["import = require", 'import x = require("y"); x()', "1:1", /no modules/],
    ["a namespace", "namespace A { export const x = 1 }\nreturn A.x", "1:1", /Namespaces.*plain object/],
    ["JSX", "return <div>hi</div>", "1:17", /JSX is not supported/],
    ["HTML-escaped text", "if (1 &lt; 2) { return 1 }", "1:10", /HTML-escaped/],
    ["curly quotes", "return “hi”", "1:8", /curly quotes/],
    ["Python", "def f(x):\n  return 1\nprint(f(1))", "1:4", /Python/],
    ["a shell command", "curl -X POST http://x", "1:8", /shell command/],
    ["prose", "Sure, I will call the tool now", "1:8", /put it into one ```ts block/],
    ["a decorator", "@log class A {}\nreturn 1", "1:1", /not supported: decorators/],
    ["nonsense", "blah blah )", "1:5", /semicolon/],
    ["a way out of the function", "}; evil(); {", "1:1", /Unexpected token/],
    ["an open comment", "return 1 /* open", "1:10", /Unterminated comment/],
    [
      "await in a function that is not async",
      "function f() {\n  await gh.list()\n}",
      "2:3",
      /Make the function.*async/,
    ],
    ["the same name twice", "const x = 1;\nconst x = 2", "2:7", /already been declared/],
    [
      "a regular expression only the engine refuses",
      "const a = 1;\nreturn /(?<a>x)(?<a>y)/",
      "2:8",
      /Invalid regular expression/,
    ],
    [
      "an error inside a fence",
      "Go:\n```ts\nconst a: number = 1;\nreturn a +;\n```",
      "4:11",
      /Unexpected token/,
    ],
    ["an error inside JSON", '{"code": "const a = 1;\\nreturn a +;"}', "1:35", /Unexpected token/],
  ])("%s", async (_what, code, at, said) => {
    const outcome = await compile(code);
    expect(outcome).toMatchObject({ ok: false, code: "syntax_error" });
    if (outcome.ok) return;
    expect(`${outcome.line}:${outcome.column}`).toBe(at);
    expect(outcome.diagnostics.at(-1)).toMatchObject({
      severity: "error",
      line: outcome.line,
      column: outcome.column,
    });
    expect(outcome.diagnostics.at(-1)?.message).toMatch(said);
  });
});

describe("a program too large or too deep is refused before it is parsed", () => {
  const nested = (depth: number, open: string, close: string): string =>
    open.repeat(depth) + close.repeat(depth);

  it("measures bytes once the fence and what surrounds it are gone", async () => {
    const program = `return "${"é".repeat(20)}"`;
    const bytes = Buffer.byteLength(`${program}\n`);
    const text = `${"prose ".repeat(50)}\n\`\`\`js\n${program}\n\`\`\`\n${"prose ".repeat(50)}`;
    expect(await compile(text, bytes)).toMatchObject({ ok: true });
    expect(await compile(text, bytes - 1)).toMatchObject({ ok: false, code: "source_too_large" });
    expect(await compile(`return 1${" ".repeat(100)}`, 100)).toMatchObject({
      ok: false,
      code: "source_too_large",
    });
  });

  it.each<[what: string, code: (depth: number) => string]>([
    ["arrays", (depth) => `return ${nested(depth, "[", "]")}`],
    ["calls and objects", (depth) => `return ${nested(depth / 2, "({a:", "})").replace(":}", ":1}")}`],
    ["templates", (depth) => `return ${"`${".repeat(depth)}1${"}`".repeat(depth)}`],
  ])("brackets of %s may be 100 deep", async (_what, code) => {
    expect(await compile(code(100))).toMatchObject({ ok: true });
    expect(await compile(code(102))).toMatchObject({ ok: false, code: "source_too_large", line: 1 });
  });

  it("brackets in strings, templates, comments and regular expressions do not count", async () => {
    const many = "[".repeat(500);
    const code = `// ${many}\n/* ${many} */ return ["${many}", '${many}', \`${many}\`, /${"\\[".repeat(500)}/.source.length];`;
    expect(await evaluate(await compiled(code))).toEqual([many, many, many, 1000]);
  });

  it("unary operators may stand 64 in a row", async () => {
    expect(await evaluate(await compiled(`return ${"!".repeat(64)}1`))).toBe(true);
    expect(await compile(`return ${"!".repeat(65)}1`)).toMatchObject({ ok: false, code: "source_too_large" });
    expect(await compile(`return ${"typeof - ".repeat(40)}1`)).toMatchObject({
      ok: false,
      code: "source_too_large",
    });
  });

  it.each<[what: string, code: string]>([
    ["arrow functions", `return ${"a=>".repeat(20_000)}1`],
    ["else if", `${"if(a);else ".repeat(5_000)};`],
    ["assignments", `x=${"a=".repeat(9_000)}1`],
    ["types", `const x: ${"A<".repeat(5_000)}1${">".repeat(5_000)} = 1`],
  ])("%s nested without brackets until no parser can follow are refused too", async (_what, code) => {
    expect(await compile(code)).toMatchObject({ ok: false, code: "source_too_large" });
  });

  it.each<[what: string, code: string]>([
    ["blank lines", `${"\n".repeat(60_000)})`],
    ["blanks after a fence", `\`\`\` ${" ".repeat(60_000)}x`],
    ["backticks", `${"`".repeat(30_000)}${" ".repeat(30_000)}x`],
    ["fences", "```\n".repeat(15_000)],
    ["an open tag", `<${"a".repeat(60_000)}`],
    ["words", "if ".repeat(20_000)],
    // Read in quadratic time, each of these takes more than the timeout.
  ])("a text of nothing but %s is refused at once", { timeout: 4_000 }, async (_what, code) => {
    expect(await compile(code)).toMatchObject({ ok: false });
  });

  it("a long chain of operators is not deep", async () => {
    expect(await evaluate(await compiled(`return ${"1+".repeat(1_000)}1`))).toBe(1_001);
  });
});
