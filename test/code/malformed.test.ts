/** Programs that cannot be run as they are written: what each is called, and where the fault lies. */
import { describe, expect, it } from "vitest";
import { said, useChecked } from "./helpers/checked.ts";

const check = useChecked();

type Code = "syntax_error" | "type_error" | "source_too_large";

const malformed: readonly (readonly [what: string, code: string, as: Code, at: string, message: RegExp])[] = [
  ["a bracket too many", "return [1, 2]]", "syntax_error", "1:14", /Missing semicolon|Unexpected token/],
  ["a bracket too few", "return [1, 2", "syntax_error", "1:13", /Unexpected token|expected/i],
  ["a brace too many", "if (input) { return 1 } }", "syntax_error", "1:25", /Unexpected token/],
  ["a brace too few", "if (input) { return 1", "syntax_error", "1:22", /Unexpected token/],
  [
    "a parenthesis too few",
    "return await github.list_repos({}",
    "syntax_error",
    "1:34",
    /Unexpected token|expected/i,
  ],
  ["an operator without its right side", "return 1 +", "syntax_error", "1:11", /Unexpected token/],
  ["two operators", "return 1 + * 2", "syntax_error", "1:12", /Unexpected token/],
  ["a string that does not end", "return 'abc", "syntax_error", "1:8", /Unterminated string/],
  ["a template that does not end", "return `abc", "syntax_error", "1:9", /Unterminated template/],
  [
    "a regular expression that does not end",
    "return /abc",
    "syntax_error",
    "1:9",
    /Unterminated regular expression/,
  ],
  ["a regular expression with wrong flags", "return /a/xy", "syntax_error", "1:12", /flag/],
  [
    "a regular expression with an open group",
    "return /(a/",
    "syntax_error",
    "1:8",
    /Invalid regular expression/,
  ],
  ["a comment that does not end", "/* abc", "syntax_error", "1:1", /Unterminated comment/],
  ["a number that goes on as a name", "return 3px", "syntax_error", "1:9", /[Ii]dentifier/],
  ["an octal number of old", "return 010", "syntax_error", "1:8", /octal/i],
  ["a keyword as a name", "const class = 1", "syntax_error", "1:7", /class|Unexpected/],
  ["a constant without a value", "const x;", "syntax_error", "1:8", /initializ/i],
  ["a name declared twice", "let a = 1;\nlet a = 2;", "syntax_error", "2:5", /already been declared/],
  [
    "a parameter declared twice",
    "const f = (a, a) => a;\nreturn f(1)",
    "syntax_error",
    "1:15",
    /already|clash|duplicate/i,
  ],
  [
    "await in a function that is not async",
    "function f() { await sleep(1) }\nreturn f()",
    "syntax_error",
    "1:16",
    /async/,
  ],
  [
    "await in a callback that is not async",
    "return [1].map((n) => await github.list_repos({}))",
    "syntax_error",
    "1:23",
    /async/,
  ],
  ["yield outside a generator", "yield 1", "syntax_error", "1:1", /yield|Unexpected/],
  ["break outside a loop", "break", "syntax_error", "1:1", /break/],
  ["continue outside a loop", "if (input) continue", "syntax_error", "1:12", /continue/],
  ["a label that is not there", "for (;;) { break outer }", "syntax_error", "1:12", /Unsyntactic break/],
  ["super outside a class", "return super.x", "syntax_error", "1:8", /super/],
  ["new.target outside a function", "return new.target", "syntax_error", "1:8", /new\.target/],
  ["an assignment to a call", "github.list_repos({}) = 1", "syntax_error", "1:1", /assign/i],
  ["an assignment to a number", "1 = 2", "syntax_error", "1:1", /assign/i],
  ["an increment of a call", "github.list_repos({})++", "syntax_error", "1:1", /[Ii]nvalid left-hand side/],
  ["delete of a variable", "const x = 1; delete x", "syntax_error", "1:14", /[Dd]elet/],
  ["with", "with (input) { return x }", "syntax_error", "1:1", /with/],
  ["an optional chain that is assigned to", "input?.x = 1", "syntax_error", "1:1", /not supported|assign/],
  ["?? beside || without parentheses", "return 1 || 2 ?? 3", "syntax_error", "1:15", /\?\?|mix/i],
  ["a unary minus before **", "return -1 ** 2", "syntax_error", "1:9", /\*\*|exponent|operand/i],
  ["else without if", "else { return 1 }", "syntax_error", "1:1", /Unexpected token/],
  ["catch without try", "catch (e) { return e }", "syntax_error", "1:1", /Unexpected token/],
  ["try alone", "try { return 1 }", "syntax_error", "1:1", /catch|finally/i],
  ["an arrow without a body", "const f = () =>", "syntax_error", "1:16", /Unexpected token/],
  ["a private name outside its class", "return input.#x", "syntax_error", "1:14", /[Pp]rivate/],
  ["a getter with a parameter", "return { get a(x) { return 1 } }", "syntax_error", "1:10", /[Gg]et/],
  [
    "a class with two constructors",
    "class A { constructor() {} constructor() {} }\nreturn 1",
    "syntax_error",
    "1:28",
    /constructor/i,
  ],
  ["a namespace", "namespace A { export const x = 1 }\nreturn A.x", "syntax_error", "1:1", /Namespaces/],
  ["a decorator", "@log class A {}\nreturn 1", "syntax_error", "1:1", /decorators/],
  ["JSX", "return <b>hi</b>", "syntax_error", "1:15", /JSX/],
  ["Python", "for i in range(3):\n    print(i)", "syntax_error", "1:5", /Python|Unexpected|expected/],
  ["a shell command", "curl -s https://example.com", "syntax_error", "1:8", /shell|semicolon/i],
  ["SQL", "SELECT * FROM issues WHERE x", "syntax_error", "1:14", /semicolon|Unexpected/i],
  ["prose", "I will list the issues now.", "syntax_error", "1:2", /semicolon/i],
  ["JSON that ends early", '{"code": "return 1"', "syntax_error", "1:8", /semicolon|Unexpected/i],
  ["HTML-escaped text", "return [1].map((n) =&gt; n)", "syntax_error", "1:21", /HTML-escaped/],
  ["curly quotes", "return “a”", "syntax_error", "1:8", /curly quotes/],
  ["two programs", "```js\nreturn 1\n```\n```js\nreturn 2\n```", "syntax_error", "5:1", /two programs/],
  ["a Python block", "```python\nprint(1)\n```", "syntax_error", "2:1", /python/],
  ["an import that is used", 'import fs from "fs";\nreturn fs.x', "syntax_error", "1:1", /no modules/],
  [
    "a type that ends early",
    "const x: Array<number = [];\nreturn x",
    "syntax_error",
    "1:23",
    /Unexpected token|expected/i,
  ],
  [
    "an interface with a wrong member",
    "interface A { x number }\nreturn 1",
    "syntax_error",
    "1:17",
    /Unexpected|expected/i,
  ],
  ["a way out of the function", "}\nreturn 1;\n{", "syntax_error", "1:1", /Unexpected token/],
  [
    "brackets too deep",
    `return ${"[".repeat(120)}${"]".repeat(120)}`,
    "source_too_large",
    "1:127",
    /nested 120 deep/,
  ],
  [
    "too many operators in a row",
    `return ${"!".repeat(80)}1`,
    "source_too_large",
    "1:87",
    /80 unary operators/,
  ],
  ["too many bytes", `return "${"x".repeat(70_000)}"`, "source_too_large", "1:1", /the limit is 65536/],
  [
    "functions nested without brackets",
    `return ${"a=>".repeat(20_000)}1`,
    "source_too_large",
    "1:1",
    /nested too deeply/,
  ],
  ["a name that is not there", "return issues.length", "type_error", "1:8", /"issues" is not defined/],
  [
    "a shorthand property that is not there",
    "const a = 1; return { a, b }",
    "type_error",
    "1:26",
    /"b" is not defined/,
  ],
  [
    "a tool that is not there",
    "return await github.close_issue({ number: 1 })",
    "type_error",
    "1:21",
    /has no tool "close_issue"/,
  ],
  [
    "a module loaded at run time",
    'const { x } = await import("x");\nreturn x',
    "type_error",
    "1:21",
    /import\(\) does not work here/,
  ],
  ["eval", 'return eval("1 + 1")', "type_error", "1:8", /eval does not exist here/],
  [
    "code built from text",
    'return new Function("return 1")()',
    "type_error",
    "1:12",
    /Function does not exist here/,
  ],
  [
    "a timer of another platform",
    "requestAnimationFrame(() => {});\nreturn 1",
    "type_error",
    "1:1",
    /requestAnimationFrame does not exist here/,
  ],
  [
    "a console method that is not there",
    "console.profile('a');\nreturn 1",
    "type_error",
    "1:9",
    /console has no "profile"/,
  ],
  ["the page", "return document.title", "type_error", "1:8", /not a browser/],
  [
    "an undeclared variable that is set",
    "total = 1;\nreturn total",
    "type_error",
    "1:1",
    /"total" is not declared: write const total = …/,
  ],
];

describe("a malformed program is refused, with its cause and its place", () => {
  it.each(malformed)("%s", async (_what, code, as, at, message) => {
    const outcome = await check(code);
    if (outcome.ok) throw new Error("it was not refused");
    expect({ code: outcome.code, at: `${outcome.line}:${outcome.column}` }).toEqual({ code: as, at });
    expect(said(outcome).find((text) => text.startsWith("error"))).toMatch(message);
    expect(outcome.message.length).toBeLessThan(400);
  });

  it("however it is malformed: 60 of them and more", () => {
    expect(malformed.length).toBeGreaterThanOrEqual(60);
  });
});
