/** Tools by names of other hosts: the check says what to write, and names only what may be used. */
import { describe, expect, it } from "vitest";
import { renderDeclarations } from "../../src/code/declare/declarations.ts";
import { buildCatalog } from "../../src/tools/catalog.ts";
import { declare, said, useChecked, useCompiler } from "./helpers/checked.ts";
import { source } from "./helpers/tools.ts";

const check = useChecked();
const compile = useCompiler();

describe("a tool by another host's name is refused with the right one", () => {
  it.each<[code: string, write: string]>([
    ["tools.github__list_issues({})", "github.list_issues(…)"],
    ["tools['github__list_issues']({})", "github.list_issues(…)"],
    ["tools.list_issues({})", "github.list_issues(…)"],
    ["tools.mcp.github.list_issues({})", "github.list_issues(…)"],
    ["tools.calculator({})", "calculator(…)"],
    ["github__list_issues({})", "github.list_issues(…)"],
    ["mcp__github__list_issues({})", "github.list_issues(…)"],
    ["githubListIssues({})", "github.list_issues(…)"],
    ["listIssues({})", "github.list_issues(…)"],
    ["codemode.list_issues({})", "github.list_issues(…)"],
    ["codemode.github.listIssues({})", "github.list_issues(…)"],
    ["functions.github__list_issues({})", "github.list_issues(…)"],
    ["functions.list_issues({})", "github.list_issues(…)"],
    ["mcp.github.list_issues({})", "github.list_issues(…)"],
    ["default_api.post_message({})", "slack.post_message(…)"],
    ["client.callTool('list_issues', { owner: 'o' })", "github.list_issues(…)"],
    ["client.callTool({ name: 'post_message', arguments: {} })", "slack.post_message(…)"],
    ["callTool('slack', 'post_message', {})", "slack.post_message(…)"],
    ["use_mcp_tool({ server_name: 'github', tool_name: 'list_issues' })", "github.list_issues(…)"],
    ["github.tools.list_issues({})", "github.list_issues(…)"],
    ["github.github__list_issues({})", "github.list_issues(…)"],
    ["slack.list_issues({})", "github.list_issues(…)"],
    ["local.calculator({})", "calculator(…)"],
    ["context.github.list_issues({})", "github.list_issues(…)"],
  ])("%s", async (code, write) => {
    const outcome = await check(`return await ${code}`);
    expect(outcome).toMatchObject({ ok: false, code: "type_error" });
    expect(outcome).toMatchObject({ message: expect.stringContaining(`Write ${write}.`) });
  });

  it.each([
    "const { listIssues } = github; return await listIssues({})",
    "const name = 'listIssues'; return await github[name]({})",
  ])("%s", async (code) => {
    expect(await check(code)).toMatchObject({
      message: 'github has no tool "listIssues". Did you mean list_issues?',
    });
  });

  it("and a bare name that two servers have is told with both", async () => {
    const tools = buildCatalog(
      ["web", "docs"].map((server) => ({ server, tools: [source("search", { type: "object" })] })),
      { readOnly: [], idempotent: [] },
    ).tools;
    const outcome = await check("return await search({})", "error", declare(renderDeclarations(tools)));
    expect(outcome).toMatchObject({
      message: '"search" is not defined. Write docs.search(…) or web.search(…).',
    });
  });

  it("a method of a tool is told to be none, and a module by a tool server's name to be a global", async () => {
    expect(await check("return await github.list_repos.execute({})")).toMatchObject({
      message: "github.list_repos is a tool: call it, github.list_repos(…).",
    });
    expect(await check("const gh = require('github'); return await gh.list_repos({})")).toMatchObject({
      message: "require does not exist here. github is a global: use it as it is.",
    });
  });

  it("a name of the program itself is what a slip means", async () => {
    expect(await check("const results = [1]; return result.length")).toMatchObject({
      message: expect.stringMatching(/^result does not exist here\..* Did you mean results\?$/),
    });
  });
});

describe("what there is instead", () => {
  it.each<[code: string, message: RegExp]>([
    ["return crypto.subtle.digest('SHA-256', x)", /^crypto has no "subtle" here; it has randomUUID/],
    ["return fs.readFileSync('/a')", /Node\.js.* Tools for it: analyzeFile\.$/],
    ["return new Response('x')", /^Response does not exist here\. There is no network here/],
    ["return True", /^True does not exist here\. Write true\.$/],
    ["return args.id", /^args does not exist here\. Values come in by `input`\.$/],
  ])("%s", async (code, message) => {
    expect(await check(code)).toMatchObject({ ok: false, message: expect.stringMatching(message) });
  });
});

it("a server that may not be used is in no list and no suggestion", async () => {
  const { tools } = buildCatalog([{ server: "shop", tools: [source("order", { type: "object" })] }], {
    readOnly: [],
    idempotent: [],
  });
  const types = declare(renderDeclarations(tools, [{ name: "vault", global: "vault", type: "{}" }]));
  const compiled = await compile({
    ...{ code: "import { x } from 'y'; return x", sourceBytes: 1_000, check: null },
    ...{ globals: ["shop", "vault", "tools"], hidden: ["vault"] },
  });
  expect(compiled).toMatchObject({ ok: false, hint: "Tools are globals: shop." });
  for (const code of ["vaul.open({})", "nothing({})", "tools.nothing.here({})", "tools.vaul.open({})"]) {
    const outcome = await check(`return await ${code}`, "error", types);
    expect(outcome.ok).toBe(false);
    expect(JSON.stringify(outcome).replaceAll(code, "")).not.toMatch(/vault/);
  }
});

describe("an import", () => {
  it.each<[code: string, hint: string]>([
    [
      "import { list_issues } from 'github'; return await list_issues({})",
      "github is a global. Leave the import out, and write github.list_issues(…).",
    ],
    [
      "import { list_issues as list } from './github.js'; return await list({})",
      "github is a global. Leave the import out, and write github.list_issues(…).",
    ],
    [
      "import * as gh from '@tools/github'; return await gh.list_issues({})",
      "github is a global. Leave the import out, and write github in place of gh.",
    ],
    [
      "import gh from 'github'; return await gh.list_issues({})",
      "github is a global. Leave the import out, and write github in place of gh.",
    ],
    [
      "import axios from 'axios'; return await axios.get('x')",
      "There is no network here: call a tool instead.",
    ],
    [
      "import fs from 'node:fs'; return fs.readFileSync('x')",
      "This is not Node.js: there are no modules, files or processes. Tools are the only way out.",
    ],
    [
      "import _ from 'lodash'; return _.sum([1])",
      "There are no libraries here: plain arrays, objects and Maps do the same.",
    ],
  ])("%s is told what to write", async (code, hint) => {
    expect(await check(code, "off")).toMatchObject({
      ...{ ok: false, code: "syntax_error" },
      hint: `${hint} Tools are globals: github, slack, analyzeFile, calculator.`,
    });
  });

  it("by which another tool than the named one would run is refused", async () => {
    for (const code of [
      "import { calculator } from 'github'; return await calculator({})",
      "import { list_issues as calculator } from 'tools'; return await calculator({})",
      "import slack from 'github'; return await slack.list_issues({})",
    ])
      expect(await check(code, "off")).toMatchObject({ ok: false, code: "syntax_error" });
    for (const code of [
      "import github from 'github'; return await github.list_repos({})",
      "import { github, slack } from 'tools'; return [github, slack].length",
    ])
      expect(await check(code, "off")).toMatchObject({ ok: true });
  });

  it("of a module, written as a call, names the global", async () => {
    expect(await check("const { list_repos } = await import('github'); return list_repos")).toMatchObject({
      message: "import() does not work here. github is a global: use it as it is.",
    });
  });
});

describe("a server's global answers to the names its server gave", () => {
  it.each([
    'return await slack["search-users"]({ query: "a" })',
    'const { "search-users": search } = slack; return await search({ query: "a" })',
    'const name = "search-users"; return await slack[name]({ query: "a" })',
    'const search = slack["search-users"]; return await search({ query: "a" })',
  ])("%s", async (code) => {
    expect(await check(code)).toMatchObject({ ok: true });
  });
});

describe("a variable that is assigned and never declared is told how it is declared", () => {
  it.each([
    [
      "users = await github.list_repos({}); return users",
      '"users" is not declared: write const users = …, or let if it changes.',
    ],
    [
      "list_repos = await github.list_repos({}); return list_repos",
      '"list_repos" is not declared: write const list_repos = …, or let if it changes.',
    ],
    [
      "({ issues } = await github.list_issues({ owner: 'o', repo: 'r' })); return issues",
      '"issues" is not declared: write const { issues } = …, or let if it changes.',
    ],
    ["[a, b] = [1, 2]; return a + b", '"a" is not declared: write const [a] = …, or let if it changes.'],
    ["for (r of [1, 2]) console.log(r)", '"r" is not declared: write for (const r of …).'],
    ["for (i = 0; i < 2; i++) console.log(i)", '"i" is not declared: write for (let i = …).'],
    ["let total = 0; totl = 5; return total", '"totl" is not defined. Did you mean total?'],
    ["n += 1; return n", '"n" is not defined.'],
  ])("%s", async (code, message) => {
    expect(await check(code)).toMatchObject({ ok: false, code: "type_error", message });
  });
});

describe("a private name is no variable, whatever it is called", () => {
  it.each([
    "class Queue { #q = []; size() { return this.#q.length } }\nconst q = new Queue(); return q.size()",
    "const n = 1; class Counter { #n = 0; next() { this.#n += 1; this.#n++; return this.#n } } return new Counter().next() + n",
    "class Hub { #github = github; list() { return this.#github.list_repos({}) } } return await new Hub().list()",
    "class Box { #fetch = 1; #process = 2; #require() { return this.#fetch + this.#process } go() { return this.#require() } } return new Box().go()",
    "class Box { static is(o) { return #input in o } #input = 1 } return Box.is(new Box())",
  ])("%s", async (code) => {
    expect(said(await check(code)).filter((each) => each.startsWith("error"))).toEqual([]);
  });
});
