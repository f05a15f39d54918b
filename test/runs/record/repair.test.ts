import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Core } from "../../../src/core.ts";
import type { Report } from "../../../src/runs/record/report-shape.ts";
import { echoTool, openCore, programRequest } from "../../helpers/core.ts";

const read = echoTool("read", { readOnly: true });
const write = echoTool("write");
const tools = [read.tool, write.tool];

let core: Core;
beforeAll(async () => {
  core = await openCore(tools);
});
afterAll(() => core[Symbol.asyncDispose]());

async function run(code: string, more: Parameters<typeof programRequest>[1] = {}): Promise<Report> {
  return (await core.runner.start(programRequest(code, more))).done;
}

const WORK =
  "const a = await write({ value: 1 }); const b = await write({ value: 1 }); const c = await read({ value: 2 });";

describe("a corrected program", () => {
  it("does not repeat the effects of the failed one; reads are made again", async () => {
    const failed = await run(`${WORK} return c.missing.field`);
    expect(failed).toMatchObject({ status: "failed", error: { effects: "possible" } });
    const [writes, reads] = [write.seen.length, read.seen.length];
    const repaired = await run(`${WORK} return [a, b, c, await write({ value: 1 })]`, {
      repairOf: failed.id,
    });
    expect(repaired).toMatchObject({ status: "completed", result: [1, 1, 2, 1] });
    expect(repaired.calls.map(({ reused }) => reused)).toEqual([true, true, false, false]);
    expect(write.seen.length).toBe(writes + 1);
    expect(read.seen.length).toBe(reads + 1);
  });

  it("makes calls with other arguments, and calls that had failed", async () => {
    const failed = await run("await write({ value: 'x' }); throw new Error('no')");
    const before = write.seen.length;
    const repaired = await run("return await write({ value: 'y' })", { repairOf: failed.id });
    expect(repaired.calls).toMatchObject([{ reused: false }]);
    expect(write.seen.slice(before)).toEqual(["y"]);
  });

  it("can itself be repaired: what it reused is still not repeated", async () => {
    const failed = await run("await write({ value: 'once' }); throw new Error('1')");
    const again = await run("await write({ value: 'once' }); throw new Error('2')", { repairOf: failed.id });
    const before = write.seen.length;
    const last = await run("return await write({ value: 'once' })", { repairOf: again.id });
    expect(last).toMatchObject({ result: "once", calls: [{ reused: true }] });
    expect(write.seen.length).toBe(before);
  });

  it("reuses nothing that it may not call", async () => {
    const failed = await run("await write({ value: 'mine' }); throw new Error('no')");
    const { policy } = programRequest("");
    const narrowed = { layers: [...policy.layers, { rule: "tools_filter", allow: ["local/read"] }] };
    const repaired = await run("return await write({ value: 'mine' }).catch((error) => error.kind)", {
      repairOf: failed.id,
      policy: narrowed,
      typecheck: "off",
    });
    expect(repaired).toMatchObject({ result: "denied", calls: [{ status: "denied", reused: false }] });
  });

  it("repairs only a failed run of its own principal", async () => {
    const completed = await run("return 1");
    await expect(run("return 1", { repairOf: completed.id })).rejects.toMatchObject({
      code: "invalid_request",
    });
    const failed = await run("throw new Error('no')");
    await expect(run("return 1", { repairOf: failed.id, principal: "eve" })).rejects.toMatchObject({
      code: "not_found",
    });
    await expect(run("return 1", { repairOf: "run_x" })).rejects.toMatchObject({ code: "not_found" });
  });
});
