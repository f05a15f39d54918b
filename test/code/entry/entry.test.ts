/** A program that is a function is called with what its parameters ask for, or refused with what is missing. */
import { describe, expect, it } from "vitest";
import { inputShape, noInput, unknownInput } from "../../../src/code/syntax/input-shape.ts";
import { declarations, diagnosticsOf, said, useChecked } from "../helpers/checked.ts";
import { compiled, evaluate } from "../helpers/programs.ts";

const check = useChecked();

const github = {
  list_repos: async () => [{ name: "a", stars: 1 }],
  get_issue: async (args: unknown) => ({ args }),
};
const slack = { post_message: async () => ({ ok: true, ts: "1" }) };

/** What a checked program returns; its text for one that is refused. */
async function run(code: string, input?: unknown): Promise<unknown> {
  const outcome = await check(code, "error", declarations, inputShape(input, code));
  if (!outcome.ok) return said(outcome)[0];
  const tools = { github, slack };
  return await evaluate(outcome.program, { github, slack, tools, input: input ?? null });
}

const owner = { owner: "ann", repo: "shop" };

describe("the function that is the program gets what its parameters ask for", () => {
  it.each<[form: string, code: string, input: unknown, value: unknown]>([
    [
      "fields of input by their names, and defaults for the others",
      "export default async function main(name, n = 3) { return [name, n] }",
      { name: "x" },
      ["x", 3],
    ],
    ["a field in the place of a default", "(name, n = 3) => [name, n]", { name: "x", n: 5 }, ["x", 5]],
    ["fields in any order", "async function f(repo, owner) { return [owner, repo] }", owner, ["ann", "shop"]],
    ["typed fields", "function f(owner: string, repo?: string) { return owner + repo }", owner, "annshop"],
    ["input by its own name", "async function run(input) { return input.owner }", owner, "ann"],
    [
      "input for the one parameter of another name",
      "function main(args) { return args.owner }",
      owner,
      "ann",
    ],
    ["input for a parameter without parentheses", "async ctx => ctx.repo", owner, "shop"],
    ["input for a parameter with an empty default", "(opts = {}) => opts.owner", owner, "ann"],
    [
      "an event, and a context that nobody reads",
      "export const handler = async (event, context) => event.repo",
      owner,
      "shop",
    ],
    ["input that is no object", "(ids: number[]) => ids.length", [1, 2], 2],
    ["input that is a text", "function main(url) { return url }", "https://x", "https://x"],
    ["a default where the input is of another kind", "(n = 3) => n", owner, 3],
    ["a default where the input is of its kind", "(n = 3) => n", 4, 4],
    ["input taken apart", "({ owner, repo }) => owner + repo", owner, "annshop"],
    ["input taken apart, with its type", "async ({ owner }: { owner: string }) => owner", owner, "ann"],
    ["fields under other names", "async ({ owner: o, 'repo': r }) => [o, r]", owner, ["ann", "shop"]],
    ["defaults inside", "({ owner, limit = 10 }) => [owner, limit]", owner, ["ann", 10]],
    ["fields of fields", "({ page: { size, at = 1 } }) => [size, at]", { page: { size: 5 } }, [5, 1]],
    ["the rest of the fields", "({ owner, ...rest }) => [owner, rest]", owner, ["ann", { repo: "shop" }]],
    ["a default for all of it", "({ limit = 10 } = {}) => limit", undefined, 10],
    ["elements of an array", "([a, b]) => a + b", [1, 2], 3],
    ["rest parameters", "(...args) => args", [1, 2], [1, 2]],
    ["rest parameters for one object", "async (...args) => args[0].owner", owner, "ann"],
    ["rest parameters for nothing", "(...args) => args.length", undefined, 0],
    ["a field for rest parameters", "(...ids) => ids", { ids: [1, 2] }, [1, 2]],
    ["a server", "async ({ github }) => (await github.list_repos({})).length", undefined, 1],
    [
      "a server and a field",
      "async ({ github, owner }) => [(await github.list_repos({})).length, owner]",
      owner,
      [1, "ann"],
    ],
    [
      "servers, then input",
      "async ({ github, slack }, input) => [typeof github, typeof slack, input.owner]",
      owner,
      ["object", "object", "ann"],
    ],
    [
      "servers, then input of another name",
      "async ({ github, slack }, args) => [typeof github, typeof slack, args.owner]",
      owner,
      ["object", "object", "ann"],
    ],
    [
      "a server as a parameter",
      "async (github, owner) => [typeof github.list_repos, owner]",
      owner,
      ["function", "ann"],
    ],
    [
      "a server under another name",
      "async ({ github: gh }) => (await gh.list_repos({})).length",
      undefined,
      1,
    ],
    ["all tools", "module.exports = async ({ tools }) => typeof tools.github", undefined, "object"],
    ["all tools as a parameter", "export default async (tools) => typeof tools.github", undefined, "object"],
    [
      "a server out of all tools",
      "async ({ tools: { github } }) => typeof github.list_repos",
      undefined,
      "function",
    ],
    [
      "input and tools",
      "async function run({ input, tools }) { return [input.owner, typeof tools.slack] }",
      owner,
      ["ann", "object"],
    ],
    [
      "input taken apart inside",
      "({ input: { owner }, github }) => [owner, typeof github]",
      owner,
      ["ann", "object"],
    ],
    ["a context with tools", "async (ctx) => typeof ctx.tools.github", undefined, "object"],
    [
      "a context with servers and fields",
      "async ctx => [typeof ctx.github.list_repos, ctx.owner]",
      owner,
      ["function", "ann"],
    ],
    [
      "a context that is taken apart inside",
      "async (context) => { const { github, input } = context; return [typeof github, input.repo] }",
      owner,
      ["object", "shop"],
    ],
    [
      "a context that is given away",
      "async (ctx) => { const all = (c) => Object.keys(c); return [typeof ctx.slack, all(ctx)] }",
      owner,
      ["object", ["owner", "repo", "slack"]],
    ],
    [
      "an event and a context",
      "export const handler = async (event, context) => [event.owner, typeof context.tools]",
      owner,
      ["ann", "object"],
    ],
    ["a field before a server of its name", "({ github }) => github", { github: "octocat" }, "octocat"],
    ["a parameter that is asked for before it is read", "(args) => args?.limit ?? 10", undefined, 10],
    ["the same, where there is input", "(args) => args?.limit ?? 10", { limit: 2 }, 2],
    ["a default for input", "async (input = {}) => Object.keys(input)", undefined, []],
    ["a field with a name that is no word", '({ "per-page": n }) => n', { "per-page": 7 }, 7],
    ["parameters that nobody reads", "async (a, b) => 1", undefined, 1],
    [
      "a parameter that is only a type's",
      "function f(this: void, owner: string) { return owner }",
      owner,
      "ann",
    ],
    [
      "fields for a function expression",
      "const main = async function (owner) { return owner }",
      owner,
      "ann",
    ],
    [
      "fields for a function behind a type",
      "const main = (async (owner) => owner) satisfies unknown;\nexport default main",
      owner,
      "ann",
    ],
    ["fields for an anonymous function", "async function (owner) { return owner }", owner, "ann"],
    ["a server that is set anew", "({ github }) => { github = 1; return github }", undefined, 1],
  ])("%s", async (_form, code, input, value) => {
    expect(await run(code, input)).toEqual(value);
  });

  it.each<[form: string, code: string, value: unknown]>([
    [
      "the one that is exported",
      "const a = () => 1;\nfunction b() { return 2 }\nexport async function run(owner) { return owner }",
      "ann",
    ],
    [
      "the one on a list of exports",
      "const a = () => 1;\nconst b = () => 2;\nfunction run(owner) { return owner }\nexport { run }",
      "ann",
    ],
    ["the one nobody uses", "const h = (x) => x + 1;\nasync function go(owner) { return h(owner) }", "ann1"],
    [
      "module.exports before its helpers",
      "module.exports = async (owner) => h(owner);\nfunction h(x) { return x }",
      "ann",
    ],
    ["exports.handler", "exports.handler = async (event) => event.owner", "ann"],
    [
      "module.exports of a name",
      "async function main({ owner }) { return owner }\nmodule.exports = main;",
      "ann",
    ],
    ["the one method of what is exported", "export default { async run({ owner }) { return owner } }", "ann"],
    ["the one member of module.exports", "const run = (owner) => owner;\nmodule.exports = { run };", "ann"],
    ["the one that is named last", "const run = (owner) => owner;\nrun", "ann"],
    ["the one that is returned", "const h = 1;\nreturn async ({ owner }) => owner + h;", "ann1"],
    ["the one that is returned by name", "async function run(owner) { return owner }\nreturn run", "ann"],
    [
      "the one that is exported and given a name",
      "const run = (owner) => owner;\nrun.title = 'x';\nexport default run",
      "ann",
    ],
  ])("%s is called", async (_form, code, value) => {
    expect(await run(code, owner)).toEqual(value);
  });

  it.each([
    "export default async function main() { count.push(1); return count.length }\nmain()",
    "export default async function main() { count.push(1); return count.length }\nreturn await main();",
    "async function main() { count.push(1); return count.length }\nawait main();\nexport default main;",
    "async function main() { count.push(1); return count.length }\nmodule.exports = main;\nmain();",
  ])("a function that the program calls itself is not called again: %j", async (code) => {
    const count: number[] = [];
    await evaluate(await compiled(code), { count });
    expect(count).toEqual([1]);
  });
});

describe("what cannot be filled is a type_error that says what is missing", () => {
  it.each<[what: string, code: string, input: unknown, at: string, message: RegExp]>([
    [
      "no input at all",
      "export default async function main(name) { return name }",
      undefined,
      "1:36",
      /main needs "name", and there is no input\. .*"input": \{"name": …\}/,
    ],
    [
      "no input for two",
      "(a, b) => [a, b]",
      undefined,
      "1:2",
      /The function needs "a", "b".*\{"a": …, "b": …\}/,
    ],
    [
      "no input, which is read",
      "function run(input) { return input.x }",
      undefined,
      "1:14",
      /run needs "input", and there is no input/,
    ],
    ["no input to take apart", "({ input: { x } }) => x", undefined, "1:13", /needs "x"/],
    [
      "a field that is not there",
      "(name, n) => name + n",
      { name: "x" },
      "1:8",
      /needs "n": the input has no such field; it has name\./,
    ],
    ["a slip", "({ nmae }) => nmae", { name: "x" }, "1:4", /Did you mean name\?/],
    ["a slip inside of input", "({ input: { nmae } }) => nmae", { name: "x" }, "1:13", /Did you mean name\?/],
    [
      "a server that is not there",
      "async ({ gitlab }) => gitlab.list()",
      undefined,
      "1:10",
      /needs "gitlab"/,
    ],
    [
      "two that are no fields",
      "(a, b) => a + b",
      { c: 1 },
      "1:2",
      /needs "a", "b": the input has no such field/,
    ],
    ["names for an array", "({ owner }) => owner", [1], "1:4", /the input is an array/],
    ["an array for a name's type", "(n: number) => n", owner, "1:2", /needs "n"/],
    ["elements of an object", "([a]) => a", owner, "1:2", /needs "\[a\]"/],
    [
      "a context's names for a text",
      "({ owner, github }) => [owner, github]",
      "x",
      "1:4",
      /needs "owner": the input is a string/,
    ],
  ])("%s", async (_what, code, input, at, message) => {
    const outcome = await check(code, "error", declarations, inputShape(input, code));
    expect(outcome).toMatchObject({ ok: false, code: "type_error" });
    const [first] = diagnosticsOf(outcome);
    expect(`${first?.line}:${first?.column}`).toBe(at);
    expect(first?.message).toMatch(message);
  });

  it("a program that is only looked at may get any input", async () => {
    for (const code of [
      "(name, n) => name + n",
      "({ github, x }) => [github, x]",
      "([a]) => a",
      "(a, b) => [a, b]",
    ])
      expect(await check(code, "error", declarations, unknownInput)).toMatchObject({ ok: true });
  });

  it("a program that is not checked is called all the same, with a warning", async () => {
    const outcome = await check("(name) => [name]", "warn", declarations, noInput);
    expect(outcome).toMatchObject({ ok: true });
    expect(said(outcome)).toEqual([expect.stringMatching(/^warning - at 1:2: The function needs "name"/)]);
    if (outcome.ok) expect(await evaluate(outcome.program, {})).toEqual([undefined]);
  });
});

describe("what a parameter gets has its type", () => {
  it.each<[form: string, code: string, at: string, message: RegExp]>([
    [
      "a server that is taken out",
      "async ({ github }) => github.list_isues({})",
      "1:30",
      /github has no tool "list_isues"/,
    ],
    [
      "a server among fields",
      "async ({ github, owner }) => github.get_issue({ owner })",
      "1:47",
      /get_issue needs/,
    ],
    ["a server as a parameter", "async (github) => github.get_issue({ owner: 1 })", "1:38", /owner/],
    ["a bare server", "async github => github.list_isues({})", "1:24", /github has no tool "list_isues"/],
    [
      "a function declaration",
      "export default async function main({ github, slack }) {\n  return await github.list_isues({});\n}",
      "2:23",
      /github has no tool "list_isues"/,
    ],
    [
      "all tools",
      "module.exports = async ({ tools }) => tools.github.list_isues({})",
      "1:52",
      /has no tool "list_isues"/,
    ],
    ["a result", "async ({ github }) => (await github.list_repos({})).items", "1:53", /array/],
  ])("%s", async (_form, code, at, message) => {
    const outcome = await check(code, "error", declarations, inputShape(owner, code));
    expect(outcome).toMatchObject({ ok: false, code: "type_error" });
    const [first] = diagnosticsOf(outcome);
    expect(first?.message).toMatch(message);
    expect(`${first?.line}:${first?.column}`).toBe(at);
  });

  it.each([
    "async ({ github: gh }) => gh.list_isues({})",
    "async (ctx) => ctx.github.list_isues({})",
    "async ctx => ctx.tools.github.list_isues({})",
  ])("a tool that is not there is at least warned of behind another name: %j", async (code) => {
    expect(said(await check(code))).toEqual([expect.stringMatching(/"list_isues"/)]);
  });

  it("the calls of a server that is a parameter are known before the run", async () => {
    const outcome = await check(
      "async ({ github, slack }) => [await github.list_repos({}), await slack.post_message({ channel: 'a', text: 'b' })]",
    );
    expect(outcome).toMatchObject({
      program: {
        toolReferences: [
          { root: "github", path: ["list_repos"], line: 1, column: 37 },
          { root: "slack", path: ["post_message"] },
        ],
      },
    });
  });
});
