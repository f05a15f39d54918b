/**
 * The composition root: builds each part once, owns it, disposes it. (Interface; the implementation is in progress.)
 */
import type { ChatEngine } from "./chat/engine.ts";
import type { Compiler } from "./code/compile.ts";
import type { Config } from "./config.ts";
import type { Log } from "./log.ts";
import type { Hub } from "./mcp/hub.ts";
import type { Runner } from "./runs/runner.ts";
import type { Catalog } from "./tools/catalog.ts";
import type { ModelRegistry } from "./upstream/registry.ts";

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
  ready(): Promise<{ readonly ready: true } | { readonly ready: false; readonly reason: string }>;
  /** Lets runs finish for up to this time, then cancels the rest. Called once, before dispose. */
  drain(deadlineMs: number): Promise<void>;
}
