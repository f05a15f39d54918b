/** Programs against the gate of a real gateway: tools outside their set, forged arguments, answers, late calls. */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { Core } from "../../src/core.ts";
import type { Report } from "../../src/runs/record/report-shape.ts";
import { defineTool } from "../../src/tools/define-tool.ts";
import { echoTool, openCore, programRequest } from "../helpers/core.ts";
import { expectNothingLeaked } from "./helpers/canary.ts";

const read = echoTool("read", { readOnly: true });
const hidden = echoTool("hidden");
const deep = defineTool({
  name: "deep",
  description: "Answers with something nested too deeply.",
  input: { type: "object" },
  readOnly: true,
  execute: () => JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`),
});
const readOnlyLayer = {
  rule: "tools.allow",
  allow: ["local/read", "local/deep"],
  deployment: true,
} as const;

let core: Core;
beforeAll(async () => {
  core = await openCore([read.tool, hidden.tool, deep]);
});
afterEach(async () => {
  read.seen.length = 0;
  const { pids } = core.pool.stats();
  const honest = await run("return await read({ value: [1, 2] })");
  expect(honest).toMatchObject({ status: "completed", result: [1, 2] });
  expect(core.pool.stats().pids).toEqual(expect.arrayContaining([...pids]));
  expect(hidden.seen).toEqual([]);
  read.seen.length = 0;
});
afterAll(() => core[Symbol.asyncDispose]());

async function run(code: string, more: Parameters<typeof programRequest>[1] = {}): Promise<Report> {
  const request = programRequest(code, { typecheck: "off", policy: { layers: [readOnlyLayer] }, ...more });
  const report = await (await core.runner.start(request)).done;
  expectNothingLeaked(report);
  return report;
}

it("no spelling of a tool outside the set reaches it", async () => {
  const report = await run(
    `const spellings = [["local", "hidden"], ["local", "Hidden"], ["local", "hidden\\0"], ["local", "hidden "], ["local", "/hidden"], ["local/", "hidden"],
       ["", "local/hidden"], ["local/hidden", ""], ["local", "read/../hidden"], ["local", "hi\\u0501den"], ["local", "hid\\u200bden"], ["LOCAL", "hidden"],
       ["local\\0", "hidden"], ["local", "local__hidden"], ["local", "%68idden"], ["local", "hidden\\nread"]];
     const kinds = [];
     for (const [server, tool] of spellings) kinds.push(await tools[server][tool]({}).then(() => "RAN", ({ kind }) => kind));
     return kinds.filter((kind) => kind !== "denied" && kind !== "unknown_tool")`,
  );
  expect(report).toMatchObject({ status: "completed", result: [] });
  expect(report.calls.every(({ status }) => status === "error" || status === "denied")).toBe(true);
  expect(hidden.seen).toEqual([]);
});

it("a __proto__ in the arguments never reaches a tool", async () => {
  const report = await run(
    `await read(JSON.parse('{"__proto__":{"value":"inherited"}}'));
     await read({ value: JSON.parse('{"__proto__":{"admin":true},"b":{"__proto__":1}}') })`,
  );
  expect(report.status).toBe("completed");
  expect(read.seen).toEqual([undefined, { b: {} }]);
});

it("arguments that would answer differently each time are journalled and sent as one text", async () => {
  const report = await run(
    "let n = 0; return await read({ get value() { n += 1; return n === 1 ? 'first' : 'second' } })",
  );
  expect(report).toMatchObject({ result: "first", calls: [{ argsBytes: '{"value":"first"}'.length }] });
  expect(read.seen).toEqual(["first"]);
});

it("an answer of more bytes than the run may get is that call's failure, counted in UTF-8", async () => {
  const report = await run(
    "const ask = (n) => read({ value: 'é'.repeat(n) }).then(() => 'ok', ({ kind }) => kind); return [await ask(49), await ask(50)]",
    { limits: { toolResultBytes: 100 } },
  );
  expect(report.result).toEqual(["ok", "too_large"]);
});

it("an answer nested a hundred thousand levels deep is that call's failure", async () => {
  const report = await run("return await deep({}).catch(({ kind }) => kind)");
  expect(report).toMatchObject({ status: "completed", result: "tool", calls: [{ status: "error" }] });
});

it("a ToolError that the program made names no call and no tool in the report", async () => {
  const report = await run(
    "throw new ToolError({ message: 'no', server: 'local', tool: 'hidden', kind: 'denied' })",
  );
  expect(report).toMatchObject({ status: "failed", calls: [], error: { code: "guest_error" } });
  expect(report.error?.tool).toBeUndefined();
});

it("ten thousand calls leave no more records than there may be calls", async () => {
  const report = await run("await Promise.allSettled(Array.from({ length: 10_000 }, () => read({})))");
  expect(report.error?.code).toBe("too_many_calls");
  expect(report.calls.length).toBeLessThanOrEqual(256);
  expect(read.seen.length).toBeLessThanOrEqual(256);
});

it("names and words of megabytes do not fill the report", async () => {
  const report = await run(
    `const long = "x".repeat(1e6);
     const calls = [() => tools.local[long]({}), () => tools[long].read({}), () => read({ get value() { throw { message: long } } })];
     for (const call of calls) await call().catch(() => null);
     console.log(long);
     throw Object.assign(new Error(long), { name: long })`,
  );
  expect(report.error?.code).toBe("guest_error");
  expect(JSON.stringify(report).length).toBeLessThan(200_000);
});

it("nothing that happens after the end is in the report, then or later", async () => {
  const active = await core.runner.start(
    programRequest("setTimeout(() => read({ value: 'late' }), 0); console.log('in time'); return 1", {
      typecheck: "off",
    }),
  );
  const report = await active.done;
  expect(await run("await sleep(30); return 2")).toMatchObject({ result: 2 });
  expect(await core.runner.reader.report(report.id, { principal: "local", admin: false })).toEqual(report);
  expect(report).toMatchObject({ calls: [], logs: [{ text: "in time" }] });
  expect(read.seen).toEqual([]);
});
