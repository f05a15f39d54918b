/** How fast does a run go on after a decision, what does one that waits cost, and what does the history of a run? */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { z } from "zod";
import { defaultLimits, type Settlement } from "../../../sandbox/index.ts";
import type { Core } from "../../../src/core.ts";
import { createLog } from "../../../src/log.ts";
import type { LocalTool } from "../../../src/mcp/server.ts";
import { programGlobals } from "../../../src/runs/program/program-globals.ts";
import type { Runner } from "../../../src/runs/runner.ts";
import type { Store } from "../../../src/store/store.ts";
import { toNamespaces } from "../../../src/tools/catalog.ts";
import { createArgumentChecker } from "../../../src/tools/checking/arguments.ts";
import { defineTool } from "../../../src/tools/define-tool.ts";
import { createBridge } from "../../../src/tools/gate/bridge.ts";
import { everything, openCore, programRequest } from "../../helpers/core.ts";
import { createRunner } from "../../helpers/runner.ts";
import {
  ask,
  both,
  type Extent,
  idlePause,
  interleave,
  median,
  ms,
  percentiles,
  tell,
  timed,
  times,
} from "../measure.ts";

const CALLS = 10;
const RESULT: string = "x".repeat(1_000);
const me = { principal: "local", admin: false };

export async function resume({ short }: Extent): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "toolarium-bench-"));
  try {
    await resumeWaiting(join(folder, "waiting.db"), short);
    for (const latencyMs of [0, 5]) await compareHistories(join(folder, `${latencyMs}.db`), latencyMs, short);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function toolOf(name: string, latencyMs: number, more: Partial<LocalTool> = {}): LocalTool {
  const tool = defineTool({
    name,
    description: "Answers with 1 kB.",
    input: z.object({ value: z.number().optional() }),
    execute: async () => {
      if (latencyMs > 0) await setTimeout(latencyMs);
      return RESULT;
    },
  });
  return { ...tool, ...more };
}

async function resumeWaiting(storePath: string, short: boolean): Promise<void> {
  const [waiting, rounds] = short ? [20, 5] : [1_000, 300];
  ask(`How fast does a run with ten results of 1 kB go on after a decision? (${waiting} runs wait)`);
  const tools = [toolOf("read", 0), toolOf("order", 0, { needsApproval: true })];
  await using core = await openCore(tools, storePath, { sandbox: { workers: 2, queue: 64 } });
  const program = `for (let i = 0; i < ${CALLS}; i++) await read({ value: i }); return (await order({})).length`;
  const park = async (): Promise<string> => {
    const { id, done } = await core.runner.start(programRequest(program));
    const { status } = await done;
    if (status !== "waiting") throw new Error(`a run is ${status}`);
    return id;
  };
  await park();
  const before = heapMb();
  const ids: string[] = [];
  while (ids.length < waiting) ids.push(...(await Promise.all(Array.from({ length: 8 }, park))));
  tell(
    "a run that waits",
    `heap ${(((heapMb() - before) / ids.length) * 1_000).toFixed(1)} kB`,
    `store ${(statSync(storePath).size / ids.length / 1_000).toFixed(1)} kB`,
  );
  const queue = ids.values();
  const [decided = []] = await interleave(rounds, [
    () => timed(() => approve(core, queue.next().value ?? "")),
  ]);
  tell("decision to report, one at a time", ...both(percentiles(decided)));
}

async function approve({ runner }: Core, run: string): Promise<void> {
  const [pending] = (await runner.reader.report(run, me))?.pending ?? [];
  const decision = { type: "approve", by: "me" } as const;
  const decided = await runner.decide({ run, call: pending?.call ?? "", decision, viewer: me });
  const report = await decided?.done;
  if (report?.status !== "completed") throw new Error(`the run is ${report?.status}`);
}

async function compareHistories(storePath: string, latencyMs: number, short: boolean): Promise<void> {
  ask(`What does its history add to a run with ten calls of ${latencyMs} ms?`);
  const tools = [toolOf("read", latencyMs, { readOnly: true }), toolOf("write", latencyMs)];
  await using disk = await openCore(tools, storePath);
  await using careful = await openCore(tools, `${storePath}-fsync`, { settings: { fsync: true } });
  await using memory = await openCore(tools);
  const code = (tool: string): string =>
    `for (let i = 0; i < ${CALLS}; i++) await ${tool}({ value: i }); return 1`;
  const forgetful = createRunner(memory, keepingNothing(memory.store));
  const kept = (runner: Runner, tool: string) => (): Promise<number> =>
    timed(async () => (await runner.start(programRequest(code(tool), { typecheck: "off" }))).done);
  const tellAll = async (tool: string, acts: readonly Act[]): Promise<void> => {
    const measured = await interleave(
      short ? 3 : 120,
      acts.map(([, act]) => act),
      idlePause,
    );
    // What is measured is the history, not the runner: the same run is the base, with nothing kept of it.
    const base = median(measured[0] ?? []);
    for (const [i, [name]] of acts.entries()) {
      const took = measured[i] ?? [];
      const middle = median(took);
      tell(`${tool}s, ${name}`, ...both(percentiles(took)), times(middle, base), `+${ms(middle - base)}`);
    }
  };
  for (const tool of ["read", "write"]) {
    const nothing: Act = ["a store that keeps nothing", kept(forgetful, tool)];
    await tellAll(tool, [
      nothing,
      ["engine and gate alone", () => timed(() => runWithoutJournal(memory, code(tool)))],
      ["in :memory:", kept(memory.runner, tool)],
      ["on disk", kept(disk.runner, tool)],
    ]);
    // By itself: the disk that one waits for is the others' as well.
    await tellAll(tool, [nothing, ["on disk with fsync", kept(careful.runner, tool)]]);
  }
}

type Act = readonly [name: string, act: () => Promise<number>];

/** Runs and events are gone as soon as they are written. */
function keepingNothing(store: Store): Store {
  const drop = (): Promise<void> => Promise.resolve();
  const dropped = new Set<PropertyKey>(["createRun", "append", "flush"]);
  return new Proxy(store, {
    get(_, name) {
      const own: unknown = Reflect.get(store, name, store);
      return dropped.has(name) ? drop : typeof own === "function" ? own.bind(store) : own;
    },
  });
}

/** Compiled, executed and held at the gate like any program, and nothing is written down. */
async function runWithoutJournal(
  { hub, catalog: present, compiler, pool }: Core,
  code: string,
): Promise<void> {
  const catalog = present();
  const compiled = await compiler.compile(
    { code, sourceBytes: defaultLimits.sourceBytes, globals: programGlobals(catalog), check: null },
    { principal: "local" },
  );
  if (!compiled.ok) throw new Error(compiled.message);
  const bridge = createBridge({
    hub,
    checker: createArgumentChecker(),
    catalog: present,
    log: createLog("silent"),
  });
  const journal = { append: () => undefined, flush: () => Promise.resolve(), isHeld: () => true };
  const outcome = await pool.run({
    principal: "local",
    limits: defaultLimits,
    program: {
      js: compiled.program.js,
      namespaces: toNamespaces(catalog, catalog.tools),
      input: "null",
      seed: code,
    },
    host: {
      log: () => undefined,
      async call({ n, server, tool, args }, signal): Promise<Settlement> {
        const answer = await bridge.call({
          principal: "bench",
          journal,
          n,
          id: String(n),
          tool: `${server}/${tool}`,
          args,
          spelling: "program",
          catalog,
          policy: { layers: [everything] },
          consent: "deny",
          timeoutMs: 5_000,
          resultBytes: defaultLimits.toolResultBytes,
          signal,
        });
        if (answer.type !== "value") throw new Error("a call was refused");
        return answer;
      },
    },
  });
  if (outcome.type !== "completed") throw new Error(`the program ended as ${outcome.type}`);
}

function heapMb(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return process.memoryUsage().heapUsed / 1e6;
}
