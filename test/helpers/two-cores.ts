/** Two gateways' cores in this process over one store in memory, with real terms, and tools that remember who called. */
import { onTestFinished } from "vitest";
import type { Core, CoreOptions } from "../../src/core.ts";
import { createLog } from "../../src/log.ts";
import type { LocalTool } from "../../src/mcp/server.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { type Cluster, createCluster, type Member } from "./cluster.ts";
import { openCore } from "./core.ts";

export interface Process {
  readonly core: Core;
  readonly member: Member;
}

export interface TwoCores {
  readonly a: Process;
  readonly b: Process;
  readonly cluster: Cluster;
  readonly store: Store;
}

/** `tools`: those of the process of this name. All ends with the test. */
export async function openTwoCores(
  tools: (process: "a" | "b") => readonly LocalTool[],
  options: Partial<CoreOptions> = {},
): Promise<TwoCores> {
  const store = await openSqliteStore({ path: ":memory:", fsync: true, log: createLog("silent") });
  const cluster = createCluster(store);
  const open = async (name: "a" | "b"): Promise<Process> => {
    const member = cluster.join(name);
    const marks = { readOnly: ["local/look"], idempotent: [] };
    const more = { ...options, marks, store: async () => member.store, peers: member.peers };
    return { core: await openCore(tools(name), undefined, more), member };
  };
  const [a, b] = await Promise.all([open("a"), open("b")]);
  onTestFinished(async () => {
    await Promise.all([a, b].map(({ core }) => core[Symbol.asyncDispose]()));
    await store[Symbol.asyncDispose]();
  });
  for (const { core } of [a, b]) await core.runner.recover();
  return { a, b, cluster, store };
}
