/** What a store still knows while something stands in its way, and when it takes itself for well again. */
import { execFileSync } from "node:child_process";
import { copyFileSync, renameSync, rmSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { Worker } from "node:worker_threads";
import { expect, test, vi } from "vitest";
import { createLog } from "../../src/log.ts";
import { createJournal } from "../../src/runs/live/live-journal.ts";
import { describeReadFailure, describeWriteFailure } from "../../src/store/sqlite/file/failures.ts";
import { openRedoLog, readRedoLog } from "../../src/store/sqlite/file/redo-log.ts";
import type * as storeWorker from "../../src/store/sqlite/store-worker.ts";
import { until } from "../helpers/until.ts";
import { createStoreFiles, damageTable, unavailable, untilWell } from "./files.ts";
import { logEvent, logEvents, runRecord } from "./records.ts";

/** The threads of the stores, the newest last. */
const threads: Worker[] = [];

vi.mock("../../src/store/sqlite/store-worker.ts", async (original) => {
  const { startStoreWorker } = await original<typeof storeWorker>();
  return {
    async startStoreWorker(...args: Parameters<typeof startStoreWorker>) {
      const started = await startStoreWorker(...args);
      if (started.ok) threads.push(started.worker);
      return started;
    },
  } satisfies typeof storeWorker;
});

const log = createLog("silent");
const { newPath, open } = createStoreFiles();

function lock(path: string): DatabaseSync {
  const other = new DatabaseSync(path);
  other.exec("begin immediate");
  return other;
}

/** How often the store has looked whether it can be written: each look asks its thread. */
function countLooks(): () => number {
  const post = vi.spyOn(threads.at(-1) ?? expect.fail(), "postMessage");
  return () => post.mock.calls.filter(([message]) => message.type === "revive").length;
}

test("a store that another program has locked is not well before it could really write", async () => {
  const path = newPath();
  // Without a redo log nothing is to be committed first, which would meet the lock too.
  await using store = await open(path, { fsync: true });
  let recoveries = 0;
  store.onRevived(() => {
    recoveries += 1;
  });
  const looks = countLooks();
  using other = lock(path);
  await expect(store.createRun(runRecord())).rejects.toMatchObject(unavailable);
  await until("it has looked twice", () => looks() > 2);
  expect(store.health.hindrance).toMatch(/another program has locked it/);
  expect(recoveries).toBe(0);
  other.close();
  await untilWell(store);
  expect(recoveries).toBe(1);
  await store.createRun(runRecord());
});

test("what stands in the redo log alone stays there when the process stops before the disk takes it", async () => {
  const path = newPath();
  const run = runRecord();
  {
    await using store = await open(path);
    await store.createRun(run);
    using other = lock(path);
    const committed = store.append(run.id, 1, [logEvent(1)], "running");
    committed.catch(() => undefined);
    await store.flush(run.id);
    await expect(committed).rejects.toMatchObject(unavailable);
    await store[Symbol.asyncDispose]();
    other.close();
  }
  await using again = await open(path);
  expect(await again.readJournal(run.id)).toEqual([logEvent(1)]);
});

test("a journal whose run could not even be created is whole after the outage", async () => {
  const path = newPath();
  await using store = await open(path, { fsync: true });
  using other = lock(path);
  const run = runRecord();
  const journal = createJournal({ store, run, log });
  journal.append({ type: "log", level: "log", text: "first" });
  await expect(journal.flush()).rejects.toMatchObject(unavailable);
  other.close();
  await untilWell(store);
  expect(await store.getRun(run.id)).toBeUndefined();
  await journal.restore();
  expect(journal.lost).toBeUndefined();
  expect(await store.getRun(run.id)).toMatchObject({ id: run.id });
  expect(await store.readJournal(run.id)).toMatchObject([{ seq: 1, text: "first" }]);
});

test("a thread that is started again does not take another database for its own", async () => {
  const [path, other] = [newPath(), newPath()];
  await (await open(other))[Symbol.asyncDispose]();
  await using store = await open(path);
  const thread = threads.at(-1);
  await store.createRun(runRecord());
  renameSync(path, `${path}.away`);
  for (const suffix of ["-wal", "-shm"]) rmSync(path + suffix);
  copyFileSync(other, path);
  await thread?.terminate();
  await until("it says so", () => store.health.hindrance?.includes("Another database is at"));
  expect(threads.at(-1)).not.toBe(thread);
  await expect(store.createRun(runRecord())).rejects.toMatchObject(unavailable);
});

test("a thread that dies leaves nobody waiting", async () => {
  const path = newPath();
  await using store = await open(path, { busyMs: 300 });
  using _other = lock(path);
  // In the thread, which waits for the lock.
  const created = store.createRun(runRecord());
  created.catch(() => undefined);
  void threads.at(-1)?.terminate();
  await expect(created).rejects.toMatchObject({ ...unavailable, message: expect.stringContaining("ended") });
});

test("of a write that the disk took in part nothing stays in the redo log, and the next one is whole", () => {
  const path = newPath();
  const redo = openRedoLog(path, "id");
  const append = (seq: number, text?: string): boolean =>
    redo.write([{ op: "append", run: "run_a", events: [logEvent(seq, text)], status: undefined }]);
  expect(append(1)).toBe(true);
  const size = statSync(`${path}-redo`).size;
  limitFileSize(`${size + 100}:unlimited`);
  try {
    expect(append(2, "x".repeat(1_000))).toBe(false);
  } finally {
    limitFileSize("unlimited:unlimited");
  }
  expect(statSync(`${path}-redo`).size).toBe(size);
  expect(append(3)).toBe(true);
  const { entries, damaged } = readRedoLog(path, "id");
  expect(damaged).toBe(0);
  expect(entries).toMatchObject([{ events: [{ seq: 1 }] }, { events: [{ seq: 3 }] }]);
  redo.close();
});

/** Of this process. */
function limitFileSize(limits: string): void {
  execFileSync("prlimit", [`--pid=${process.pid}`, `--fsize=${limits}`]);
}

test("a write in the redo log that the database cannot take is told, and takes no other with it", async () => {
  const path = newPath();
  const [bad, good] = [runRecord(), runRecord()];
  {
    await using store = await open(path);
    await Promise.all([bad, good].map((run) => store.createRun(run)));
    await store.append(bad.id, 1, [logEvent(1)]);
  }
  using db = new DatabaseSync(path);
  const identity = String(db.prepare("select id from identity").get()?.["id"]);
  db.prepare("update runs set last_seq = 0 where id = ?").run(bad.id);
  db.close();
  const redo = openRedoLog(path, identity);
  for (const { id } of [bad, good])
    redo.write([{ op: "append", run: id, events: [logEvent(1)], status: "running" }]);
  redo.close();
  await using store = await open(path);
  expect(await store.readJournal(good.id)).toEqual([logEvent(1)]);
  expect(await store.getRun(good.id)).toMatchObject({ status: "running" });
  expect(store.health.damage).toMatch(/held 1 damaged writes/);
});

async function damaged(table: string): Promise<{ readonly path: string; readonly run: string }> {
  const path = newPath();
  const run = runRecord();
  await using store = await open(path);
  await store.createRun(run);
  await store.append(run.id, 1, logEvents(3), "completed");
  await store[Symbol.asyncDispose]();
  damageTable(path, table);
  return { path, run: run.id };
}

test("a page that cannot be read is that read's error; the health tells it, and what is whole is served", async () => {
  const { path, run } = await damaged("journal");
  await using store = await open(path);
  expect(store.health).toEqual({ hindrance: null, damage: null });
  await expect(store.readJournal(run)).rejects.toMatchObject({ code: "store_damaged" });
  expect(store.health).toEqual({
    hindrance: null,
    damage: expect.stringMatching(/file is damaged: .*audit --verify/),
  });
  expect(await store.getRun(run)).toMatchObject({ status: "completed" });
  expect(store.refusalFor("local")).toBeUndefined();
});

test("damage where every run is put down stands in everybody's way", async () => {
  const { path } = await damaged("runs");
  await using store = await open(path);
  await expect(store.createRun(runRecord())).rejects.toMatchObject({ code: "store_damaged" });
  expect(store.health.hindrance).toMatch(/file is damaged/);
  expect(store.refusalFor("local")).toMatchObject(unavailable);
});

test("a disk that fails while it reads has lost what was asked for; one that fails while it writes is in the way", () => {
  const failure = Object.assign(new Error("disk I/O error"), { errcode: 266 });
  expect(describeReadFailure(failure)).toMatchObject({ code: "store_damaged" });
  expect(describeWriteFailure(failure)).toMatchObject({
    code: "store_unavailable",
    message: "The store cannot be written: its disk failed. Retry later.",
  });
});
