/** Programs against the tools' declarations, through a real compiler process and the real type checker. */
import { describe, expect, it } from "vitest";
import { diagnosticsOf, said, useChecked } from "./helpers/checked.ts";

const check = useChecked();

const LIST = "const r = await github.list_issues({ owner: 'o', repo: 'r' });\n";
const SIGNATURE = /github\.list_issues\(args: \{ owner: string; repo: string; state\?: /;

/** What models do wrong, and whether it is refused, warned of, or not seen before the run. */
const mistakes: readonly (readonly [
  what: string,
  code: string,
  seen: "error" | "warning",
  at: string,
  message: RegExp,
])[] = [
  [
    "a tool by another spelling",
    "return await github.listIssues({ owner: 'o', repo: 'r' })",
    "error",
    "1:21",
    /^github has no tool "listIssues"\. Did you mean list_issues\? github\.list_issues\(args:/,
  ],
  [
    "digits of a number that a number can hold",
    "return await calculator({ operation: 'add', a: '9007199', b: 1 })",
    "error",
    "1:45",
    /^calculator: "a" must be number, not string/,
  ],
  [
    "a tool that is not there",
    "return await github.merge({ id: 1 })",
    "error",
    "1:21",
    /^github has no tool "merge"\. It has create_issue, get_issue, list_issues, list_repos\.$/,
  ],
  [
    "a server by another name",
    "return await git.list_issues({})",
    "error",
    "1:14",
    /^"git" is not defined\. Did you mean github\?/,
  ],
  [
    "a tool without its server",
    "return await list_issues({ owner: 'o', repo: 'r' })",
    "error",
    "1:14",
    /^"list_issues" is not defined\. Write github\.list_issues\(…\)\./,
  ],
  [
    "a server as a tool",
    "return await github({ owner: 'o' })",
    "error",
    "1:14",
    /^github is a server, not a tool/,
  ],
  [
    "a tool by a wrong original name",
    "return await tools['slack']['search-user']({ query: 'a' })",
    "error",
    "1:29",
    /^tools\.slack has no tool "search-user"\. Did you mean search-users\?/,
  ],
  [
    "a search by another spelling",
    "return await tools.serch('issues')",
    "error",
    "1:20",
    /^tools has no server "serch"\. Did you mean search\?/,
  ],
  [
    "a search with an object, as tools are called",
    "return await tools.search({ query: 'issues' })",
    "error",
    "1:27",
    /^tools\.search takes \(query, options\?\), in this order, not \{ query: string; \}\. tools\.search\(query: string/,
  ],
  [
    "a field that a found tool has not",
    "return (await tools.search('issues')).map((found) => found.name)",
    "error",
    "1:60",
    /^The result has no "name"; it is \{ tool, callable, description, signature \}\.$/,
  ],
  [
    "a run by another method",
    "return await runs.get('run_1')",
    "error",
    "1:19",
    /^runs has no "get"; it has result\.$/,
  ],
  [
    "fetch",
    "return await fetch('https://example.com')",
    "error",
    "1:14",
    /^fetch does not exist here\. There is no network/,
  ],
  [
    "require",
    "const fs = require('fs');\nreturn fs.readFileSync('/a')",
    "error",
    "1:12",
    /^require does not exist here\. This is not Node\.js/,
  ],
  ["process.env", "return process.env.TOKEN", "error", "1:8", /^process does not exist here/],
  [
    "a variable that was never declared",
    "const res = await github.list_repos({});\nreturn resp.length",
    "error",
    "2:8",
    /^"resp" is not defined\. Did you mean res\?/,
  ],
  [
    "a missing argument",
    "return await github.list_issues({ owner: 'o' })",
    "error",
    "1:33",
    /^github\.list_issues needs "repo" \(string\)\. github/,
  ],
  [
    "no argument at all",
    "return await github.list_issues()",
    "error",
    "1:21",
    /^github\.list_issues takes one object: github\.list_issues\(\{ owner, repo \}\)\./,
  ],
  [
    "an argument by another spelling",
    "return await github.list_issues({ owner: 'o', repo: 'r', perPage: 3 })",
    "error",
    "1:58",
    /^github\.list_issues takes no "perPage"; did you mean per_page\?/,
  ],
  [
    "an argument that is not there",
    "return await slack.post_message({ channel: 'c', text: 't', as_user: true })",
    "error",
    "1:60",
    /^slack\.post_message takes no "as_user"\. It takes channel, text\./,
  ],
  [
    "an argument of the wrong type",
    "return await github.get_issue({ owner: 'o', repo: 'r', number: '7' })",
    "error",
    "1:56",
    /^github\.get_issue: "number" must be number, not string\./,
  ],
  [
    "a value outside the enumeration",
    "return await github.list_issues({ owner: 'o', repo: 'r', state: 'opened' })",
    "error",
    "1:58",
    /^github\.list_issues: "state" must be .*"open".*, not "opened"\./,
  ],
  [
    "one value where a list is taken",
    "return await github.create_issue({ owner: 'o', repo: 'r', title: 't', labels: 'bug' })",
    "error",
    "1:71",
    /^github\.create_issue: "labels" must be string\[\], not string\./,
  ],
  [
    "arguments in order",
    "return await github.list_issues('o', 'r')",
    "error",
    "1:38",
    /^github\.list_issues takes one object/,
  ],
  [
    "an object where arguments are in order",
    "return await analyzeFile({ path: '/a' })",
    "error",
    "1:26",
    /^analyzeFile takes \(path\), in this order/,
  ],
  [
    "a result that was not awaited",
    "const r = github.list_issues({ owner: 'o', repo: 'r' });\nreturn r.issues.length",
    "error",
    "2:10",
    /^r is a Promise: add await/,
  ],
  [
    "map with promises",
    "const is = [1, 2].map((n) => github.get_issue({ owner: 'o', repo: 'r', number: n }));\nreturn is.map((i) => i.title)",
    "error",
    "2:24",
    /^i is a Promise: add await, or for an array of them await Promise\.all/,
  ],
  [
    "a result that is taken for an array",
    `${LIST}return r.map((i) => i.title)`,
    "error",
    "2:10",
    /^The result has no "map"; it is \{ issues: \[…\], next_page \}\. Use r\.issues\.map\.$/,
  ],
  [
    "a loop over a result that is none",
    `${LIST}for (const i of r) console.log(i)`,
    "error",
    "2:17",
    /^The result is not an array; it is \{ issues: \[…\], next_page \}/,
  ],
  [
    "the protocol's envelope around a result",
    `${LIST}return r.content[0].text`,
    "error",
    "2:10",
    /^The result has no "content"/,
  ],
  [
    "a field by another spelling",
    `${LIST}return r.issues.map((i) => i.titel)`,
    "error",
    "2:30",
    /^The result has no "titel"\. Did you mean title\?$/,
  ],
  [
    "a field that is taken out of a result",
    "const { items } = await github.list_issues({ owner: 'o', repo: 'r' });\nreturn items",
    "error",
    "1:9",
    /^The result has no "items"; it is \{ issues: \[…\], next_page \}/,
  ],
  [
    "a field of an array",
    "const r = await github.list_repos({});\nreturn r.items",
    "error",
    "2:10",
    /^The result is an array, which has no "items"; its elements are \{ name, stars \}/,
  ],
  [
    "parsing what is parsed",
    `${LIST}return JSON.parse(r)`,
    "error",
    "2:19",
    /^The result is already a value, not JSON text: remove JSON\.parse\.$/,
  ],
  [
    "a loop over a promise",
    "for (const i of github.list_repos({})) console.log(i)",
    "error",
    "1:17",
    /^github\.list_repos\(…\) returns a Promise: add await\.$/,
  ],
  [
    "what may be null",
    `${LIST}return r.issues[0].assignee.login`,
    "warning",
    "2:8",
    /^r\.issues\[0\]\.assignee can be missing/,
  ],
  [
    "a comparison that is never true",
    `${LIST}return r.issues.filter((i) => i.state === 'OPEN')`,
    "warning",
    "2:31",
    /is never true/,
  ],
  [
    "a promise among values",
    "return { issues: github.list_repos({}) }",
    "error",
    "1:18",
    /is a Promise here: add await/,
  ],
  [
    "a call that nobody awaits",
    "slack.post_message({ channel: 'c', text: 't' });\nreturn 1",
    "warning",
    "1:1",
    /is not awaited: add await/,
  ],
  [
    "a plain string for an enumeration",
    "const q = { owner: 'o', repo: 'r', state: 'open' };\nreturn await github.list_issues(q)",
    "warning",
    "2:33",
    /"state" must be/,
  ],
];

describe("a typical mistake is found before the run", () => {
  it.each(mistakes)("%s", async (_what, code, severity, at, message) => {
    const outcome = await check(code);
    const [first] = diagnosticsOf(outcome);
    expect(said(outcome)[0]).toBeDefined();
    expect(`${first?.line}:${first?.column}`).toBe(at);
    expect(first?.severity).toBe(severity);
    expect(first?.message).toMatch(message);
    expect(outcome.ok).toBe(severity === "warning");
    if (!outcome.ok)
      expect(outcome).toMatchObject({ code: "type_error", line: first?.line, column: first?.column });
  });

  it("in most cases", async () => {
    const outcomes = await Promise.all(mistakes.map(([, code]) => check(code)));
    const refused = outcomes.filter(({ ok }) => !ok).length;
    const seen = outcomes.filter((outcome) => diagnosticsOf(outcome).length > 0).length;
    console.log(`typical mistakes: ${refused} of ${outcomes.length} refused before the run, ${seen} seen`);
    expect(outcomes.length).toBeGreaterThanOrEqual(28);
    expect(seen / outcomes.length).toBeGreaterThanOrEqual(0.95);
  });
});

describe("a refusal", () => {
  it("shows the tool's signature, once, and never TypeScript's own description of a type", async () => {
    const outcome = await check("return await github.list_issues({ owner: 'o', state: 'x' })");
    if (outcome.ok) throw new Error("it was not refused");
    expect(outcome.hint).toMatch(SIGNATURE);
    expect(outcome.message).not.toMatch(SIGNATURE);
    for (const text of said(outcome)) {
      expect(text).not.toMatch(/assignable|'\{/);
      expect(text.length).toBeLessThan(600);
    }
  });

  it("points into the author's text: in a fence, after prose, inside a function that is called for them", async () => {
    const outcome = await check(
      "Here:\n\n```ts\nexport default async () => {\n  const n: number = 1;\n  return await github.list_isues({ owner: `${n}`, repo: 'r' });\n}\n```\n",
    );
    expect(outcome).toMatchObject({ ok: false, code: "type_error", line: 6, column: 23 });
  });

  it("counts columns in UTF-16 units", async () => {
    const outcome = await check("const s = '🙂é'; return s + resp");
    expect(outcome).toMatchObject({ code: "type_error", line: 1, column: 29 });
  });

  it("names one fault per line, in order, five of them, and how many more there are", async () => {
    const lines = Array.from({ length: 8 }, (_, n) => `missing${n}(); other${n}();`);
    const outcome = await check(lines.join("\n"));
    expect(
      diagnosticsOf(outcome)
        .filter(({ severity }) => severity === "error")
        .map(({ line }) => line),
    ).toEqual([1, 2, 3, 4, 5]);
    expect(said(outcome)).toContainEqual("note - at 6:1: and 3 more errors");
  });

  it("is never for what was added to the author's text", async () => {
    expect(said(await check("async function main(options) { return [] }"))).toEqual([]);
  });

  it("is a warning when the request says so, and nothing when it says off", async () => {
    const code = "return await github.list_isues({})";
    const warned = await check(code, "warn");
    expect(warned.ok).toBe(true);
    expect(said(warned)).toEqual([
      expect.stringMatching(/^warning 2551 at 1:21: github has no tool "list_isues"/),
    ]);
    const silent = await check(code, "off");
    expect(silent.ok).toBe(true);
    expect(said(silent)).toEqual([]);
  });
});

describe("a good program passes", () => {
  const good: readonly (readonly [what: string, code: string])[] = [
    [
      "plain calls and a filter",
      `${LIST}return r.issues.filter((i) => i.state === "open").map((i) => i.title)`,
    ],
    [
      "an array that grows",
      `const out = [];\n${LIST}for (const i of r.issues) out.push({ n: i.number, t: i.title });\nreturn out`,
    ],
    [
      "an object that grows",
      `const byState = {};\n${LIST}for (const i of r.issues) { byState[i.state] = (byState[i.state] || 0) + 1; }\nreturn byState`,
    ],
    [
      "properties set one by one",
      "const args = {};\nargs.owner = 'o';\nargs.repo = 'r';\nreturn await github.list_issues(args)",
    ],
    [
      "results that are given a field",
      `${LIST}for (const i of r.issues) i.score = i.labels.length;\nreturn r.issues.sort((a, b) => b.score - a.score)`,
    ],
    [
      "calls in parallel",
      "const [a, b] = await Promise.all([github.list_repos({}), github.list_issues({ owner: 'o', repo: 'r' })]);\nreturn a.length + b.issues.length",
    ],
    [
      "calls in parallel by map",
      "const is = await Promise.all([1, 2].map((n) => github.get_issue({ owner: 'o', repo: 'r', number: n })));\nreturn is.map((i) => i.title)",
    ],
    [
      "settled promises",
      "const rs = await Promise.allSettled([1, 2].map((number) => github.get_issue({ owner: 'o', repo: 'r', number })));\nreturn rs.filter((x) => x.status === 'fulfilled').map((x) => x.value.title)",
    ],
    [
      "pages",
      "let page = 1;\nconst all = [];\nwhile (true) {\n  const r = await github.list_issues({ owner: 'o', repo: 'r', per_page: page });\n  all.push(...r.issues);\n  if (!r.next_page) break;\n  page = r.next_page;\n}\nreturn all.length",
    ],
    [
      "a result of unknown shape",
      "const us = await slack.search_users({ query: 'ann' });\nreturn us.users[0].profile.email",
    ],
    ["parsed JSON", "const data = JSON.parse(input.text);\nreturn data.items.map((x) => x.id)"],
    ["reduce", `${LIST}return r.issues.reduce((sum, i) => sum + i.labels.length, 0)`],
    [
      "reduce to an object",
      `${LIST}return r.issues.reduce((acc, i) => { acc[i.title] = i.number; return acc; }, {})`,
    ],
    [
      "a Map",
      `const m = new Map();\n${LIST}for (const i of r.issues) m.set(i.state, (m.get(i.state) ?? 0) + 1);\nreturn Object.fromEntries(m)`,
    ],
    ["a Set", `${LIST}return [...new Set(r.issues.flatMap((i) => i.labels))].sort()`],
    [
      "optional fields",
      `${LIST}return r.issues.map((i) => i.assignee?.login ?? "nobody").concat(r.issues.map((i) => i.body?.slice(0, 10) || ""))`,
    ],
    ["a defensive reading", `${LIST}const list = r.items ?? r.data ?? r.issues;\nreturn list.length`],
    [
      "a test of what came",
      "const r = await slack.search_users({ query: 'a' });\nconst list = Array.isArray(r) ? r : r.users;\nreturn list.length",
    ],
    [
      "a caught failure",
      "try {\n  await slack.post_message({ channel: 'c', text: 't' });\n} catch (e) {\n  if (e instanceof ToolError && e.kind === 'denied') return 'denied: ' + e.message;\n  return e.code || e.message;\n}",
    ],
    [
      "functions without types",
      "function top(list, n = 3) { return list.slice(0, n); }\nconst pick = (o, keys) => keys.map((k) => o[k]);\nconst repos = await github.list_repos({});\nreturn top(repos).map((r) => pick(r, ['name', 'stars']))",
    ],
    [
      "functions with types",
      "interface Row { name: string; stars: number }\nconst best = (rows: Row[]): Row | undefined => rows.sort((a, b) => b.stars - a.stars)[0];\nreturn best(await github.list_repos({}))?.name",
    ],
    [
      "any everywhere",
      "const r: any = await github.list_issues({ owner: 'o', repo: 'r' } as any);\nconst f = (x: any): any => x.whatever.there.is;\nreturn r.anything ? f(r) : (r as any).nothing",
    ],
    ["a type nobody declared", "const rows: Issue[] = [];\nreturn rows.length"],
    ["a computed call", "const op = input.op;\nreturn await calculator({ operation: op, a: 1, b: 2 })"],
    [
      "an uncalled main",
      "async function main() {\n  const { issues } = await github.list_issues({ owner: 'o', repo: 'r' });\n  return issues.length;\n}",
    ],
    [
      "a class",
      "class Counter {\n  #n = 0;\n  add() { this.#n++; return this; }\n  get n() { return this.#n; }\n}\nreturn new Counter().add().n",
    ],
    [
      "dates and text",
      "const t = new Date(input.at);\nreturn `${t.toISOString().slice(0, 10)}: ${(Date.now() - t) / 1000}`",
    ],
    [
      "timers",
      "for (let i = 0; i < 3; i++) await sleep(10);\nconst id = setTimeout(() => console.log('late'), 5);\nclearTimeout(id);\nreturn crypto.randomUUID().length",
    ],
    ["original names", "return await tools['slack']['search-users']({ query: 'a' })"],
    [
      "a local tool with its arguments in order",
      "const files = ['/a', '/b'];\nreturn await Promise.all(files.map((f) => analyzeFile(f)))",
    ],
    [
      "a request that may or may not filter",
      "const state = input.all ? 'all' : 'open';\nconst extra = input.n ? { per_page: input.n } : {};\nreturn await github.list_issues({ owner: 'o', repo: 'r', state, ...extra })",
    ],
    [
      "what a newer language has",
      "const groups = Object.groupBy([1, 2, 3], (n) => (n % 2 ? 'odd' : 'even'));\nreturn [Object.keys(groups), [3, 1].toSorted(), new Set([1]).union(new Set([2])).size, [1, 2].values().map((n) => n * 2).toArray()]",
    ],
    [
      "a function whose parameters need not be given",
      "async (options = {}, n?: number) => {\n  return { options, n, repos: await github.list_repos({}) };\n}",
    ],
    ["a look at what is there", "return typeof process !== 'undefined' ? process.version : typeof fetch"],
    [
      "generators and iterators",
      "function* ids() { let i = 0; while (i < 3) yield i++; }\nreturn [...ids()]",
    ],
    [
      "digits of a number that no number can hold",
      "const b = '-9007199254740993';\nreturn await calculator({ operation: 'add', a: '9007199254740993', b })",
    ],
    [
      "a loop over entries",
      `${LIST}for (const [k, v] of Object.entries(r)) console.log(k, v);\nreturn Object.keys(r)`,
    ],
  ];

  it.each(good)("%s", async (_what, code) => {
    const outcome = await check(code);
    expect(outcome.ok, said(outcome).join("\n")).toBe(true);
    expect(said(outcome).filter((text) => text.startsWith("error"))).toEqual([]);
  });

  it("however it is written: 25 of them and more", () => {
    expect(good.length).toBeGreaterThanOrEqual(25);
  });
});
