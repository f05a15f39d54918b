/**
 * `npm run bench`: what does a tool call cost beyond the tool? `--short` only shows that the benchmark runs.
 * Every figure is taken in this one run; compare the ratios, not machines.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { defaultLimits } from "../../sandbox/index.ts";
import { createSandbox, defineTool } from "../../src/index.ts";
import { createLog } from "../../src/log.ts";
import { createHub } from "../../src/mcp/hub.ts";
import { echoTool, everything, openCore, programRequest } from "../helpers/core.ts";
import { machineLine, ms, percentiles, sample } from "./measure.ts";

const short = process.argv.includes("--short");
const runs = short ? 20 : 300;

console.log(machineLine());
console.log("\nWhat does one run cost at idle cadence (a pause of 10 ms between two)?");
await runsAtIdleCadence();
console.log("\nWhat does a call add beyond the tool?");
await costOfACall();
console.log("\nAre ten parallel 100 ms tools parallel?");
await parallelTools();
console.log("\nHow long does a stdio server's discovery take, once its process is up?");
await discovery();

async function runsAtIdleCadence(): Promise<void> {
  const { tool } = echoTool("echo", { readOnly: true });
  await using sandbox = await createSandbox({ tools: [tool] });
  for (const [name, code] of [
    ["no call", "return 1"],
    ["one call", "return await echo({ value: 1 })"],
    ["ten sequential calls", "for (let i = 0; i < 10; i++) await echo({ value: i })"],
  ] as const) {
    const { p50, p99 } = await sample(runs, () => sandbox.run(code), 10);
    console.log(`  ${name.padEnd(24)} p50 ${ms(p50)}   p99 ${ms(p99)}   (compiled before: cached)`);
  }
  let n = 0;
  const fresh = await sample(
    runs,
    () => sandbox.run(`const n = ${n++}; return await echo({ value: n })`),
    10,
  );
  console.log(
    `  ${"one call, new program".padEnd(24)} p50 ${ms(fresh.p50)}   p99 ${ms(fresh.p99)}   (normalised, emitted)`,
  );
}

async function costOfACall(): Promise<void> {
  const { tool } = echoTool("echo", { readOnly: true });
  const core = await openCore([tool]);
  const perCall: number[] = [];
  const calls = 200;
  for (let i = 0; i < (short ? 3 : 30); i++) {
    const base = await timed(() => programRequest("return 0"));
    const full = await timed(() =>
      programRequest(`for (let i = 0; i < ${calls}; i++) await echo({ value: i })`),
    );
    perCall.push((full - base) / calls);
  }
  const walls = percentiles(perCall);
  console.log(`  through both walls and the bridge   p50 ${ms(walls.p50)} a call (aim 0.5 ms)`);

  const limits = { ...defaultLimits, toolCalls: 1_000_000 };
  const policy = { layers: [everything] };
  const inside = await core.runner.openCalls({
    principal: "local",
    kind: "call",
    consent: "auto",
    policy,
    limits,
  });
  const bridge = await sample(short ? 100 : 5_000, () => inside.call("local/echo", '{"value":1}'));
  await inside.end("completed");
  console.log(`  inside the gateway                  p50 ${ms(bridge.p50)} a call (aim 0.08 ms)`);
  await core[Symbol.asyncDispose]();

  async function timed(request: () => ReturnType<typeof programRequest>): Promise<number> {
    const startedAt = performance.now();
    await (await core.runner.start(request())).done;
    return performance.now() - startedAt;
  }
}

async function parallelTools(): Promise<void> {
  const slow = defineTool({
    name: "slow",
    description: "Takes 100 ms.",
    input: z.object({}),
    readOnly: true,
    execute: () => new Promise((resolve) => setTimeout(() => resolve(1), 100)),
  });
  await using sandbox = await createSandbox({ tools: [slow] });
  const code = "return (await Promise.all(Array.from({ length: 10 }, () => slow({})))).length";
  const { p50, p99 } = await sample(short ? 2 : 20, () => sandbox.run(code));
  console.log(`  p50 ${ms(p50)}   p99 ${ms(p99)} (one after the other: 1000 ms)`);
}

async function discovery(): Promise<void> {
  const require = createRequire(import.meta.url);
  const entry = require.resolve("@modelcontextprotocol/server-filesystem/dist/index.js");
  const folder = mkdtempSync(join(tmpdir(), "toolarium-bench-"));
  const times: number[] = [];
  for (let i = 0; i < (short ? 1 : 5); i++) {
    const startedAt = performance.now();
    await using hub = createHub(
      [
        {
          name: "files",
          type: "stdio",
          command: process.execPath,
          args: [entry, folder],
          env: {},
          disabled: false,
          startTimeoutMs: 30_000,
          trustAnnotations: false,
          protocol: "auto",
        },
      ],
      { log: createLog("silent") },
    );
    await hub.settled;
    times.push(performance.now() - startedAt);
  }
  rmSync(folder, { recursive: true });
  console.log(`  server-filesystem, start of the process included: p50 ${ms(percentiles(times).p50)}`);
}
