/** Promises that only types see: through classes, own types and operators, also where a tool's result is unknown. */
import { describe, expect, it } from "vitest";
import { said, useChecked } from "../helpers/checked.ts";

const check = useChecked();

const CLASS = `class Desk {
  async users() { return await slack.search_users({ query: "a" }) }
  async open() { return true }
  async count() { return 1 }
}
const desk = new Desk();
`;

describe("a promise where its result is meant refuses the program", () => {
  it.each<[what: string, code: string, said: RegExp]>([
    [
      "a field of it",
      `${CLASS}const u = desk.users();\nreturn u.users`,
      /^error 2339 at 8:10: u is a Promise: add await/,
    ],
    [
      "a field of a call",
      `${CLASS}return desk.users().users`,
      /^error 2339 at 7:21: desk\.users\(\) is a Promise/,
    ],
    [
      "taking it apart",
      `${CLASS}const { users } = desk.users();\nreturn users`,
      /^error 2339 at 7:9: desk\.users\(\) is a Promise: add await/,
    ],
    [
      "an element of it",
      `${CLASS}const u = desk.users();\nreturn u[0].name`,
      /^error 7053 at 8:\d+: u is a Promise: add await/,
    ],
    [
      "an element by its name",
      `${CLASS}return desk.users()["users"]`,
      /^error 7053 at 7:\d+: desk\.users\(\) is a Promise/,
    ],
    [
      "a condition",
      `${CLASS}if (desk.open()) return 1;\nreturn 2`,
      /^error 2801 at 7:5: desk\.open\(\) is a Promise/,
    ],
    [
      "a sum",
      `${CLASS}return desk.count() + 1`,
      /^error 2365 at 7:8: desk\.count\(\) \+ 1 has a Promise where a value is meant/,
    ],
    [
      "a comparison",
      `${CLASS}return desk.count() === 1`,
      /^error 2367 at 7:8: desk\.count\(\) === 1 has a Promise/,
    ],
    [
      "a loop",
      `${CLASS}for (const u of desk.users()) console.log(u)`,
      /^error 2488 at 7:17: desk\.users\(\) is a Promise/,
    ],
    [
      "an async loop",
      `${CLASS}for await (const u of desk.users()) console.log(u)`,
      /^error 2504 at 7:23: desk\.users\(\) is a Promise/,
    ],
    [
      "what a typed Map holds",
      "const m = new Map<string, Promise<any>>();\nm.set('a', slack.search_users({ query: 'a' }));\nreturn [...m.values()].map((r) => r.users)",
      /^error 2339 at 3:37: r is a Promise: add await/,
    ],
  ])("%s", async (_what, code, message) => {
    const outcome = await check(code);
    expect(outcome.ok).toBe(false);
    expect(said(outcome)[0]).toMatch(message);
  });

  it.each([
    "let r = slack.search_users({ query: 'a' });\nr = await r;\nreturn r.users",
    "let r = github.list_repos({});\nr = await r;\nreturn r.length",
    "const p: Promise<any> | Set<number> = input.p;\nreturn p.size",
    `${CLASS}const open = desk.open();\nif (open) console.log(await open);\nreturn 1`,
  ])("unless it may be something else by then: %j", async (code) => {
    const outcome = await check(code);
    expect(outcome.ok, said(outcome).join("\n")).toBe(true);
  });
});
