/** Programs against what their host answers itself: search, description, results of earlier runs. */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { Core } from "../../src/core.ts";
import type { Report } from "../../src/runs/record/report-shape.ts";
import { echoTool, openCore, programRequest } from "../helpers/core.ts";
import { expectNothingLeaked } from "./helpers/canary.ts";

const read = echoTool("read", { readOnly: true });
const hidden = echoTool("hidden_secret_tool");
const allowed = { rule: "tools.allow", allow: ["local/read"], deployment: true } as const;

let core: Core;
beforeAll(async () => {
  core = await openCore([read.tool, hidden.tool]);
});
afterEach(async () => {
  const { pids } = core.pool.stats();
  const honest = await run("return [(await tools.search('read')).length, await read({ value: 1 })]");
  expect(honest).toMatchObject({ status: "completed", result: [1, 1] });
  expect(core.pool.stats().pids).toEqual(expect.arrayContaining([...pids]));
});
afterAll(() => core[Symbol.asyncDispose]());

async function run(code: string, more: Parameters<typeof programRequest>[1] = {}): Promise<Report> {
  const request = programRequest(code, { typecheck: "off", policy: { layers: [allowed] }, ...more });
  const report = await (await core.runner.start(request)).done;
  expectNothingLeaked(report);
  return report;
}

/** What three calls with each of these expressions as their argument reject with, or `ok`. */
async function kindsOf(...values: readonly string[]): Promise<unknown> {
  const code = `const kinds = [];
    for (const value of [${values.map((value) => `() => (${value})`).join(", ")}])
      for (const call of [tools.search, tools.describe, runs.result])
        kinds.push(await call(value()).then(() => "ok", (error) => error instanceof ToolError ? error.kind : String(error)));
    return kinds`;
  const { status, result, error } = await run(code);
  expect({ status, error }).toEqual({ status: "completed", error: null });
  return result;
}

it("what is no text is refused, however it is dressed", async () => {
  const wrong = ["invalid_arguments", "invalid_arguments", "invalid_arguments"];
  expect(await kindsOf("null", "7", "{}", "() => 1", "Symbol('x')", "10n")).toEqual(
    Array.from({ length: 6 }, () => wrong).flat(),
  );
  expect(await kindsOf("new Proxy({}, { get() { throw new Error('mine') } })")).toEqual(wrong);
  expect(await kindsOf("(() => { const cycle = []; cycle.push(cycle); return cycle })()")).toEqual(wrong);
  expect(await kindsOf("{ toJSON() { throw new Error('mine') } }")).toEqual(wrong);
  expect(await kindsOf("{ toString: () => 'read' }")).toEqual(wrong);
});

it("what writes itself as text is that text", async () => {
  expect(await kindsOf("{ toJSON: () => 'read' }", "new String('read')")).toEqual(
    Array.from({ length: 2 }, () => ["ok", "ok", "tool"]).flat(),
  );
});

it("ten megabytes of text are too large, and one is searched by its beginning", async () => {
  expect(await kindsOf("'x'.repeat(1e7)")).toEqual(["too_large", "too_large", "too_large"]);
  expect(await kindsOf("'read '.repeat(200_000)")).toEqual(["ok", "ok", "tool"]);
});

it("a hundred thousand names are one description, of what there is once", async () => {
  const report = await run(
    "return (await tools.describe(...Array.from({ length: 1e5 }, (_, n) => n % 2 ? 'read' : ''))).split('declare function').length",
  );
  expect(report.result).toBe(2);
});

it("numbers that are none are no limits", async () => {
  const code = `const found = [];
    for (const limit of [NaN, -1, 1e308, 0.5, null, "2"]) found.push(await tools.search("*", { limit }).then(({ length }) => length, ({ kind }) => kind));
    return found`;
  expect((await run(code)).result).toEqual([
    ...["invalid_arguments", 1, 1, 1, "invalid_arguments", "invalid_arguments"],
  ]);
});

it("no search and no description tells of a tool outside the set", async () => {
  const code = `const said = [];
    for (const query of ["hidden", "secret", "hidden_secret_tool", "local/hidden_secret_tool", "*", "", "tool"])
      said.push(await tools.search(query));
    said.push(await tools.describe("hidden", "local", "local/*", "*"));
    return said`;
  const { result } = await run(code);
  expect(JSON.stringify(result)).not.toContain("hidden_secret_tool");
  const described = await run("return await tools.describe('local/hidden_secret_tool')");
  expect(described.result).toMatch(/^\/\/ hidden_secret_tool is outside the allowed set/);
  expect(described.result).not.toContain("declare");
  expect(hidden.seen).toEqual([]);
});

it("forged ids lead to the same gate, and to nothing else", async () => {
  const code = `const said = [];
    for (const [server, tool] of [["@tools", "hidden_secret_tool"], ["@local", "read"], ["@runs", "results"], ["@", ""], ["@tools/", "search"]])
      said.push(await tools[server][tool]({}).then(() => "ok", ({ kind }) => kind));
    said.push((await tools["@tools"].search({ query: "*" })).map(({ tool }) => tool));
    return said`;
  const { result } = await run(code);
  expect(result).toEqual([...Array.from({ length: 5 }, () => "unknown_tool"), ["local/read"]]);
  expect(hidden.seen).toEqual([]);
});

it("a polluted prototype adds no argument and catches no answer", async () => {
  const code = `const caught = [];
    for (const name of ["query", "options", "limit", "names", "id", "0", "1"])
      Object.defineProperty(Object.prototype, name, { configurable: true, get: () => "hidden", set(value) { caught.push(value) } });
    for (const name of ["0", "1"]) Object.defineProperty(Array.prototype, name, { configurable: true, get: () => "hidden", set(value) { caught.push(value) } });
    const found = await tools.search("read");
    const missing = await tools.search().catch(({ kind }) => kind);
    const described = await tools.describe();
    return { found: found.length, missing, described, caught: caught.length }`;
  expect((await run(code)).result).toEqual({
    found: 1,
    missing: "invalid_arguments",
    described: "",
    caught: 0,
  });
});

it("one's own run, running, has no result yet", async () => {
  const report = await run("return await runs.result(input.id).catch(({ message }) => message)", {
    id: "run_BBBBBBBBBBBBBBBBBBBBBB",
    input: { id: "run_BBBBBBBBBBBBBBBBBBBBBB" },
  });
  expect(report.result).toBe("run_BBBBBBBBBBBBBBBBBBBBBB is running: only a completed run has a result.");
});
