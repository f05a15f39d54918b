/** The parts of every use of Toolarium, as a gateway or embedded: tools, compiler, workers, store, runner. */
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
  /** Limits on the size of servers' messages. Default: see `HubDeps`. */
  readonly messageBounds?: HubDeps["bounds"];
  /** Memory for runs and their results together. Absent: unbounded. */
  readonly memory?: MemoryBudget;
  /** Patterns of the tools that the operator declares read-only or idempotent. */
  readonly marks: ToolMarks;
  /** Opens the store of the runs. The core disposes of it. */
  readonly store: (log: Log) => Promise<Store>;
  /** The other processes that work on this store. Absent: there are none. */
  readonly peers?: Peers;
  readonly sandbox: WorkerPoolOptions;
  /** Milliseconds for one tool call. */
  readonly callTimeoutMs: number;
  /** Milliseconds to which a tool that reports progress can extend that. Absent: it cannot. */
  readonly maxCallTimeoutMs?: number;
  /** Milliseconds for which a call waits for a person; then the run ends. */
  readonly approvalExpiresMs: number;
  /** Token budgets for tools and results in a model's prompt, recorded with its runs. Absent: see `PrepareDeps`. */
  readonly tokenBudgets?: TokenBudgets;
  /** The current layers of the configuration and the key, for runs that are resumed after a wait. */
  readonly presentLayers: (keyName: string | null) => readonly PolicyLayer[];
  /** Whether shapes of results are learned and used, for tools that do not declare them. */
  readonly learn: boolean;
  /** Milliseconds since the Unix epoch, for learning. Default `Date.now`. */
  readonly now?: () => number;
  readonly log: Log;
}

export type Readiness =
  /** `damage`: the parts of the store that cannot be read; all other runs are served. */
  { readonly ready: true; readonly damage?: string } | { readonly ready: false; readonly reason: string };

export interface Core extends AsyncDisposable {
  readonly hub: Hub;
  readonly compiler: Compiler;
  readonly pool: WorkerPool;
  readonly store: Store;
  readonly runner: Runner;
  /** With a principal: the catalog of its programs, with the shapes learned from its calls. */
  catalog(principal?: string): Catalog;
  /**
   * Lets runs finish within this time. The others are suspended, for the next process to resume, or cancelled where the
   * store keeps nothing.
   */
  drain(deadlineMs: number): Promise<void>;
  /** Checks that the store can be written, and runs a real one-line program. */
  ready(): Promise<Readiness>;
}

/**
 * Builds the parts side by side and resolves when a program can run; servers may still be connecting then. Rejects with
 * `engine_missing` when there is no isolated-vm, with `config_error` when the store cannot be opened. On a failure
 * every part that was built is closed again.
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
  // The next process resumes runs that the store keeps.
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

/** Waits for all parts, so that a part that started while another failed is closed too. */
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

/** The catalog; rebuilt at its first use after a server's tools changed. */
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

/** A server that has not connected yet has no tools, but programs have its global, and a call waits for it. */
function sourcesOf(hub: Hub): readonly ServerSource[] {
  const listed = hub.sources();
  const names = new Set(listed.map(({ server }) => server));
  const others = hub.servers().filter(({ name }) => !names.has(name));
  return [...listed, ...others.map(({ name }) => ({ server: name, tools: [] }))];
}

/** Milliseconds to wait for a place in a worker. The caller has a time limit too, which would give no reason. */
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
