/** What one invocation of the command line has: a log, a way to be interrupted, and the configuration. */
import { setTimeout } from "node:timers/promises";
import { type Config, loadConfig } from "../config.ts";
import { demoConfig } from "../demo/demo.ts";
import { ToolariumError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { createLog, type Log, type LogThreshold } from "../log.ts";
import { openSqliteStore } from "../store/sqlite.ts";
import type { Store } from "../store/store.ts";

export interface Session {
  readonly log: Log;
  /** Aborts at the first SIGINT or SIGTERM. The second one ends the process at once. */
  readonly interrupted: AbortSignal;
}

const INTERRUPTED_EXIT = 130;
const FAULT_EXIT = 70;

/** Takes over the process's signals and its last error handler. Once per process. @throws `usage_error` for a wrong TOOLARIUM_LOG */
export function createSession(defaultLevel: LogThreshold): Session {
  const log = createLog(readLogLevel(defaultLevel));
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED_EXIT);
    controller.abort();
  };
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  process.on("uncaughtException", (error) => {
    log.fatal({ err: error }, "uncaught error");
    process.exit(FAULT_EXIT);
  });
  return { log, interrupted: controller.signal };
}

const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

function readLogLevel(defaultLevel: LogThreshold): LogThreshold {
  const asked = process.env["TOOLARIUM_LOG"];
  if (asked === undefined) return defaultLevel;
  const level = logLevels.find((each) => each === asked);
  if (level === undefined)
    throw new ToolariumError(
      "usage_error",
      `TOOLARIUM_LOG is ${JSON.stringify(asked)}; it can be ${logLevels.join(", ")}.`,
    );
  return level;
}

/** The configuration: flags, then the environment, then the file, else the demo. @throws `config_error` */
export async function readConfig(
  flags: { readonly configPath?: string; readonly host?: string; readonly port?: number },
  log: Log,
): Promise<Config> {
  const { configPath: path, host, port } = flags;
  const { config, warnings, source } = await loadConfig({
    path,
    env: process.env,
    flags: { host, port },
    demo: demoConfig,
  });
  for (const warning of warnings) log.warn({ source }, warning);
  return config;
}

/** The configured store, to be looked at while a gateway may be writing to it. @throws `config_error` */
export async function openStoredRuns(config: Config, log: Log): Promise<Store> {
  return await openSqliteStore({ path: config.store.path, log, readOnly: true });
}

/** Never resolves; rejects with `cancelled` once the signal aborts. */
export function interruption(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const interrupt = (): void => reject(new ToolariumError("cancelled", "Interrupted."));
  if (signal.aborted) interrupt();
  else signal.addEventListener("abort", interrupt, { once: true });
  promise.catch(() => {});
  return promise;
}

/** Resolves when every server is connected or failed, after `mcp.readyWaitMs`, or when the signal aborts. */
export async function untilServersSettled({ hub, config }: Gateway, signal: AbortSignal): Promise<void> {
  const settled = new AbortController();
  const timeout = setTimeout(config.mcp.readyWaitMs, undefined, {
    signal: AbortSignal.any([signal, settled.signal]),
  });
  await Promise.race([hub.settled, timeout.catch(() => {})]);
  settled.abort();
}
