/** Starts the thread behind the store. It ends when it is told to, or by a fault of its own. */
import { Worker } from "node:worker_threads";
import { describeShortage } from "../../../sandbox/index.ts";
import { ToolariumError } from "../../errors.ts";
import type { FromThread, StoreThreadOptions } from "./file/thread-protocol.ts";

export type StartedWorker =
  | { readonly ok: true; readonly worker: Worker; readonly first: Extract<FromThread, { type: "ready" }> }
  | { readonly ok: false; readonly refused: Extract<FromThread, { type: "refused" }> };

export function startStoreWorker(workerData: StoreThreadOptions): Promise<StartedWorker> {
  const worker = new Worker(new URL(`./sqlite-thread${import.meta.url.slice(-3)}`, import.meta.url), {
    name: "store",
    workerData,
    env: {},
    // Early versions of Node 24 print a warning when node:sqlite is loaded.
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  const { promise, resolve, reject } = Promise.withResolvers<StartedWorker>();
  const ended = (): void => reject(new Error("the store's thread ended before it was ready"));
  worker.once("error", reject);
  worker.once("exit", ended);
  worker.once("message", (first: FromThread) => {
    worker.off("error", reject);
    worker.off("exit", ended);
    if (first.type === "ready") resolve({ ok: true, worker, first });
    else if (first.type === "refused") resolve({ ok: false, refused: first });
    else reject(new Error("the store's thread began with something else"));
  });
  return promise.catch(refuseStart);
}

function refuseStart(cause: unknown): never {
  const shortage = describeShortage(cause);
  if (shortage === undefined) throw cause;
  throw new ToolariumError("not_ready", `The store's thread cannot be started: ${shortage}.`, { cause });
}
