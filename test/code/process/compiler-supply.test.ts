/** The compiler processes themselves: which of them is heard, and what a dying one does to who writes to it. */
import { readFileSync } from "node:fs";
import { expect, it, onTestFinished } from "vitest";
import { defaultCheckLimits } from "../../../src/code/check/check-service.ts";
import type { FromCompiler, ToCompiler } from "../../../src/code/process/compiler-protocol.ts";
import { CompilerSupply } from "../../../src/code/process/compiler-supply.ts";
import { createLog } from "../../../src/log.ts";
import { until } from "../../helpers/until.ts";

const text: ToCompiler = {
  type: "compile",
  id: 1,
  request: { code: "return 1", sourceBytes: 100, globals: [], check: { mode: "off" } },
};

async function open(): Promise<{ readonly supply: CompilerSupply; readonly heard: readonly FromCompiler[] }> {
  const heard: FromCompiler[] = [];
  const supply = new CompilerSupply(
    {
      ...{ memoryBytes: 500 * 1024 * 1024, check: defaultCheckLimits, spareAfterMs: 60_000 },
      log: createLog("silent"),
    },
    {
      onReady: () => undefined,
      onMessage: (message) => void heard.push(message),
      onLost: () => undefined,
      onGaveUp: () => expect.fail("no process starts"),
    },
  );
  onTestFinished(() => supply[Symbol.asyncDispose]());
  supply.ensure();
  await until("one is in service", () => supply.serving);
  return { supply, heard };
}

/** Holds this thread, so that what happens meanwhile is heard only afterwards. */
function hold(condition: () => boolean): void {
  const end = performance.now() + 5_000;
  while (!condition() && performance.now() < end);
}

it("what a process said before it was replaced is not heard after it", async () => {
  const { supply, heard } = await open();
  const { serving: old } = supply;
  old?.send(text);
  await until("it answers", () => heard.some(({ type }) => type === "done"));
  const before = heard.length;
  old?.send(text);
  const start = performance.now();
  hold(() => performance.now() - start > 500);
  supply.replace();
  await old?.exited;
  await until("another is in service", () => supply.serving);
  expect(heard).toHaveLength(before);
  supply.serving?.send(text);
  await until("the other answers", () => heard.length > before);
});

it("a process that dies as a text is sent to it is replaced, and no error of the gateway", async () => {
  const errors: unknown[] = [];
  const note = (error: unknown): void => void errors.push(error);
  process.on("uncaughtException", note);
  onTestFinished(() => void process.off("uncaughtException", note));
  const { supply } = await open();
  const { serving: old } = supply;
  const pid = old?.pid ?? 0;
  process.kill(-pid, "SIGKILL");
  hold(() => /^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "latin1")));
  old?.send(text);
  await old?.exited;
  old?.send(text);
  await until("another is in service", () => supply.serving !== undefined && supply.serving !== old);
  expect(errors).toEqual([]);
  expect(supply.replacements).toBe(1);
});
