/** What the file itself holds: large texts once, a chain that shows every change, and what older versions wrote. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JournalEvent } from "../../src/journal.ts";
import { createLog } from "../../src/log.ts";
import { migrations } from "../../src/store/sqlite/file/migrations.ts";
import { openSqliteStore, type SqliteStore } from "../../src/store/sqlite/sqlite.ts";
import type { BrokenRun, RunRecord, Store } from "../../src/store/store.ts";
import { callEvents, everyEvent, logEvent, logEvents, runRecord } from "./records.ts";

let directory: string;
let files = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "toolarium-history-"));
});
afterAll(() => rm(directory, { recursive: true }));

function newPath(): string {
  files += 1;
  return join(directory, `${files}.db`);
}

function open(path: string): Promise<SqliteStore> {
  return openSqliteStore({ path, log: createLog("silent") });
}

/** Somebody with an SQLite shell. */
function meddle(path: string, sql: string): void {
  using db = new DatabaseSync(path);
  db.exec(sql);
}

function count(path: string, table: string): unknown {
  using db = new DatabaseSync(path);
  return db.prepare(`select count(*) as rows from ${table}`).get()?.["rows"];
}

async function brokenIn(store: Store): Promise<readonly BrokenRun[]> {
  return (await Array.fromAsync(store.verify())).flatMap(({ broken }) => broken);
}

function settled(seq: number, value: string): JournalEvent {
  const outcome = { ok: true, value } as const;
  return {
    seq,
    at: 1,
    type: "settled",
    n: seq,
    call: "c",
    outcome,
    resultBytes: value.length,
    reused: false,
  };
}

describe("a text above 16 KiB", () => {
  const text = "x".repeat(20_000);

  test("stands once in the file, however many events of however many runs have it", async () => {
    const path = newPath();
    await using store = await open(path);
    for (const run of [runRecord(), runRecord()]) {
      await store.createRun(run);
      await store.append(run.id, 1, [settled(1, text), settled(2, text), settled(3, "y".repeat(20_000))]);
    }
    expect(count(path, "payloads")).toBe(2);
    using db = new DatabaseSync(path);
    const longest = db.prepare("select max(length(event)) as length from journal").get();
    expect(longest?.["length"]).toBeLessThan(300);
  });

  test("goes with the last run that has it", async () => {
    const path = newPath();
    await using store = await open(path);
    const [old, young] = [runRecord({ createdAt: 1 }), runRecord({ createdAt: 2 })];
    for (const run of [old, young]) {
      await store.createRun(run);
      await store.append(run.id, 1, [settled(1, text), settled(2, run.id.repeat(1_000))], "completed");
    }
    await store.deleteRunsBefore(2);
    expect(count(path, "payloads")).toBe(2);
    expect(await store.readJournal(young.id)).toMatchObject([{ outcome: { value: text } }, {}]);
    await store.deleteRunsBefore(3);
    expect(count(path, "payloads")).toBe(0);
    expect(count(path, "payload_uses")).toBe(0);
  });

  test("that is gone makes reading its run fail, and no other", async () => {
    const path = newPath();
    await using store = await open(path);
    const [broken, whole] = [runRecord(), runRecord()];
    for (const run of [broken, whole]) await store.createRun(run);
    await store.append(broken.id, 1, [settled(1, text)]);
    await store.append(whole.id, 1, [settled(1, "short")]);
    meddle(path, "pragma foreign_keys = off; delete from payloads");
    await expect(store.readJournal(broken.id)).rejects.toMatchObject({ code: "store_damaged" });
    expect(await store.readJournal(whole.id)).toHaveLength(1);
  });
});

describe("a history that was meddled with is found, and where:", () => {
  const text = "x".repeat(20_000);
  const history = [logEvent(1), ...callEvents(2), settled(6, text), logEvent(7)];

  test.for<readonly [what: string, sql: string, fault: Omit<BrokenRun, "run">]>([
    ["an event edited", "update journal set event = replace(event, 'line 7', 'line 8') where seq = 7", at(7)],
    [
      "the first event edited",
      "update journal set event = replace(event, 'line', 'lime') where seq = 1",
      at(1),
    ],
    ["an event taken out", "delete from journal where seq = 3", { seq: 3, problem: "missing" }],
    [
      "an event taken out and the rest moved up",
      "delete from journal where seq = 3; update journal set seq = -seq + 1 where seq > 3; update journal set seq = -seq where seq < 0",
      at(3),
    ],
    [
      "an event put in",
      "update journal set seq = -seq - 1 where seq > 3; update journal set seq = -seq where seq < 0; insert into journal select run, 4, event, n, hash from journal where seq = 3",
      at(4),
    ],
    [
      "two events in each other's place",
      "update journal set seq = -1 where seq = 4; update journal set seq = 4 where seq = 5; update journal set seq = 5 where seq = -1",
      at(4),
    ],
    ["the last event cut off", "delete from journal where seq = 7", { seq: 7, problem: "end" }],
    [
      "the last event cut off and the run's own count with it",
      "delete from journal where seq = 7; update runs set last_seq = 6 where head in (select head from runs limit 1)",
      { seq: 7, problem: "end" },
    ],
    [
      "an event added at the end",
      "insert into journal select run, 8, event, n, hash from journal where seq = 7",
      at(8),
    ],
    ["the owner changed", "update runs set principal = 'eve'", at(1)],
    ["the program changed", "update runs set spec = '{}'", at(1)],
    ["a large text changed", "update payloads set text = 'other'", { seq: 6, problem: "payload" }],
    [
      "a large text gone",
      "pragma foreign_keys = off; delete from payload_uses; delete from payloads",
      { seq: 6, problem: "payload" },
    ],
    ["a snapshot changed", "update snapshots set text = 'other'", { seq: 0, problem: "snapshot" }],
    ["a call hidden from the search", "delete from calls", { seq: 2, problem: "index" }],
    ["a call shown under another tool", "update calls set tool = 'a/b'", { seq: 2, problem: "index" }],
    ["a call shown as somebody else's", "update calls set principal = 'eve'", { seq: 2, problem: "index" }],
    ["a decision hidden from the search", "update calls set decisions = 0", { seq: 2, problem: "index" }],
    [
      "a call made up",
      "insert into calls select run, 99, 1, at, principal, server, tool, 0 from calls",
      { seq: 0, problem: "index" },
    ],
    [
      "an event hidden from its call",
      "update journal set n = null where seq = 4",
      { seq: 4, problem: "index" },
    ],
  ])("%s", async ([, sql, fault]) => {
    const path = newPath();
    await using store = await open(path);
    const run = runRecord({ snapshot: await store.putSnapshot("shared") });
    await store.createRun(run);
    await store.append(run.id, 1, history, "completed");
    expect(await brokenIn(store)).toEqual([]);
    meddle(path, sql);
    expect(await brokenIn(store)).toEqual([{ run: run.id, ...fault }]);
  });

  test("each broken run is named, and the whole ones are not", async () => {
    const path = newPath();
    await using store = await open(path);
    const runs = Array.from({ length: 30 }, () => runRecord());
    for (const run of runs) await store.createRun(run);
    await Promise.all(runs.map(({ id }) => store.append(id, 1, logEvents(200))));
    meddle(path, "update journal set event = replace(event, 'line 150', 'line 151') where run % 3 = 0");
    const broken = await brokenIn(store);
    const edited = runs.filter((_, index) => (index + 1) % 3 === 0).map(({ id }) => id);
    expect(broken.map(({ run }) => run)).toEqual(edited);
    expect(new Set(broken.map(({ seq }) => seq))).toEqual(new Set([150]));
  });

  function at(seq: number): Omit<BrokenRun, "run"> {
    return { seq, problem: "changed" };
  }
});

describe("a file of the first schema", () => {
  const usage = { ...everyEvent.find((event) => event.type === "ended")?.usage };
  const oldEvents = [
    { seq: 1, at: 1_001, type: "opened", programHash: "ab12", catalogVersion: "cd34" },
    ...callEvents(2, { tool: "files/write", decision: "ask" }).slice(0, 2),
    { seq: 4, at: 1_004, type: "log", level: "log", text: "large stays where it is" },
    { ...settled(5, "x".repeat(20_000)), n: 2 },
    { seq: 6, at: 1_006, type: "ended", status: "completed", result: "1", error: null, usage },
  ];

  /** As the first version wrote it. */
  function createOldFile(
    path: string,
    runs: readonly RunRecord[],
    journals: readonly (readonly object[])[] = runs.map(() => oldEvents),
  ): void {
    using db = new DatabaseSync(path);
    db.exec(migrations[0]?.sql ?? "");
    db.exec("pragma application_id = 1416393325; pragma user_version = 1; pragma journal_mode = wal");
    const insertRun = db.prepare("insert into runs values (null, ?, ?, ?, ?, ?, ?, 'waiting', ?)");
    const insertEvent = db.prepare("insert into journal values (?, ?, ?)");
    for (const [index, { id, principal, kind, parent, createdAt, spec }] of runs.entries()) {
      const events = journals[index] ?? [];
      insertRun.run(id, principal, kind, parent, createdAt, spec, events.length);
      for (const [at, event] of events.entries())
        insertEvent.run(index + 1, at + 1, JSON.stringify({ v: 1, ...event }));
    }
  }

  test("is brought up to date with all its runs, and goes on", async () => {
    const path = newPath();
    const runs = [runRecord({ principal: "ann" }), runRecord({ principal: "bob" })];
    createOldFile(path, runs);
    await using store = await open(path);
    const [ann] = runs;
    expect(await store.getRun(ann?.id ?? "")).toEqual({ ...ann, status: "waiting" });
    expect(await store.readJournal(ann?.id ?? "")).toEqual(oldEvents);
    expect((await store.listSummaries({ limit: 10 })).runs.map(({ summary }) => summary)).toEqual([
      null,
      null,
    ]);
    expect((await store.findCalls({ limit: 10, principal: "bob", tool: "files/write" })).calls).toMatchObject(
      [{ seq: 1, events: [{ seq: 2 }, { seq: 3 }, { seq: 5 }] }],
    );
    expect(await brokenIn(store)).toEqual([]);
    await store.append(ann?.id ?? "", 1, [settled(7, "y".repeat(20_000))]);
    expect(await brokenIn(store)).toEqual([]);
  });

  test("knows since when its runs wait: for the first undecided call, or a chat for its client", async () => {
    const path = newPath();
    const [program, chat, neither] = [runRecord(), runRecord({ kind: "chat" }), runRecord()];
    const turn = { seq: 1, at: 1_001, type: "turn", message: "{}", calls: [], usage: null, finish: "{}" };
    const waiting = (seq: number): object => ({ seq, at: 2_000, type: "waiting" });
    createOldFile(
      path,
      [program, chat, neither],
      [
        [
          ...callEvents(1, { decision: "ask" }),
          ...callEvents(5, { decision: "ask" }).slice(0, 2),
          ...callEvents(7, { decision: "ask" }).slice(0, 2),
          waiting(9),
        ],
        [turn, waiting(2)],
        [waiting(1)],
      ],
    );
    await using store = await open(path);
    expect(await store.listWaiting(9)).toEqual([
      { id: program.id, waitsSince: 1_006 },
      { id: chat.id, waitsSince: 2_000 },
    ]);
  });

  test("shows what was changed after it was brought up to date", async () => {
    const path = newPath();
    const run = runRecord();
    createOldFile(path, [run]);
    await (await open(path))[Symbol.asyncDispose]();
    meddle(path, "update journal set event = replace(event, 'stays', 'stayed')");
    await using store = await open(path);
    expect(await brokenIn(store)).toEqual([{ run: run.id, seq: 4, problem: "changed" }]);
  });

  test("opens though one of its events is damaged; only the run of that one cannot be read", async () => {
    const path = newPath();
    const [damaged, whole] = [runRecord(), runRecord()];
    createOldFile(path, [damaged, whole]);
    meddle(path, "update journal set event = 'null' where run = 1 and seq = 2");
    await using store = await open(path);
    await expect(store.readJournal(damaged.id)).rejects.toMatchObject({ code: "store_damaged" });
    expect(await store.readJournal(whole.id)).toEqual(oldEvents);
  });
});
