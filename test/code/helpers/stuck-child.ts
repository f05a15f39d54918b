/** A process whose main thread never comes back, under the compiler's watchdog. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";

const watchdog = new Worker(new URL("../../../src/code/process/compiler-watchdog.ts", import.meta.url), {
  workerData: { parentPid: process.ppid },
  execArgv: [],
});
await once(watchdog, "online");
await new Promise((sent) => process.send?.(process.pid, sent));
for (;;);
