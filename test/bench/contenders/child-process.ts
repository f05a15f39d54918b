/** A fresh child process per run, by `fork` with its IPC channel and an empty environment. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Contender, programOf } from "./contender.ts";
import { placeFile, runIn } from "./fresh-place.ts";

export async function createContender(): Promise<Contender> {
  const ending = new Set<Promise<unknown>>();
  return {
    async run(task) {
      const child = fork(fileURLToPath(placeFile), { env: {}, execArgv: ["--max-old-space-size=64"] });
      const exited = once(child, "exit").finally(() => ending.delete(exited));
      ending.add(exited);
      const result = await runIn(child, programOf(task), (message) => child.send(message));
      // Answer first: the caller does not wait for the end of the process.
      child.kill("SIGKILL");
      return result;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(ending);
    },
  };
}
