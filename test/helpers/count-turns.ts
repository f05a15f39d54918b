/**
 * Loaded into a gateway (`--import`): writes the longest turn of its event loop, in milliseconds of its thread's own
 * time, into the file that TURNS_FILE names. SIGUSR2 begins anew.
 */
import { writeFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

const file = process.env["TURNS_FILE"];

if (isMainThread && file !== undefined && process.argv.includes("serve")) {
  let worst = 0;
  let last = process.threadCpuUsage();
  const look = (): void => {
    const { user, system } = process.threadCpuUsage(last);
    const ms = (user + system) / 1_000;
    if (ms > worst) {
      worst = ms;
      writeFileSync(file, String(worst));
    }
    last = process.threadCpuUsage();
    setImmediate(() => setTimeout(look, 1));
  };
  process.on("SIGUSR2", () => {
    worst = 0;
    writeFileSync(file, "0");
    last = process.threadCpuUsage();
  });
  look();
}
