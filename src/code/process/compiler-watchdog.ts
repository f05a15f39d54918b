/** A thread of the compiler process: kills its whole group once the parent is gone, however busy the main thread is. */
import { workerData } from "node:worker_threads";

const INTERVAL_MS = 500;
const { parentPid } = workerData as { readonly parentPid: number };

setInterval(() => {
  // An orphan is adopted at once, so the parent's pid changes even if the number is reused.
  if (process.ppid !== parentPid) process.kill(-process.pid, "SIGKILL");
}, INTERVAL_MS);
