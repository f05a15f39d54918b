/** A person's own call, made by whatever face: no HTTP, no configuration file. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { defaultLimits } from "../../sandbox/index.ts";
import { createAccess } from "../../src/access/access.ts";
import { type Caller, localCaller } from "../../src/access/caller.ts";
import { callTool, type ExplicitCall, type ExplicitCallDeps } from "../../src/access/explicit-call.ts";
import { identifyByKey } from "../../src/access/identify.ts";
import { createMemoryLimiter } from "../../src/access/memory-limiter.ts";
import type { KeyConfig } from "../../src/config/config.ts";
import type { Core } from "../../src/core.ts";
import { readAudit } from "../../src/runs/read/audit.ts";
import { echoTool, openCore } from "../helpers/core.ts";
import { withKeys } from "./helpers/keys.ts";

const read = echoTool("read", { readOnly: true });
const pay = echoTool("pay", { needsApproval: true });
const reached = Promise.withResolvers<void>();
const hold = {
  ...echoTool("hold").tool,
  execute: (_args: unknown, { signal }: { readonly signal: AbortSignal }): Promise<unknown> =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(new Error("aborted")));
      reached.resolve();
    }),
};

let core: Core;
beforeAll(async () => {
  core = await openCore([read.tool, pay.tool, hold]);
});
afterAll(() => core[Symbol.asyncDispose]());

async function call(
  tool: string,
  key: Partial<KeyConfig> | null = {},
  more: Partial<ExplicitCall> = {},
  limits = defaultLimits,
): ReturnType<typeof callTool> {
  const config = withKeys(...(key === null ? [] : [key]));
  const caller: Caller =
    key === null ? localCaller(config) : await identifyByKey(config)({ token: "bot-key" });
  const access = createAccess(identifyByKey(config), createMemoryLimiter());
  const deps: ExplicitCallDeps = {
    access,
    runner: core.runner,
    config: { limits },
    catalog: () => core.catalog(),
  };
  return await callTool(deps, {
    caller,
    id: `local/${tool}`,
    args: '{"value":1}',
    policy: { layers: caller.layers },
    ...more,
  });
}

test("a call is made and is a run of its own in the journal of its principal", async () => {
  const outcome = await call("read", { principal: "team" }, { user: "ann" });
  expect(outcome).toMatchObject({ type: "value", value: 1 });
  const { data } = await readAudit(core.store, { principal: "team", admin: false }, { limit: 5 });
  expect(data).toMatchObject([{ tool: "local/read", status: "ok", decision: "auto" }]);
});

test("arguments above toolArgsBytes are refused as those of programs are, and nothing is called", async () => {
  const before = read.seen.length;
  const args = JSON.stringify({ value: "é".repeat(500) });
  const outcome = await call("read", {}, { args }, { ...defaultLimits, toolArgsBytes: 1_000 });
  const message = "the arguments are larger than 1000 bytes";
  expect(outcome).toMatchObject({ type: "failure", failure: { kind: "too_large", message } });
  expect(read.seen.length).toBe(before);
  const fits = await call("read", {}, { args }, { ...defaultLimits, toolArgsBytes: args.length + 500 });
  expect(fits).toMatchObject({ type: "value" });
});

test("a call that wants a person needs the right to decide, and then no further consent", async () => {
  const before = pay.seen.length;
  await expect(call("pay", { may: ["run"] })).rejects.toMatchObject({ code: "forbidden" });
  expect(pay.seen.length).toBe(before);
  expect(await call("pay", null)).toMatchObject({ type: "value" });
  expect(pay.seen.length).toBe(before + 1);
});

test("who may not run programs may not call tools either", async () => {
  await expect(call("read", { may: ["decide"] })).rejects.toMatchObject({ code: "forbidden" });
});

test("a tool outside the policy, and one that nobody knows, are failures that say so", async () => {
  expect(await call("read", { tools: { allow: [] } })).toMatchObject({
    type: "failure",
    failure: { kind: "denied", message: expect.stringContaining('key "bot"') },
  });
  expect(await call("reed")).toMatchObject({ type: "failure", failure: { kind: "unknown_tool" } });
});

test("aborting its signal cancels the call", async () => {
  const controller = new AbortController();
  const outcome = call("hold", {}, { signal: controller.signal, args: "{}" });
  await reached.promise;
  controller.abort();
  expect(await outcome).toMatchObject({ type: "failure", failure: { kind: "cancelled" } });
});
