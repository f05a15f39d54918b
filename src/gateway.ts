/** The composition root: builds each part once, owns it, disposes it. */
import { type ChatEngine, createChatEngine } from "./chat/engine.ts";
import type { Compiler } from "./code/compile.ts";
import { renderDeclarations } from "./code/declarations.ts";
import type { Config } from "./config.ts";
import { createCore, type Readiness } from "./core.ts";
import type { Log } from "./log.ts";
import type { Hub } from "./mcp/hub.ts";
import type { Runner } from "./runs/runner.ts";
import type { Store } from "./store/store.ts";
import type { Catalog } from "./tools/catalog.ts";
import { createModelRegistry, type ModelRegistry } from "./upstream/registry.ts";

export interface Gateway extends AsyncDisposable {
  readonly config: Config;
  readonly log: Log;
  readonly hub: Hub;
  readonly compiler: Compiler;
  readonly runner: Runner;
  readonly models: ModelRegistry;
  readonly chat: ChatEngine;
  catalog(): Catalog;
  /** Runs a real one-line program; `reason` says what is missing. */
  ready(): Promise<Readiness>;
  /** Lets runs finish for up to this time, then cancels the rest. Called once, before dispose. */
  drain(deadlineMs: number): Promise<void>;
}

export interface GatewayOptions {
  readonly config: Config;
  readonly log: Log;
}

const DAY_MS = 86_400_000;
const RETENTION_CHECK_MS = 3_600_000;

/**
 * Resolves when programs can run; MCP servers connect in the background (`hub.settled`).
 * Rejects with `engine_missing` or `config_error`; then nothing is left running.
 */
export async function createGateway({ config, log }: GatewayOptions): Promise<Gateway> {
  await using building = new AsyncDisposableStack();
  const core = building.use(
    await createCore({
      servers: config.servers,
      marks: config.tools,
      storePath: config.store.path,
      sandbox: { ...config.sandbox, memoryMb: config.limits.memoryMb },
      callTimeoutMs: config.tools.timeoutMs,
      log,
    }),
  );
  const { hub, compiler, runner, catalog } = core;
  const abandoned = await runner.recover();
  if (abandoned > 0) log.warn({ runs: abandoned }, "ended runs that an earlier process left unfinished");
  const models = building.use(createModelRegistry(config.providers));
  const chat = createChatEngine({ runner, models, config, renderDeclarations, log });
  building.adopt(keepFor(config.store.retentionDays, core.store, log), clearInterval);
  const parts = building.move();
  return {
    config,
    log,
    hub,
    compiler,
    runner,
    models,
    chat,
    catalog,
    ready: core.ready,
    drain: (deadlineMs) => runner.drain(deadlineMs),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** Removes runs past their time, now and every hour. */
function keepFor(days: number, store: Store, log: Log): NodeJS.Timeout {
  const clean = (): void => {
    store.deleteRunsBefore(Date.now() - days * DAY_MS).catch((error: unknown) => {
      log.error({ err: error }, "old runs could not be removed");
    });
  };
  clean();
  return setInterval(clean, RETENTION_CHECK_MS).unref();
}
