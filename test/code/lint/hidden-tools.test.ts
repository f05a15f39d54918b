/** Variables that bear the name of a tool server. */
import { describe, expect, it } from "vitest";
import { said, useChecked } from "../helpers/checked.ts";

const check = useChecked();

const ARGS = "{ owner: 'o', repo: 'r' }";
const USERS = "const { users } = await slack.search_users({ query: 'a' });\n";

describe("a variable that hides a tool server and is used like it refuses the program", () => {
  it.each<[what: string, code: string, at: string]>([
    [
      "a constant",
      `const github = await slack.search_users({ query: 'a' });\nreturn await github.list_issues(${ARGS})`,
      "2:14",
    ],
    [
      "the program's input",
      `let slack = input.slack;\nreturn await slack.post_message({ channel: 'c', text: 't' })`,
      "2:14",
    ],
    [
      "a parameter",
      `const f = async (github) => await github.list_issues(${ARGS});\nreturn await f(await slack.search_users({ query: 'a' }))`,
      "1:35",
    ],
    [
      "a callback's parameter",
      `${USERS}return await Promise.all(users.map((github) => github.list_issues(${ARGS})))`,
      "2:48",
    ],
    ["a loop's variable", `${USERS}for (const github of users) await github.get_issue(${ARGS})`, "2:35"],
    ["part of a result", `${USERS}const [{ github }] = users;\nreturn await github.list_repos({})`, "3:14"],
    [
      "a local tool's name",
      "const calculator = 3;\nreturn await calculator({ operation: 'add', a: 1, b: 2 })",
      "2:14",
    ],
  ])("%s", async (_what, code, at) => {
    const outcome = await check(code);
    expect(outcome.ok).toBe(false);
    expect(said(outcome)[0]).toMatch(
      new RegExp(
        `^error - at ${at}: (\\w+) is a variable here and hides the tool(?: server)? \\1: rename the variable\\.$`,
      ),
    );
  });

  it.each([
    "const github = await github.list_repos({});\nreturn github",
    "const { github } = await github.get_issue({ owner: 'o', repo: 'r', number: 1 });\nreturn github",
    "const r = await github.list_repos({});\nconst github = r[0];\nreturn github",
  ])("also where it would be used in its own value: %j", async (code) => {
    const outcome = await check(code);
    expect(outcome.ok).toBe(false);
    expect(said(outcome)[0]).toMatch(
      /github is a variable here and not the tool server or tool: rename the variable/,
    );
  });

  it.each<[what: string, code: string]>([
    ["it is the server", "const github = tools.github;\nreturn await github.list_repos({})"],
    [
      "it is given the server",
      "const run = async (github) => await github.list_repos({});\nreturn await run(github)",
    ],
    [
      "it may be a server",
      "for (const slack of [tools.slack]) await slack.post_message({ channel: 'c', text: 't' })",
    ],
    ["it is only read", "const github = { name: 'x' };\nreturn github.name"],
    [
      "its methods are a value's own",
      `${USERS}const github = users.github;\nreturn github.map((each) => each.name)`,
    ],
    ["it is made of functions", "const github = { list_issues: () => [1] };\nreturn github.list_issues()"],
  ])("but not where %s", async (_what, code) => {
    const outcome = await check(code);
    expect(outcome.ok, said(outcome).join("\n")).toBe(true);
  });
});
