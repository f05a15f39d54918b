/** The composition root: builds each part once, owns it, disposes it. */
import { setTimeout } from "node:timers/promises";
import { type Access, createAccess } from "./access/access.ts";
import { presentLayers } from "./access/base-layers.ts";
import { type Identify, identifyByKey } from "./access/identify.ts";
import type { Limiter } from "./access/limiter.ts";
import { createMemoryLimiter } from "./access/memory-limiter.ts";
import { type ChatEngine, createChatEngine } from "./chat/engine.ts";
import type { Compiler } from "./code/compile.ts";
import type { Config } from "./config/config.ts";
import { redactions } from "./config/secrets.ts";
import { createCore, type Readiness } from "./core.ts";
import { createHidingLog } from "./hiding-log.ts";
import { createLog, type Log } from "./log.ts";
import type { Hub } from "./mcp/server.ts";
import { createMemoryBudget, type MemoryBudget } from "./memory-budget.ts";
import type { Viewer } from "./runs/live/deciders.ts";
import { type AuditPage, type AuditQuery, readAudit } from "./runs/read/audit.ts";
import type { Runner } from "./runs/runner.ts";
import { openStore } from "./store/open-store.ts";
import type { Store } from "./store/store.ts";
import type { Catalog } from "./tools/catalog.ts";
import { watchPatterns } from "./tools/watch-patterns.ts";
import { createModelRegistry, type ModelRegistry } from "./upstream/registry.ts";

export interface Gateway extends AsyncDisposable {
  readonly config: Config;
  readonly log: Log;
  /** Shared by all faces: a key has one rate limit, whichever face it uses. */
  readonly access: Access;
  readonly hub: Hub;
  readonly compiler: Compiler;
  readonly runner: Runner;
  readonly models: ModelRegistry;
  readonly chat: ChatEngine;
  /** For request bodies and servers' messages together. */
  readonly memory: MemoryBudget;
  /** Resolves when every MCP server is connected or failed, or after `mcp.readyWaitMs`. Never rejects. */
  readonly serversSettled: Promise<void>;
  /** With a principal: the catalog of its programs, with the shapes learned from its calls. */
  catalog(principal?: string): Catalog;
  /** See `readAudit`. */
  audit(viewer: Viewer, query: AuditQuery): Promise<AuditPage>;
  /** Waits until the servers have settled, then runs a real one-line program; `reason` says what is missing. */
  ready(): Promise<Readiness>;
  /**
   * Lets runs finish within this time. The others are suspended, for the next process to resume, or cancelled where the
   * store keeps nothing. Call it once, before dispose.
   */
  drain(deadlineMs: number): Promise<void>;
}

export interface GatewayOptions {
  /** See `configFrom`. */
  readonly config: Config;
  /**
   * The configuration's secrets are removed from everything it gets.
   *
   * @defaultValue warnings and errors, on stderr
   */
  readonly log?: Log;
  /**
   * The clock for learning: milliseconds since the Unix epoch.
   *
   * @defaultValue `Date.now`
   */
  readonly now?: () => number;
  /**
   * Identifies the caller.
   *
   * @defaultValue by the keys of the configuration
   */
  readonly identify?: Identify;
  /**
   * Counts requests and slots of each key.
   *
   * @defaultValue counts in memory
   */
  readonly limiter?: Limiter;
}

const DAY_MS = 86_400_000;
const RETENTION_CHECK_MS = 3_600_000;

/**
 * Resolves when programs can run; MCP servers connect in the background (`serversSettled`). Dispose of the gateway to
 * end what it started.
 *
 * @throws `engine_missing` when there is no isolated-vm; `config_error` when the store cannot be opened or a provider's
 *   package is missing; `not_ready` when the compiler's process or the store's thread does not start. Then nothing is
 *   left running.
 *
 * @example
 * import { configFrom, createGateway } from "toolarium";
 *
 * const { config } = configFrom({ sandbox: { workers: 1 } });
 * await using gateway = await createGateway({ config });
 * await gateway.serversSettled;
 * console.log((await gateway.ready()).ready); // true
 */
export async function createGateway({
  config,
  log: unhidden = createLog("warn"),
  now,
  identify = identifyByKey(config),
  limiter = createMemoryLimiter(),
}: GatewayOptions): Promise<Gateway> {
  await using building = new AsyncDisposableStack();
  const log = createHidingLog(unhidden, redactions(config));
  // First, because a missing package is then found before any run is resumed.
  const models = building.use(await createModelRegistry(config, { log }));
  const memory = createMemoryBudget(config.server.memoryBudgetMb);
  const core = building.use(
    await createCore({
      messageBounds: { maxBytes: config.mcp.maxMessageBytes, budget: memory },
      memory,
      servers: config.servers,
      marks: config.tools,
      store: (log) => openStore(config.store, { log }),
      sandbox: { ...config.sandbox, memoryMb: config.limits.memoryMb },
      callTimeoutMs: config.tools.timeoutMs,
      maxCallTimeoutMs: config.tools.maxTimeoutMs,
      approvalExpiresMs: config.approvals.expiresMs,
      tokenBudgets: { declarations: config.declarations.tokenBudget, result: config.agent.resultTokens },
      presentLayers: (keyName) => presentLayers(config, keyName),
      learn: config.declarations.learn,
      ...(now === undefined ? {} : { now }),
      log,
    }),
  );
  const { hub, compiler, runner, catalog } = core;
  const left = await runner.recover();
  if (left.resumed + left.ended > 0) log.info(left, "took up runs that an earlier process left unfinished");
  const chat = createChatEngine({
    runner,
    models,
    config,
    log,
    reattachMs: config.server.reattachMs,
  });
  building.adopt(keepFor(config.store.retentionDays, core.store, log), clearInterval);
  const waiting = building.adopt(new AbortController(), (controller) => controller.abort());
  const serversSettled = untilSettled(hub, config.mcp.readyWaitMs, waiting.signal);
  let isSettled = false;
  void serversSettled.then(() => {
    isSettled = true;
  });
  building.adopt(watchPatterns({ config, hub, catalog, settled: serversSettled, log }), (stop) => stop());
  const parts = building.move();
  return {
    config,
    log,
    access: createAccess(identify, limiter),
    hub,
    compiler,
    runner,
    models,
    chat,
    memory,
    catalog,
    serversSettled,
    audit: (viewer, query) => readAudit(core.store, viewer, query),
    async ready() {
      const { hindrance } = core.store.health;
      if (hindrance !== null) return { ready: false, reason: hindrance };
      return isSettled ? core.ready() : { ready: false, reason: describeConnecting(hub) };
    },
    drain: core.drain,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

async function untilSettled(hub: Hub, waitMs: number, signal: AbortSignal): Promise<void> {
  const settled = new AbortController();
  const timeout = setTimeout(waitMs, undefined, {
    signal: AbortSignal.any([signal, settled.signal]),
    ref: false,
  });
  await Promise.race([hub.settled, timeout.catch(() => {})]);
  settled.abort();
}

function describeConnecting(hub: Hub): string {
  const connecting = hub.servers().flatMap(({ name, state }) => (state === "connecting" ? [name] : []));
  return `MCP servers are still connecting: ${connecting.join(", ")}.`;
}

/**
 * Removes expired runs, the texts that only they used, and the learned shapes of unused tools, now and every hour. Runs
 * that have not ended stay.
 */
function keepFor(days: number, store: Store, log: Log): NodeJS.Timeout {
  const clean = (): void => {
    const before = Date.now() - days * DAY_MS;
    Promise.all([store.deleteRunsBefore(before), store.deleteShapesBefore(before)]).catch(
      (error: unknown) => {
        log.error({ err: error }, "old runs could not be removed");
      },
    );
  };
  clean();
  return setInterval(clean, RETENTION_CHECK_MS).unref();
}
