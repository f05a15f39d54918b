/** The surroundings of one command: a log, an interrupt signal, and the configuration. */

import type { Config } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import { redactions } from "../config/secrets.ts";
import { demoConfig } from "../demo/demo.ts";
import { ToolariumError } from "../errors.ts";
import { createHidingLog, type HidingLog } from "../hiding-log.ts";
import { createLog, type Log, type LogThreshold } from "../log.ts";
import { openStore } from "../store/open-store.ts";
import type { Store } from "../store/store.ts";

export interface Session {
  /** Hides the configuration's secrets once it is read. */
  readonly log: HidingLog;
  /** Aborts at the first signal that ends a process. A second signal ends the process at once. */
  readonly interrupted: AbortSignal;
}

const INTERRUPTED_EXIT = 130;
const FAULT_EXIT = 70;
/** Ctrl+C under npm arrives twice, from the terminal and from npm. Signals within this time count as one. */
const SAME_SIGNAL_MS = 1_000;

export interface SessionOptions {
  /**
   * The meaning of SIGHUP. `end` (default): the terminal was closed. `ignore`: a gateway continues without a terminal,
   * and service managers send SIGHUP for a reload, which does not exist here.
   */
  readonly hangup?: "end" | "ignore";
}

/** Takes over the process's signals and its last error handler. Once per process. @throws `usage_error` for a wrong TOOLARIUM_LOG */
export function createSession(defaultLevel: LogThreshold, { hangup = "end" }: SessionOptions = {}): Session {
  const log = createHidingLog(createLog(readLogLevel(defaultLevel)));
  const controller = new AbortController();
  let first = { signal: "", at: 0 };
  const interrupt = (signal: NodeJS.Signals): void => {
    const at = performance.now();
    if (!controller.signal.aborted) {
      first = { signal, at };
      controller.abort();
    } else if (signal !== first.signal || at - first.at > SAME_SIGNAL_MS) process.exit(INTERRUPTED_EXIT);
  };
  const ignore = (signal: NodeJS.Signals): void => log.info(`${signal} is ignored: ${IGNORED_BECAUSE}`);
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt).on("SIGQUIT", interrupt);
  process.on("SIGHUP", hangup === "end" ? interrupt : ignore);
  // Without a handler, SIGUSR1 opens a debugger's port and SIGUSR2 ends the process.
  process.on("SIGUSR1", ignore).on("SIGUSR2", ignore);
  process.on("uncaughtException", (error) => {
    log.fatal({ err: error }, "uncaught error");
    process.exit(FAULT_EXIT);
  });
  return { log, interrupted: controller.signal };
}

const IGNORED_BECAUSE = "it reloads nothing. Restart to read the configuration again.";

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
  log: HidingLog,
): Promise<Config> {
  const { configPath: path, host, port } = flags;
  const { config, warnings, source } = await loadConfig({
    path,
    env: process.env,
    flags: { host, port },
    demo: demoConfig,
  });
  log.hide(redactions(config));
  for (const warning of warnings) log.warn({ source }, warning);
  return config;
}

/** Opens the configured store for reading, while a gateway may be writing to it. @throws `config_error` */
export async function openStoredRuns(config: Config, log: Log): Promise<Store> {
  return await openStore(config.store, { log, readOnly: true });
}

/** Resolves once the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
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
