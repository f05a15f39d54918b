/** A fresh `worker_threads` Worker per run, with a heap limit. No wall: a thread shares the process. */
import { Worker } from "node:worker_threads";
import { type Contender, programOf } from "./contender.ts";
import { placeFile, runIn } from "./fresh-place.ts";

export async function createContender(): Promise<Contender> {
  const ending = new Set<Promise<unknown>>();
  return {
    async run(task) {
      const worker = new Worker(placeFile, { env: {}, resourceLimits: { maxOldGenerationSizeMb: 64 } });
      const result = await runIn(worker, programOf(task), (message) => worker.postMessage(message));
      // Answer first: the caller does not wait for the end of the thread.
      const ended = worker.terminate().finally(() => ending.delete(ended));
      ending.add(ended);
      return result;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(ending);
    },
  };
}
