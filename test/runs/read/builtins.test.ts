/** What programs ask their host for besides tools: searched, described, and the results of earlier runs. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Core } from "../../../src/core.ts";
import { replayRun } from "../../../src/runs/read/replay.ts";
import type { Report } from "../../../src/runs/record/report-shape.ts";
import { defineTool } from "../../../src/tools/define-tool.ts";
import { echoTool, openCore, programRequest } from "../../helpers/core.ts";
import { createRunner, storeWith } from "../../helpers/runner.ts";
import { until } from "../../helpers/until.ts";

const me = { principal: "local", admin: false };
const read = echoTool("read_file", { readOnly: true });
const write = echoTool("write_file");
const ask = echoTool("ask_person", { needsApproval: true });
const sum = defineTool({
  name: "sum",
  description: "Adds numbers.",
  input: z.object({ values: z.array(z.number()) }),
  execute: ({ values }) => values.reduce((total, value) => total + value, 0),
  readOnly: true,
});

let core: Core;
beforeAll(async () => {
  core = await openCore([read.tool, write.tool, ask.tool, sum]);
});
afterAll(() => core[Symbol.asyncDispose]());

type More = Parameters<typeof programRequest>[1];

async function run(code: string, more: More = {}): Promise<Report> {
  return (await core.runner.start(programRequest(code, more))).done;
}

/** Only these tools. */
function only(...allow: readonly string[]): More {
  const { policy } = programRequest("");
  return { policy: { layers: [...policy.layers, { rule: "tools_filter", allow }] } };
}

describe("a search inside a program", () => {
  it("finds tools by words, with what is needed to call them", async () => {
    const report = await run("const [found] = await tools.search('adding numbers'); return found");
    expect(report.result).toEqual({
      tool: "local/sum",
      callable: "sum",
      description: "Adds numbers.",
      signature: "sum(args: { values: number[] }): Promise<any>",
    });
  });

  it("is a call like any other: journalled, counted, decided by policy, without effects", async () => {
    const { id, calls, usage, error } = await run("await tools.search('file'); throw new Error('after it')");
    expect(calls).toMatchObject([
      { seq: 1, tool: "@tools/search", status: "ok", decision: "auto", error: null, reused: false },
    ]);
    expect(usage.toolCalls).toBe(1);
    expect(error?.effects).toBe("none");
    const events = await core.runner.reader.journal(id);
    expect(events.map(({ type }) => type)).toEqual([
      ...["opened", "requested", "decided", "started", "settled", "ended"],
    ]);
    expect(events).toContainEqual(expect.objectContaining({ type: "started", readOnly: true }));
  });

  it("counts against the run's calls", async () => {
    const code = "for (let i = 0; i < 3; i += 1) await tools.search('file')";
    expect(await run(code, { limits: { toolCalls: 2 } })).toMatchObject({
      error: { code: "too_many_calls" },
    });
  });

  it("knows allowed tools only", async () => {
    const code = "return (await tools.search(input)).map(({ tool }) => tool)";
    const narrowed = only("local/read_file", "local/sum");
    expect((await run(code, { ...narrowed, input: "file" })).result).toEqual(["local/read_file"]);
    expect((await run(code, { ...narrowed, input: "*" })).result).toEqual(["local/read_file", "local/sum"]);
    expect((await run(code, { ...only(), input: "file" })).result).toEqual([]);
  });

  it("takes a limit, and says what it does not take", async () => {
    const found = await run("return (await tools.search('file', { limit: 1 })).length");
    expect(found.result).toBe(1);
    const codes = ["tools.search()", "tools.search(5)", "tools.search('file', { max: 1 })"];
    const reports = await Promise.all(
      codes.map((code) => run(`await ${code}`, { typecheck: "off" }).then(({ error }) => error)),
    );
    expect(reports.map((error) => error?.tool)).toEqual(
      codes.map(() => ({ server: "@tools", tool: "search", kind: "invalid_arguments" })),
    );
    expect(reports.map((error) => error?.message)).toEqual([
      'ToolError: The arguments of tools.search are not valid: missing "query" (string).',
      'ToolError: The arguments of tools.search are not valid: query: expected string, got 5: pass it as text, "5".',
      'ToolError: The arguments of tools.search are not valid: unknown property "options.max"; known are limit.',
    ]);
  });
});

describe("a description inside a program", () => {
  it("declares tools by any of their names, given one by one or as a list", async () => {
    const declared =
      "/** Adds numbers. (result shape unknown) */\ndeclare function sum(args: { values: number[] }): Promise<any>;\n";
    expect((await run("return await tools.describe('sum', 'local/sum')")).result).toBe(declared);
    expect((await run("return await tools.describe(['sum'])", { typecheck: "off" })).result).toBe(declared);
    expect((await run("return await tools.describe()")).result).toBe("");
  });

  it("says of a tool that may not be used only that", async () => {
    const report = await run("return await tools.describe('local/sum')", only("local/read_file"));
    expect(report.result).toBe(
      "// sum is outside the allowed set: tools_filter does not include it. Nearest allowed: read_file.\n",
    );
  });
});

describe("the result of an earlier run", () => {
  const open = "return await runs.result(input)";

  it("is there in full for a later program of the same principal", async () => {
    const { id } = await run("return { rows: [await sum({ values: [1, 2] })], note: 'kept' }");
    expect(await run(open, { input: id })).toMatchObject({
      status: "completed",
      result: { rows: [3], note: "kept" },
      calls: [{ tool: "@runs/result", status: "ok", decision: "auto" }],
    });
  });

  it("of a program that returned nothing is null", async () => {
    const { id } = await run("await sum({ values: [] }); return");
    expect(await run(open, { input: id })).toMatchObject({ status: "completed", result: null });
  });

  it("of somebody else is as unknown as one that never was", async () => {
    const { id } = await run("return 'secret'", { principal: "somebody" });
    const code = "try { await runs.result(input) } catch ({ kind, message }) { return [kind, message] }";
    const said = async (id: string) => (await run(code, { input: id })).result;
    const words = (id: string) => ["tool", `There is no program run "${id}" among yours.`];
    expect(await said(id)).toEqual(words(id));
    expect(await said("run_AAAAAAAAAAAAAAAAAAAAAA")).toEqual(words("run_AAAAAAAAAAAAAAAAAAAAAA"));
    expect(await said("x".repeat(90))).toEqual(words("x".repeat(80)));
    expect((await run(open, { input: id, principal: "somebody" })).result).toBe("secret");
  });

  it("needs a run that completed", async () => {
    const failed = await run("throw new Error('no')");
    const waiting = await run("return await ask_person({})");
    const said = async (id: string) => (await run(open, { input: id })).error?.message;
    expect(await said(failed.id)).toBe(
      `ToolError: ${failed.id} is failed (guest_error): only a completed run has a result.`,
    );
    expect(await said(waiting.id)).toBe(
      `ToolError: ${waiting.id} is waiting: only a completed run has a result.`,
    );
  });

  it("is bounded like any tool's", async () => {
    const { id } = await run("return 'x'.repeat(1000)");
    expect(await run(open, { input: id, limits: { toolResultBytes: 500 } })).toMatchObject({
      error: { tool: { server: "@runs", tool: "result", kind: "too_large" } },
    });
  });
});

describe("a result is only for those who may use the tools behind it", () => {
  const open = "return await runs.result(input)";

  async function refusalOf(id: string, more: More): Promise<string | undefined> {
    const { status, result, error } = await run(open, { ...more, input: id });
    expect({ status, result, tool: error?.tool }).toEqual({
      status: "failed",
      result: null,
      tool: { server: "@runs", tool: "result", kind: "denied" },
    });
    return error?.message;
  }

  it("the first that is not allowed is named", async () => {
    const { id } = await run("await sum({ values: [] }); await write_file({}); return await read_file({})");
    expect(await refusalOf(id, only("local/sum"))).toBe(
      `ToolError: ${id} used local/write_file, and tools_filter does not include that tool now.`,
    );
    const { status } = await run(open, { ...only("local/sum", "local/*_file"), input: id });
    expect(status).toBe("completed");
  });

  it("a call that was refused gave it nothing", async () => {
    const { id } = await run("return await write_file({}).catch(({ kind }) => kind)", {
      ...only("local/sum"),
      typecheck: "off",
    });
    expect((await run(open, { ...only("local/sum"), input: id })).result).toBe("denied");
  });

  it("results that it was made of count, through any number of runs", async () => {
    const first = await run("return await read_file({ value: 'secret' })");
    const second = await run(open, { input: first.id });
    const third = await run(open, { input: second.id });
    expect((await run(open, { input: third.id })).result).toBe("secret");
    expect(await refusalOf(third.id, only("local/sum"))).toBe(
      `ToolError: ${third.id} rests on ${first.id}, which used local/read_file, and tools_filter does not include that tool now.`,
    );
  });

  it("so do tools that it only found, or read the declaration of", async () => {
    const found = await run("return await tools.search('file')");
    const described = await run("return await tools.describe('sum')");
    expect(await refusalOf(found.id, only("local/sum"))).toContain("used local/read_file");
    expect(await refusalOf(described.id, only("local/*_file"))).toContain("used local/sum");
    expect((await run(open, { ...only("local/*_file"), input: found.id })).status).toBe("completed");
  });

  it("one that rests on a run that is not kept any more is not given", async () => {
    const first = await run("return await sum({ values: [1] })");
    const second = await run(open, { input: first.id });
    await using store = await storeWith(core, [second.id]);
    const runner = createRunner(core, store);
    const report = await (await runner.start(programRequest(open, { input: second.id }))).done;
    expect(report.error?.message).toBe(
      `ToolError: ${second.id} rests on the result of ${first.id}, which is not kept any more: nobody knows its tools.`,
    );
    await runner.drain(0, "suspend");
  });
});

describe("in another process, with other tools", () => {
  const code =
    "const found = await tools.search('file'); await ask_person({}); return [found, await tools.search('file')]";
  let other: Core;
  beforeAll(async () => {
    other = await openCore([ask.tool, echoTool("read_file_better").tool]);
  });
  afterAll(() => other[Symbol.asyncDispose]());

  it("a search that was answered is answered the same, a later one as things are now", async () => {
    const { id, pending } = await run(code);
    const store = core.store;
    const runner = createRunner(other, store);
    const decision = { type: "approve", by: "local" } as const;
    const call = pending[0]?.call ?? "";
    const decided = await runner.decide({ run: id, call, decision, viewer: me });
    const report = await decided?.done;
    expect(report).toMatchObject({ status: "completed" });
    const [before, after] = (report?.result ?? []) as readonly { readonly tool: string }[][];
    expect(before?.map(({ tool }) => tool)).toEqual(["local/read_file", "local/write_file"]);
    expect(after?.map(({ tool }) => tool)).toEqual(["local/read_file_better"]);
    expect(await replayRun({ pool: other.pool, store }, id)).toMatchObject({ matches: true });
    await runner.drain(0, "suspend");
  });

  it.each(["requested", "decided", "started"])(
    "a search that had only been %s is made again",
    async (last) => {
      const { id } = await run("return (await tools.search('file')).length");
      await using store = await storeWith(core, [id], (events) =>
        events.slice(0, events.findIndex(({ type }) => type === last) + 1),
      );
      const runner = createRunner(core, store);
      await runner.recover();
      await until("the run has ended", async () => (await store.getRun(id))?.status === "completed");
      expect(await runner.reader.report(id, me)).toMatchObject({ result: 2, calls: [{ status: "ok" }] });
      await runner.drain(0, "suspend");
    },
  );
});
