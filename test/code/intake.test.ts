/** A program arrives in whatever a model wraps it in: it is taken out, with a note, and its positions stay the author's. */
import { stop } from "esbuild";
import { afterAll, describe, expect, it } from "vitest";
import { compile, compiled, evaluate, notes } from "./helpers/programs.ts";

afterAll(() => stop());

const BLOCK = "note: The program was taken out of its code block.";
const TAGS = "note: The program was taken out of the tags around it.";
const THOUGHTS = "note: The thoughts before the program were left out.";
const JSON_ = "note: The program was taken out of JSON.";
const LABEL = "note: The first line, which names the language, was left out.";
const TICKS = "note: The backticks around the program were left out.";
const INVISIBLE = "note: Invisible characters were left out.";

describe("what stands around a program is taken off, with a note", () => {
  it.each<[form: string, code: string, notes: readonly string[]]>([
    ["a closing fence with a sentence behind it", "```ts\nreturn 1\n``` That is all.", [BLOCK]],
    ["a closing fence with a stop behind it", "```ts\nreturn 1;\n```.\n", [BLOCK]],
    ["a closing fence at the end of the code, and prose", "```js\nreturn 1; ```\nIt's done.", [BLOCK]],
    [
      "a closing fence with prose on the lines behind it",
      "```js\nreturn 1\n``` and\nthat's all, it's short",
      [BLOCK],
    ],
    ["a closing fence only, with prose behind it", "return 1\n```\nThat's it.", []],
    ["attributes", '```ts title="list.ts" showLineNumbers\nreturn 1\n```', [BLOCK]],
    ["attributes without a language", '```title="list.ts"\nreturn 1\n```', [BLOCK]],
    ["attributes in braces", "```{.ts .numberLines}\nreturn 1\n```", [BLOCK]],
    ["a file name", "```ts src/main.ts\nreturn 1\n```", [BLOCK]],
    ["line ranges", "```typescript {1,3-4}\nreturn 1\n```", [BLOCK]],
    ["code on the line of the marker", "```ts const x = 1;\nreturn x\n```", [BLOCK]],
    ["four backticks", "````ts\nconst s = '```';\nreturn s.length - 2\n````", [BLOCK]],
    ["three backticks in a string", "```ts\nconst s = '```';\nreturn s.length - 2\n```", [BLOCK]],
    ["a block in a block of Markdown", "````md\nRun:\n```ts\nreturn 1\n```\n````", [BLOCK]],
    ["a block on one line, and prose", "Run this:\n```js return 1```\nIt's short.", [BLOCK]],
    ["a block in a list", "1. ```ts\nreturn 1\n```", [BLOCK]],
    ["JSON in a block of JSON", '```json\n{"code": "return 1"}\n```', [BLOCK, JSON_]],
    ["a block in JSON", '{"code": "```ts\\nreturn 1\\n```"}', [JSON_, BLOCK]],
    ["line ends of Windows", "```ts\r\nconst x = 1;\r\nreturn x;\r\n```\r\n", [BLOCK]],
    ["a byte order mark before the fence", "\ufeff```ts\nreturn 1\n```", [BLOCK]],
    ["a character nobody sees before the fence", "\u200b```ts\nreturn 1\n```\u200b", [BLOCK]],
    ["one backtick", "`return 1`", [TICKS]],
    ["two backticks", "``return await 1``", [TICKS]],
    ["backticks around templates", "`const a = `${1}`; return Number(a)`", [TICKS]],
    ["a code tag", "<code>return 1</code>", [TAGS]],
    ["code in pre", '<pre><code class="ts">\nreturn 1\n</code></pre>', [TAGS]],
    ["a tag after prose", "Here it is:\n<code>\nreturn 1\n</code>\nDone.", [TAGS]],
    ["a script", '<script type="module">\nreturn 1\n</script>', [TAGS]],
    ["a tag that is never closed", "<code>\nreturn 1", [TAGS]],
    ["a block in a tag", "<answer>\n```ts\nreturn 1\n```\n</answer>", [TAGS, BLOCK]],
    [
      "a parameter of a call",
      '<function_calls>\n<invoke name="run_code">\n<parameter name="code">\nreturn 1\n</parameter>\n</invoke>\n</function_calls>',
      [TAGS],
    ],
    [
      "a parameter beside another",
      '<parameter name="language">ts</parameter>\n<parameter name="code">return 1</parameter>',
      [TAGS],
    ],
    [
      "a parameter with an equals sign",
      "<function=run_code>\n<parameter=code>\nreturn 1\n</parameter>\n</function>",
      [TAGS],
    ],
    [
      "a parameter that is never closed",
      '<parameter name="code">return 1\n</invoke>\n</function_calls>',
      [TAGS],
    ],
    [
      "a tool call in JSON",
      '<tool_call>\n{"name": "run_code", "arguments": {"code": "return 1"}}\n</tool_call>',
      [TAGS, JSON_],
    ],
    ["a section of characters", "<code><![CDATA[\nreturn 1\n]]></code>", [TAGS]],
    ["a token of a chat template", "<|python_tag|>return 1<|eom_id|>", [TAGS]],
    ["the end of a tag whose beginning is missing", "return 1\n</parameter>\n</invoke>", [TAGS]],
    ["a token that ends a turn", "return 1\n<|im_end|>", [TAGS]],
    ["a block marked as what is to be run", "```tool_code\nreturn 1\n```", [BLOCK]],
    ["its output in a block without a language", "```ts\nreturn 1\n```\nOutput:\n```\n2\n```", [BLOCK]],
    [
      "arguments that are JSON in a call",
      JSON.stringify({ name: "run_code", arguments: '{"code": "return 1"}' }),
      [JSON_],
    ],
    ["one JSON string", JSON.stringify("const x = 1;\nreturn x"), [JSON_]],
    ["thoughts", "<think>\nI'll return { 1 }.\n```js\nreturn 2\n```\n</think>\nreturn 1", [THOUGHTS]],
    ["thoughts before a block", "<thinking>Hm.</thinking>\n\n```ts\nreturn 1\n```", [THOUGHTS, BLOCK]],
    ["thoughts whose beginning is missing", "I should return one\n</think>\nreturn 1", [THOUGHTS]],
    ["a first line that names the language", "typescript\nreturn 1", [LABEL]],
    ["the same in short", "ts\n\nconst x: number = 1;\nreturn x", [LABEL]],
    ["a first line with a colon", "Code:\nconst x = 1;\nreturn x", [LABEL]],
    ["a first line in bold", "**TypeScript code:**\nreturn 1", [LABEL]],
    ["a label before a call", "javascript:\ngh.get().then((n) => n - 6)", [LABEL]],
    ["invisible characters between words", "return\u200b \u2060 1", [INVISIBLE]],
    ["invisible characters inside of a name", "const va\u200blue = 1;\nreturn val\u200due", [INVISIBLE]],
    ["a soft hyphen and marks of direction", "\u200ereturn 1\u00ad;\u202c", [INVISIBLE]],
    ["blanks that do not break", "return\u00a01\u3000", []],
    ["a call as JSON", '{"name": "run_code", "arguments": {"code": "return 1"}}', [JSON_]],
    [
      "a call in a list",
      '[{"type": "function", "name": "run_code", "arguments": {"code": "return 1"}}]',
      [JSON_],
    ],
    ["arguments that are JSON in JSON", JSON.stringify('{"code": "return 1"}'), [JSON_]],
    ["code in code", '{"code": {"code": "return 1"}}', [JSON_]],
    ["lines in a list", '{"code": ["const x = 1;", "return x"]}', [JSON_]],
    ["another name", '{"typescript": "return 1"}', [JSON_]],
    ["code beside its language", '{"language": "ts", "code": "return 1"}', [JSON_]],
    ["JSON with line breaks in a string", '{"code": "const x = 1;\nreturn x"}', [JSON_]],
    [
      "JSON with quotes in a string",
      '{"code": "const x = "1";\nreturn Number(x)"}',
      ["note: The program was taken out of JSON whose quotes were not escaped."],
    ],
    [
      "an escaped block",
      "```ts\\nconst x = 1;\\nreturn x\\n```",
      [BLOCK, "note: Escaped line breaks were decoded.", LABEL],
    ],
  ])("%s", async (_form, code, said) => {
    const program = await compiled(code);
    expect(await evaluate(program)).toBe(1);
    expect(notes(program)).toEqual(said);
  });

  it.each<[what: string, code: string, value: unknown]>([
    ["an object", '{ "source": "gh" }', { source: "gh" }],
    ["an object with a list", '{ "code": ["US", "DE"] }', { code: ["US", "DE"] }],
    ["an object with more in it", '{ "code": "US", "name": "x", "n": 1 }', { code: "US", name: "x", n: 1 }],
    ["a list of objects", '[{ "code": "US" }]', [{ code: "US" }]],
    ["a template", "`hello`", "hello"],
    ["a template with a sentence", "`a (b) is c`", "a (b) is c"],
    ["text with tags", "return '<code>2</code>'", "<code>2</code>"],
    ["text with thoughts", "return `<think>\n</think>\n3`", "<think>\n</think>\n3"],
    [
      "a label that is used",
      "code:\nfor (const n of [1, 2]) { if (n === 2) break code; gh.get() }\nreturn 4",
      4,
    ],
    ["a name on a line of its own", "const ts = 5;\nts", 5],
    [
      "invisible characters in text",
      "return 'a\u200bb' + `\u200d` + /\u2060/.source",
      "a\u200bb\u200d\u2060",
    ],
    ["joiners in words of their script", "const می\u200cخواهم = 6;\nreturn می\u200cخواهم", 6],
    ["carets in a comment", "// ``` not a fence\nreturn 7", 7],
    ["a fence in a comment of a fenced program", "```js\n/* ``` */ // ```\nreturn 8\n```", 8],
  ])("%s means what it says", async (_what, code, value) => {
    const program = await compiled(code);
    expect(await evaluate(program)).toEqual(value);
  });
});

describe("where a fault lies is told in the author's own text", () => {
  it.each<[form: string, code: string, at: string]>([
    ["behind a label", "typescript\nconst x = 1;\nreturn x +;", "3:11"],
    ["in tags", "<code>\nreturn 1 +;\n</code>", "2:11"],
    ["in a parameter", '<parameter name="code">return 1 +;</parameter>', "1:34"],
    ["behind thoughts", "<think>\nhm\n</think>\nreturn 1 +;", "4:11"],
    ["behind invisible characters", "return \u200b1 +;", "1:12"],
    ["behind one inside of a word", "con\u200bst x = 1;\nret\u200burn x +;", "2:12"],
    ["in a fence in Markdown", "````md\nRun:\n```ts\nreturn 1 +;\n```\n````", "4:11"],
    ["in lines of JSON", '{"code": ["const x = 1;", "return x +;"]}', "1:38"],
  ])("%s", async (_form, code, at) => {
    const outcome = await compile(code);
    expect(outcome).toMatchObject({ ok: false, code: "syntax_error" });
    if (!outcome.ok) expect(`${outcome.line}:${outcome.column}`).toBe(at);
  });
});

describe("of two programs none is run", () => {
  it.each<[form: string, code: string, said: RegExp]>([
    [
      "in blocks, the first closed with prose",
      "```js\nreturn 1\n``` or:\n```js\nreturn 2\n```",
      /two programs/,
    ],
    ["in blocks, the first never closed", "```js\nreturn 1\n```js\nreturn 2\n```", /two programs/],
    ["in blocks, of which one stands on one line", "```js return 1```\n```js\nreturn 2\n```", /two programs/],
    ["in two tags", "<code>return 1</code>\n<code>return 2</code>", /./],
    [
      "in two parameters",
      '<parameter name="code">return 1</parameter>\n<parameter name="code">return 2</parameter>',
      /./,
    ],
  ])("%s", async (_form, code, said) => {
    const outcome = await compile(code);
    expect(outcome).toMatchObject({ ok: false, code: "syntax_error" });
    if (!outcome.ok) expect(`${outcome.message} ${outcome.hint}`).toMatch(said);
  });
});

describe("what is not repaired is named", () => {
  it.each<[what: string, code: string, hint: RegExp]>([
    [
      "a program that ends in a call",
      "const r = await gh.list({});\nreturn gh.list(",
      /ends in the middle of the call that began at line 2/,
    ],
    [
      "one that ends in a string",
      "const a = 1;\nreturn 'abc",
      /ends in the middle of the string that began at line 2/,
    ],
    [
      "one that ends in a template",
      "const a = `x\ny ${1} z",
      /ends in the middle of the template that began at line 1/,
    ],
    [
      "one that ends in a part of a template",
      "return `x ${gh.get(",
      /in the middle of the call that began at line 1/,
    ],
    [
      "one that ends in a block",
      "if (input) {\n  const a = 1;\n",
      /ends in the middle of the block that began at line 1/,
    ],
    [
      "one that ends in a function",
      "async function main() {\n  return 1;",
      /in the middle of the block that began at line 1/,
    ],
    [
      "one that ends in an object",
      "const a = 1;\nreturn {\n  a,",
      /in the middle of the object that began at line 2/,
    ],
    ["one that ends in an array", "return [\n1,", /in the middle of the array that began at line 1/],
    ["one that ends in a comment", "return 1;\n/* and", /in the middle of the comment that began at line 2/],
    ["one that ends in a statement", "const a =", /ends in the middle of a statement/],
    [
      "one that ends in a block of code",
      "Go:\n```ts\nreturn gh.list({ a: 1",
      /in the middle of the object that began at line 3/,
    ],
    ["JSON that does not end", '{"code": "return 1', /JSON around the program does not end/],
    ["a string over two lines", "const a = 'x\ny';\nreturn a", /template in backticks/],
    ["numbered lines", "1: const x = 1\n2: return x", /lines are numbered/],
    ["lines numbered otherwise", " 1 | const x = 1\n 2 | return x", /lines are numbered/],
    ["quoted lines", "> const x = 1\n> return x", /lines are quoted/],
    ["a diff", "+const x = 1\n+return x\n", /diff/],
    ["other quotes", "return „hi“", /curly quotes/],
    ["an ellipsis", "return […x]", /write out what it stands for/],
    ["a minus sign of typography", "return 3 − 1", /ASCII/],
  ])("%s", async (_what, code, hint) => {
    const outcome = await compile(code);
    expect(outcome).toMatchObject({ ok: false, code: "syntax_error", hint: expect.stringMatching(hint) });
  });

  it.each(["return 1 )", "const a = 1 2;\nreturn a", "return [1, 2]]"])(
    "a fault before the end is not called one of the end: %j",
    async (code) => {
      const outcome = await compile(code);
      expect(outcome).toMatchObject({ ok: false });
      expect(outcome.ok ? "" : (outcome.hint ?? "")).not.toMatch(/ends in the middle/);
    },
  );
});

describe("a text made to be read slowly is refused at once", () => {
  it.each<[what: string, code: string]>([
    ["closing thoughts", `${"a </think>x ".repeat(5_000)}(`],
    ["tags", "<code>\n".repeat(8_000)],
    ["closing tags", `<code>(${"</pre>".repeat(9_000)}`],
    ["parameters", '<parameter name="code">('.repeat(2_500)],
    ["words", `${"a".repeat(60_000)}=(`],
    ["JSON that is open", '{"code":'.repeat(7_000)],
    ["JSON and blanks", `{"code": "${" ".repeat(60_000)}x`],
    ["blanks behind a language", `\`\`\`js${" ".repeat(60_000)}\n(`],
    ["invisible characters", `return ${"\u200b".repeat(20_000)}(`],
    ["fences with prose", "```js\nx y\n``` z\n".repeat(3_000)],
    // Read in quadratic time, each of these takes more than the timeout.
  ])("%s", { timeout: 4_000 }, async (_what, code) => {
    expect(await compile(code)).toMatchObject({ ok: false });
  });
});
