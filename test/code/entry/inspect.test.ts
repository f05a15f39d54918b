import { stop } from "esbuild";
import { afterAll, describe, expect, it } from "vitest";
import { compiled, notes } from "../helpers/programs.ts";

afterAll(() => stop());

describe("the calls a program makes on tools", () => {
  it.each<[form: string, code: string, calls: readonly string[]]>([
    ["by method", "await gh.list({}); return await gh.get()", ["gh list", "gh get"]],
    ["of a local tool", "return await calculator({ a: 1, b: 2 })", ["calculator"]],
    ["by original name", 'return await tools["my-server"]["odd.name"]({})', ["tools my-server odd.name"]],
    ["by a template as name", "return await tools[`a`].b({})", ["tools a b"]],
    ["each once, in order", "await gh.get(); await gh.list(); return await gh.get()", ["gh get", "gh list"]],
    [
      "through assertions and optional chains",
      "return [await (gh as any).list!(), await gh?.get?.()]",
      ["gh list", "gh get"],
    ],
    ["behind an import that is dropped", 'import { gh } from "tools"; return await gh.get()', ["gh get"]],
    ["inside functions", "const f = async (x: number) => await gh.list(x); return f(1)", ["gh list"]],
    [
      "not on a variable of that name",
      "const f = (gh) => gh.list(); { const gh = 1; gh.get() } return f({})",
      [],
    ],
    ["but beside one", "const f = (gh) => gh.list(); return await gh.get()", ["gh get"]],
    ["not by a computed name", "return await gh[input.name]()", []],
    ["not the environment's own", "console.log(1); await sleep(1); return input", []],
    ["not in strings", 'return "gh.list()"', []],
  ])("are found %s", async (_form, code, calls) => {
    const { toolReferences } = await compiled(code);
    expect(toolReferences.map(({ root, path }) => [root, ...path].join(" "))).toEqual(calls);
  });

  it("carry the author's position", async () => {
    const { toolReferences } = await compiled(
      "Do:\n```ts\nconst n: number = 1;\nreturn await gh.list(n)\n```",
    );
    expect(toolReferences).toEqual([{ root: "gh", path: ["list"], line: 4, column: 14 }]);
  });
});

describe("a promise nobody awaits is a warning", () => {
  it.each<[code: string, warning: string]>([
    ["gh.list();\nreturn 1", "warning: gh.list(…) is not awaited: add await."],
    ["return { a: gh.list() }", "warning: gh.list(…) is a Promise here: add await."],
    ["return `${gh.get()}`", "warning: gh.get(…) is a Promise here: add await."],
    [
      "return [gh.get()]",
      "warning: gh.get(…) is a Promise here: add await, or wrap the array in await Promise.all(…).",
    ],
    [
      "return gh.list().issues",
      'warning: gh.list(…) returns a Promise, which has no "issues": write (await …).issues.',
    ],
  ])("%j", async (code, warning) => {
    expect(notes(await compiled(code))).toEqual([warning]);
  });

  it.each([
    "gh.list()",
    "return gh.list()",
    "const [a] = await Promise.all([gh.get()]); return a",
    "const all = [gh.get()]; return await Promise.all(all)",
    "return await gh.get().then((n) => n)",
    "return (await gh.list()).issues",
    "return { a: await gh.list() }",
  ])("but not in %j", async (code) => {
    expect(notes(await compiled(code))).toEqual([]);
  });
});

describe("what is not there is a warning for a program that is not type-checked", () => {
  it.each<[code: string, said: RegExp]>([
    ['return require("fs")', /require does not exist here/],
    ['return await import("fs")', /import\(\) does not work here/],
    ['return await fetch("x")', /^warning: fetch does not exist here. There is no network here: call a tool/],
    ["return process.env", /process does not exist here/],
  ])("%j", async (code, said) => {
    expect(notes(await compiled(code))).toEqual([expect.stringMatching(said)]);
  });

  it("unless the program declares it, or only uses the word", async () => {
    const program = await compiled(
      "const fetch = () => 1; const o = { process: 1 }; return [fetch(), o.process]",
    );
    expect(notes(program)).toEqual([]);
  });
});
