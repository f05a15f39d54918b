/** Disks that fill, files that go, threads that die: what was kept stays, what was not is refused, and it comes back. */
import { renameSync, statSync, unlinkSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { Worker } from "node:worker_threads";
import { describe, expect, test, vi } from "vitest";
import { createLog } from "../../src/log.ts";
import { createJournal } from "../../src/runs/live/live-journal.ts";
import { openDatabase } from "../../src/store/sqlite/file/database.ts";
import { createGroup } from "../../src/store/sqlite/file/group-commit.ts";
import { createTables } from "../../src/store/sqlite/file/tables.ts";
import type * as storeWorker from "../../src/store/sqlite/store-worker.ts";
import { until } from "../helpers/until.ts";
import { createStoreFiles, unavailable, untilWell } from "./files.ts";
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

interface Outage {
  begin(path: string): void;
  end(path: string): void;
}

function locked(): Outage {
  let other: DatabaseSync | undefined;
  return {
    begin(path) {
      other = new DatabaseSync(path);
      other.exec("begin immediate");
    },
    end: () => other?.close(),
  };
}

const outages: readonly (readonly [what: string, make: () => Outage])[] = [
  ["another program locks the file", locked],
  [
    "the file is moved away",
    () => ({
      begin: (path) => renameSync(path, `${path}.away`),
      end: (path) => renameSync(`${path}.away`, path),
    }),
  ],
  [
    "the write-ahead log is deleted",
    () => ({ begin: (path) => unlinkSync(`${path}-wal`), end: () => undefined }),
  ],
  [
    "the store's thread dies",
    () => ({ begin: () => void threads.at(-1)?.terminate(), end: () => undefined }),
  ],
];

describe("while", () => {
  test.for(outages)(
    "%s, writes are refused and the health says why; then all that was kept is there",
    async ([, make]) => {
      const outage = make();
      const path = newPath();
      const run = runRecord();
      {
        await using store = await open(path);
        await store.createRun(run);
        await store.append(run.id, 1, logEvents(2));
        // Kept in the redo log alone, when the outage begins.
        const committed = store.append(run.id, 1, [logEvent(3)], "running");
        committed.catch(() => undefined);
        await store.flush(run.id);
        outage.begin(path);
        await until("a write was refused", () => {
          store.createRun(runRecord()).catch(() => undefined);
          return store.health.hindrance !== null;
        });
        const late = store.append(run.id, 1, [logEvent(4)]);
        late.catch(() => undefined);
        await expect(store.flush(run.id)).rejects.toMatchObject(unavailable);
        await expect(late).rejects.toMatchObject(unavailable);
        expect(store.refusalFor("local")).toMatchObject(unavailable);
        outage.end(path);
        await untilWell(store);
        expect(store.refusalFor("local")).toBeUndefined();
        expect(await store.readJournal(run.id)).toEqual(logEvents(3));
        await store.append(run.id, 1, [logEvent(4)], "completed");
      }
      await using again = await open(path);
      expect(await again.readJournal(run.id)).toEqual(logEvents(4));
      expect(await again.getRun(run.id)).toMatchObject({ status: "completed" });
      expect(again.health).toEqual({ hindrance: null, damage: null });
    },
  );

  test("another file is at its path, nothing is written, into neither", async () => {
    const path = newPath();
    await using store = await open(path);
    await store.createRun(runRecord());
    renameSync(path, `${path}.away`);
    new DatabaseSync(path).close();
    await expect(store.createRun(runRecord())).rejects.toMatchObject(unavailable);
    expect(store.health.hindrance).toMatch(/its file is gone|another file is in its place/);
  });
});

test("a flush of the disk that fails fails every write of its commit, and no later one", () => {
  const path = newPath();
  const db = openDatabase(path, { readOnly: false });
  const tables = createTables(db);
  let isBroken = true;
  // A transaction that SQLite could not flush is rolled back.
  const brokenDisk = new Proxy(db, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name !== "prepare") return typeof value === "function" ? value.bind(target) : value;
      return (sql: string) => {
        const statement = target.prepare(sql);
        if (sql !== "commit") return statement;
        const run = (): unknown => {
          if (!isBroken) return statement.run();
          throw Object.assign(new Error("disk I/O error"), { errcode: 1034 });
        };
        return { run };
      };
    },
  });
  const group = createGroup(brokenDisk, tables);
  const [one, other] = [runRecord(), runRecord()];
  const writes = [one, other].map((run, id) => ({ id, request: { op: "createRun", run } as const }));
  const refused = { ok: false, code: "store_unavailable" };
  expect(group.run(writes)).toMatchObject([refused, refused]);
  isBroken = false;
  expect(tables.getRun(one.id)).toBeUndefined();
  expect(group.run(writes)).toMatchObject([{ ok: true }, { ok: true }]);
  db.close();
});

describe("a journal", () => {
  test("whose record was refused is whole again after the outage, with what came meanwhile", async () => {
    const path = newPath();
    await using store = await open(path);
    const run = runRecord();
    const lost: string[] = [];
    const journal = createJournal({ store, run, log, onLost: (id) => void lost.push(id) });
    const note = (text: string): unknown => journal.append({ type: "log", level: "log", text });
    note("a");
    await journal.flush();
    const { begin, end } = locked();
    begin(path);
    note("b");
    await journal.settled();
    await until("it is told", () => lost.length > 0);
    expect(lost).toEqual([run.id]);
    expect(journal.lost).toMatchObject(unavailable);
    note("c");
    await expect(journal.flush()).rejects.toMatchObject(unavailable);
    await expect(journal.restore()).rejects.toMatchObject(unavailable);
    end(path);
    await untilWell(store);
    await journal.restore();
    note("d");
    await journal.flush();
    expect(journal.lost).toBeUndefined();
    expect((await store.readJournal(run.id)).map((event) => event.type === "log" && event.text)).toEqual([
      ...["a", "b", "c", "d"],
    ]);
  });

  test("that is lost tells of calls that change something only what is kept", async () => {
    const path = newPath();
    await using store = await open(path);
    const journal = createJournal({ store, run: runRecord(), log });
    const started = {
      type: "started",
      n: 1,
      call: "call_1",
      tool: "a/b",
      argsHash: "",
      readOnly: false,
    } as const;
    journal.append({ type: "log", level: "log", text: "before" });
    await journal.flush();
    const { begin, end } = locked();
    begin(path);
    journal.append(started);
    await journal.settled();
    expect(journal.events).toHaveLength(2);
    expect(journal.readable).toHaveLength(1);
    end(path);
    await untilWell(store);
  });
});

test("a store above its quota takes no new run, goes on with those it has, and has room again when old ones go", async () => {
  const maxBytes = 1024 * 1024;
  await using store = await open(newPath(), { maxBytes });
  const run = runRecord({ createdAt: 1 });
  await store.createRun(run);
  expect(store.refusalFor("local")).toBeUndefined();
  for (let seq = 1; seq <= 8; seq++) await store.append(run.id, 1, [logEvent(seq, `${seq}`.repeat(200_000))]);
  expect(store.refusalFor("local")).toMatchObject({ code: "store_full", status: 507, retryable: false });
  expect(store.refusalFor("local")?.message).toMatch(/store\.maxBytes allows 1048576/);
  await store.append(run.id, 1, [logEvent(9)], "completed");
  expect(store.health.hindrance).toBeNull();
  expect(await store.deleteRunsBefore(2)).toBe(1);
  expect(store.refusalFor("local")).toBeUndefined();
});

test("the write-ahead log stays about a megabyte, however much is written, so that it fills no small disk by itself", async () => {
  const path = newPath();
  await using store = await open(path);
  const sizes: number[] = [];
  for (let index = 0; index < 30; index++) {
    const runs = Array.from({ length: 20 }, () => runRecord());
    await Promise.all(runs.map((run) => store.createRun(run)));
    await Promise.all(
      runs.map((run) => store.append(run.id, 1, [logEvent(1, "x".repeat(5_000))], "completed")),
    );
    sizes.push(statSync(`${path}-wal`).size);
  }
  expect(Math.max(...sizes)).toBeGreaterThan(500_000);
  expect(Math.max(...sizes)).toBeLessThan(2_000_000);
});
