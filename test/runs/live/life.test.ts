/** What a report says of a program that a limit ended, or that left something undone: where, in the author's text, and what next. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Core } from "../../../src/core.ts";
import type { Report } from "../../../src/runs/record/report-shape.ts";
import { defineTool } from "../../../src/tools/define-tool.ts";
import { echoTool, openCore, programRequest } from "../../helpers/core.ts";
import { until } from "../../helpers/until.ts";

const slow = defineTool({
  name: "slow",
  description: "Never answers.",
  input: { type: "object" },
  readOnly: true,
  execute: () => new Promise<never>(() => undefined),
});
const tools = [
  slow,
  echoTool("read", { readOnly: true }).tool,
  echoTool("ask", { needsApproval: true }).tool,
];
let core: Core;
beforeAll(async () => {
  core = await openCore(tools);
});
afterAll(() => core[Symbol.asyncDispose]());

async function run(code: string, more: Parameters<typeof programRequest>[1] = {}): Promise<Report> {
  return (await core.runner.start(programRequest(code, more))).done;
}

describe("a limit is told with the author's line and the next step", () => {
  it.each<[string, string, Parameters<typeof programRequest>[1], object]>([
    [
      "a program in TypeScript that waits too long",
      "```ts\ninterface Wide {\n  a: number\n}\n\nconst wide: Wide = { a: 1 };\nawait read({ value: wide });\nawait slow({});\n```",
      { limits: { wallMs: 300 } },
      { code: "wall_timeout", line: 8, hint: expect.stringContaining("It was waiting for local/slow.") },
    ],
    [
      "a promise that nothing settles",
      "const done: Promise<void> = new Promise(() => {});\nawait read({});\n\nawait done;",
      {},
      { code: "pending_forever", line: 4, hint: expect.stringContaining("resolve that is never called") },
    ],
    [
      "too many calls",
      "enum E { A }\nfor (let i: number = 0; ; i++)\n  await read({ value: i });",
      { limits: { toolCalls: 2 } },
      { code: "too_many_calls", line: 3, column: 9, hint: expect.stringContaining("batch tools") },
    ],
    [
      "a loop without end",
      "type A = 1;\nconst a: A = 1;\nfor (;;) {}",
      { limits: { cpuMs: 200 } },
      { code: "cpu_timeout", hint: expect.stringContaining("loop that does not end") },
    ],
    [
      "memory",
      "const all = [];\nfor (;;) all.push([all.length])",
      { limits: { memoryMb: 24 } },
      { code: "memory_exceeded", hint: expect.stringContaining("Keep less at a time") },
    ],
  ])("%s", async (_what, code, more, error) => {
    expect((await run(code, more)).error).toMatchObject(error);
  });

  it("a person who does not decide, with the place of the call", async () => {
    await using patient = await openCore(tools, ":memory:", { approvalExpiresMs: 20 });
    const { id } = await (
      await patient.runner.start(programRequest("const n = 1;\n  await ask({ value: n })"))
    ).done;
    const { error } = await until("the run has ended", async () => {
      const report = await patient.runner.reader.report(id, { principal: "local", admin: false });
      return report?.status === "failed" ? report : undefined;
    });
    expect(error).toMatchObject({
      ...{ code: "approval_expired", line: 2 },
      hint: expect.stringContaining("a decision about local/ask"),
    });
  });
});

describe("what a program left undone is a diagnostic in the author's text", () => {
  it.each([
    [
      "interface A { a: 1 }\n\nconst n: number = 5;\nsetTimeout(() => console.log(n), 50);\nreturn n",
      "warning",
      /never ran/,
      "4:1",
    ],
    ["```js\nreturn setTimeout(() => 1, 5)\n```", "warning", /the number of a timer/, "2:8"],
    [
      "const late: Promise<void> = sleep(60_000).then(() => console.log('x'));\nreturn 1",
      "note",
      /promise stands on/,
      "1:29",
    ],
    ["const all: unknown[] = [];\nslow({});\nreturn all", "warning", /local\/slow was still open/, "2:1"],
    [
      "enum E { A }\nconst f = async () => {\n  await read({});\n  throw new Error('mine') };\nvoid f();\nawait sleep(30)",
      "warning",
      /Nothing handled an error: mine/,
      "4:9",
    ],
  ])("%s", async (code, severity, message, place) => {
    const { diagnostics, status } = await run(code, { typecheck: "off" });
    expect(status).toBe("completed");
    const found = diagnostics.find((each) => message.test(each.message));
    expect(found && [found.severity, `${found.line}:${found.column}`]).toEqual([severity, place]);
  });

  it("and what it handled after all is none", async () => {
    const code =
      "const p = read({ nothing: 1 } as any);\nawait sleep(5);\ntry { await p } catch {}\nreturn 1";
    expect(
      (await run(code, { typecheck: "off" })).diagnostics.filter(({ severity }) => severity !== "note"),
    ).toEqual([]);
  });

  it("as are the lines of errors that it prints, or reads the stacks of", async () => {
    const code =
      "interface A { a: 1 }\nconst boom = (): never => {\n  throw new RangeError('x') };\ntry { boom() } catch (e) { console.error(e); return (e as Error).stack }";
    const { result, logs } = await run(code);
    expect(logs).toMatchObject([{ level: "error", text: "RangeError: x at 3:9" }]);
    expect(result).toBe("RangeError: x\n    at boom (program.js:3:9)\n    at program.js:4:7");
  });
});
