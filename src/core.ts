/** The parts that every use of Toolarium has, as a gateway or embedded: tools, compiler, workers, store, runner. */
import {
  createWorkerPool,
  defaultLimits,
  PoolRefusal,
  type WorkerPool,
  type WorkerPoolOptions,
} from "../sandbox/index.ts";
import type { Compiler } from "./code/compile.ts";
import { createCompiler } from "./code/process/compiler-process.ts";
import { ToolariumError } from "./errors.ts";
import { createLearner } from "./learning/learner.ts";
import type { Log } from "./log.ts";
import { createHub, type HubDeps } from "./mcp/hub.ts";
import type { Hub, ServerSpec } from "./mcp/server.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import type { Peers } from "./runs/peers.ts";
import type { TokenBudgets } from "./runs/record/receipt.ts";
import { Runner } from "./runs/runner.ts";
import type { Store } from "./store/store.ts";
import { buildCatalog, type Catalog, type ToolMarks } from "./tools/catalog.ts";
import { createArgumentChecker } from "./tools/checking/arguments.ts";
import { createBridge } from "./tools/gate/bridge.ts";
import type { PolicyLayer } from "./tools/policy-layer.ts";
import type { ServerSource } from "./tools/tool-source.ts";

export interface CoreOptions {
  readonly servers: readonly ServerSpec[];
  /** How large messages of servers may be. Default: see `HubDeps`. */
  readonly messageBounds?: HubDeps["bounds"];
  /** What runs and their results may take in all. Absent: without bound. */
  readonly memory?: MemoryBudget;
  /** Tools the operator declares read-only or idempotent, as patterns. */
  readonly marks: ToolMarks;
  /** Opens what keeps the runs. The core disposes of it. */
  readonly store: (log: Log) => Promise<Store>;
  /** The other processes that work on this store. Absent: there are none. */
  readonly peers?: Peers;
  readonly sandbox: WorkerPoolOptions;
  /** Milliseconds for one tool call. */
  readonly callTimeoutMs: number;
  /** Milliseconds up to which a tool that reports progress extends that. Absent: not at all. */
  readonly maxCallTimeoutMs?: number;
  /** Milliseconds for which a call waits for a person. */
  readonly approvalExpiresMs: number;
  /** What a model is shown of tools and results, to be recorded with its runs. Absent: see `PrepareDeps`. */
  readonly tokenBudgets?: TokenBudgets;
  /** What configuration and key allow now, for runs that go on after they waited. */
  readonly presentLayers: (keyName: string | null) => readonly PolicyLayer[];
  /** Whether shapes of results are learned and used, for tools that do not say what they give. */
  readonly learn: boolean;
  /** Milliseconds since the Unix epoch, for what is learned. Default `Date.now`. */
  readonly now?: () => number;
  readonly log: Log;
}

export type Readiness =
  /** `damage`: what of the store could not be read; the rest is served. */
  { readonly ready: true; readonly damage?: string } | { readonly ready: false; readonly reason: string };

export interface Core extends AsyncDisposable {
  readonly hub: Hub;
  readonly compiler: Compiler;
  readonly pool: WorkerPool;
  readonly store: Store;
  readonly runner: Runner;
  /** With a principal: as its programs see it, with what its calls have taught. */
  catalog(principal?: string): Catalog;
  /**
   * Lets runs finish for up to this time. Then the rest is left for the next process to go on with, or cancelled where
   * the store keeps nothing.
   */
  drain(deadlineMs: number): Promise<void>;
  /** Looks whether the store can be written, and runs a real one-line program. */
  ready(): Promise<Readiness>;
}

/**
 * Builds the parts side by side and resolves when a program can run; servers may still be connecting then.
 * Rejects with `engine_missing` when there is no isolated-vm, with `config_error` when the store cannot be opened.
 * What was built before a failure is closed again.
 */
export async function createCore(options: CoreOptions): Promise<Core> {
  const { log, messageBounds, memory } = options;
  await using building = new AsyncDisposableStack();
  const [store, pool, compiler] = await all(building, [
    options.store(log),
    createPool({
      ...options.sandbox,
      onStartFailed: (reason) =>
        log.error({ reason }, "programs wait: workers are missing; their start is tried again"),
    }),
    createCompiler({ log }),
  ]);
  const { learn, now } = options;
  const learner = learn
    ? building.use(await createLearner({ store, log, ...(now === undefined ? {} : { now }) }))
    : undefined;
  const hub = building.use(
    createHub(options.servers, { log, ...(messageBounds === undefined ? {} : { bounds: messageBounds }) }),
  );
  const latest = followCatalog(hub, options.marks);
  const catalog = (principal?: string): Catalog =>
    principal === undefined ? latest() : (learner?.view(latest(), principal) ?? latest());
  const bridge = createBridge({
    hub,
    checker: createArgumentChecker(),
    catalog: latest,
    log,
    memory,
    ...(learner === undefined ? {} : { learn: learner.learn.bind(learner) }),
    ...(options.maxCallTimeoutMs === undefined ? {} : { maxTimeoutMs: options.maxCallTimeoutMs }),
  });
  const { callTimeoutMs, approvalExpiresMs, presentLayers, tokenBudgets } = options;
  const runner = new Runner({
    pool,
    compiler,
    bridge,
    store,
    log,
    catalog,
    callTimeoutMs,
    approvalExpiresMs,
    presentLayers,
    memory,
    peers: options.peers,
    ...(tokenBudgets === undefined ? {} : { tokenBudgets }),
  });
  // What a store keeps, the next process goes on with.
  const rest = store.keeps ? "suspend" : "cancel";
  const drain = (deadlineMs: number): Promise<void> => runner.drain(deadlineMs, rest);
  const parts = building.move();
  return {
    hub,
    compiler,
    pool,
    store,
    runner,
    catalog,
    drain,
    async ready() {
      const { hindrance, damage } = store.health;
      if (hindrance !== null) return { ready: false, reason: hindrance };
      const readiness = await checkReadiness(pool, compiler);
      return readiness.ready && damage !== null ? { ready: true, damage } : readiness;
    },
    async [Symbol.asyncDispose]() {
      await drain(0);
      await parts.disposeAsync();
    },
  };
}

/** Rejects with `engine_missing` when there is no isolated-vm. */
export function createPool(options: WorkerPoolOptions): Promise<WorkerPool> {
  return createWorkerPool(options).catch(refuseWithoutEngine);
}

/** Waits for all, so that a part that came up while another failed is closed too. */
async function all<T extends readonly Promise<AsyncDisposable>[]>(
  stack: AsyncDisposableStack,
  parts: readonly [...T],
): Promise<{ -readonly [I in keyof T]: Awaited<T[I]> }> {
  const settled = await Promise.allSettled(parts);
  for (const part of settled) if (part.status === "fulfilled") stack.use(part.value);
  return Promise.all(parts) as Promise<{ -readonly [I in keyof T]: Awaited<T[I]> }>;
}

function refuseWithoutEngine(cause: unknown): never {
  if (!(cause instanceof PoolRefusal)) throw cause;
  const message = `Programs cannot run here, and there is no other engine to fall back to: ${cause.message}`;
  throw new ToolariumError("engine_missing", message, { cause });
}

/** Rebuilt at its first use after a server's tools changed. */
function followCatalog(hub: Hub, marks: ToolMarks): () => Catalog {
  let catalog: Catalog | undefined;
  hub.onChange(() => {
    catalog = undefined;
  });
  return () => {
    catalog ??= buildCatalog(sourcesOf(hub), marks);
    return catalog;
  };
}

/** A server that has not connected yet has no tools, but programs find its global, and a call waits for it. */
function sourcesOf(hub: Hub): readonly ServerSource[] {
  const listed = hub.sources();
  const names = new Set(listed.map(({ server }) => server));
  const others = hub.servers().filter(({ name }) => !names.has(name));
  return [...listed, ...others.map(({ name }) => ({ server: name, tools: [] }))];
}

/** For a place in a worker: who asks has a limit of time too, and is told more than by that. */
const READINESS_WAIT_MS = 10_000;
const READINESS_LIMITS = { ...defaultLimits, wallMs: 5_000, cpuMs: 1_000 };

async function checkReadiness(pool: WorkerPool, compiler: Compiler): Promise<Readiness> {
  try {
    const program = { code: "return 'ready'", sourceBytes: 100, globals: [], check: null };
    const compiled = await compiler.compile(program, { principal: null });
    if (!compiled.ok) return { ready: false, reason: `the compiler does not work: ${compiled.message}` };
    const late = AbortSignal.timeout(READINESS_WAIT_MS);
    const outcome = await pool.run({
      principal: null,
      limits: READINESS_LIMITS,
      signal: late,
      program: {
        js: compiled.program.js,
        namespaces: { servers: [], locals: [] },
        input: "null",
        seed: "readiness",
      },
      host: { log: () => undefined, call: () => Promise.reject(new Error("readiness calls no tool")) },
    });
    if (outcome.type === "completed" && outcome.result === '"ready"') return { ready: true };
    if (late.aborted)
      return {
        ready: false,
        reason: `no worker had room for a program within ${READINESS_WAIT_MS / 1_000} s`,
      };
    const words = outcome.type === "failed" ? outcome.failure.message : "it did not return";
    return { ready: false, reason: `a one-line program did not run: ${words}` };
  } catch (error) {
    return {
      ready: false,
      reason: error instanceof Error ? error.message : "a one-line program could not be started",
    };
  }
}
