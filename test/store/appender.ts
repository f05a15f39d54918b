/** A process that appends to several runs without end and tells its parent of every append that resolved. */
import { createLog } from "../../src/log.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { logEvent, runRecord } from "./records.ts";

const store = await openSqliteStore({ path: process.argv[2] ?? "", log: createLog("info") });
process.on("disconnect", () => process.exit());

async function appendForever(): Promise<never> {
  const run = runRecord();
  await store.createRun(run);
  for (let seq = 1; ; seq += 1) {
    await store.append(run.id, 1, [logEvent(seq)]);
    process.send?.([run.id, seq]);
  }
}

await Promise.all(Array.from({ length: 8 }, appendForever));
