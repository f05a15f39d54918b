import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, copyFile, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JournalEvent } from "../../../src/journal.ts";
import { createLog } from "../../../src/log.ts";
import { migrations } from "../../../src/store/sqlite/file/migrations.ts";
import {
  openSqliteStore,
  type SqliteStore,
  type SqliteStoreOptions,
} from "../../../src/store/sqlite/sqlite.ts";
import type { RunRecord } from "../../../src/store/store.ts";
import { storeContract } from "../contract.ts";
import { logEvent, logEvents, runRecord } from "../records.ts";

const log = createLog("silent");
let directory: string;
let files = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "toolarium-store-"));
});
afterAll(() => rm(directory, { recursive: true }));

function newPath(): string {
  files += 1;
  return join(directory, `${files}.db`);
}

function open(options: Partial<SqliteStoreOptions> = {}): Promise<SqliteStore> {
  return openSqliteStore({ path: newPath(), log, ...options });
}

storeContract("SQLite in a file", () => open());
storeContract("SQLite in memory", () => open({ path: ":memory:" }));

describe("a store in a file", () => {
  test("a reopened file has every run and event, and goes on", async () => {
    const path = newPath();
    const run = runRecord();
    {
      await using store = await open({ path });
      await store.createRun(run);
      await store.append(run.id, 1, logEvents(2), "running");
    }
    await using store = await open({ path });
    await store.append(run.id, 1, [logEvent(3)], "completed");
    expect(await store.readJournal(run.id)).toEqual(logEvents(3));
    expect(await store.getRun(run.id)).toEqual({ ...run, status: "completed" });
  });

  test("only its owner can read it", async () => {
    const path = newPath();
    await using store = await open({ path });
    await store.createRun(runRecord());
    for (const suffix of ["", "-wal", "-redo"]) expect((await stat(path + suffix)).mode & 0o077).toBe(0);
  });

  test("what was acknowledged before kill -9 is there afterwards, without a gap", async () => {
    const path = newPath();
    const acknowledged = await killWhileAppending(path, 400);
    await using store = await open({ path });
    for (const [run, seq] of acknowledged) {
      const journal = await store.readJournal(run);
      expect(journal.length).toBeGreaterThanOrEqual(seq);
      expect(journal.map((event) => event.seq)).toEqual(journal.map((_, index) => index + 1));
    }
  });

  test("a reader beside it sees what is durable, and one run keeps one writer", async () => {
    const path = newPath();
    const run = runRecord();
    await using store = await open({ path });
    await using reader = await open({ path, readOnly: true });
    await store.createRun(run);
    const tries = await Promise.allSettled([
      store.append(run.id, 1, [logEvent(1, "first")]),
      store.append(run.id, 1, [logEvent(1, "second")]),
    ]);
    expect(tries.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(await reader.readJournal(run.id)).toHaveLength(1);
  });
});

describe("group commit", () => {
  test("1,000 appends at once share a few commits", async () => {
    await using store = await open();
    const runs = Array.from({ length: 100 }, () => runRecord());
    await Promise.all(runs.map((run) => store.createRun(run)));
    const before = store.stats().commits;
    await Promise.all(runs.flatMap((run) => logEvents(10).map((event) => store.append(run.id, 1, [event]))));
    const { commits, writes } = store.stats();
    expect(writes).toBe(1_100);
    expect(commits - before).toBeGreaterThanOrEqual(1);
    expect(commits - before).toBeLessThan(50);
  });

  test("appends of many turns that come while a commit runs share the next one", async () => {
    await using store = await open();
    const [large, small] = [runRecord(), runRecord()];
    await Promise.all([store.createRun(large), store.createRun(small)]);
    const before = store.stats().commits;
    const appends = [store.append(large.id, 1, [logEvent(1, "x".repeat(16 * 1024 * 1024))])];
    for (const event of logEvents(100)) {
      await new Promise(setImmediate);
      appends.push(store.append(small.id, 1, [event]));
    }
    await Promise.all(appends);
    expect(store.stats().commits - before).toBeLessThan(50);
  });

  test("new runs are refused while too much waits for the disk, and appends are not", async () => {
    await using store = await open({ backlogBytes: 10_000 });
    const run = runRecord();
    await store.createRun(run);
    const append = store.append(run.id, 1, [logEvent(1, "x".repeat(20_000))]);
    const refused = store.createRun(runRecord());
    const accepted = store.append(run.id, 1, [logEvent(2)]);
    await expect(refused).rejects.toMatchObject({ code: "queue_full", retryAfterSeconds: 1 });
    await Promise.all([append, accepted]);
    expect(store.stats().backlogBytes).toBe(0);
    await store.createRun(runRecord());
  });
});

describe("a path that cannot be used is a config_error that names it and the remedy", () => {
  async function refusal(path: string): Promise<string> {
    const error = await open({ path }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: "config_error" });
    const message = error instanceof Error ? error.message : "";
    expect(message).toContain(JSON.stringify(path));
    return message;
  }

  test("a directory", async () => {
    expect(await refusal(directory)).toMatch(/is a directory\. Name a file in it/);
  });

  test("a directory that does not exist", async () => {
    expect(await refusal(join(directory, "absent", "x.db"))).toMatch(/Create the directory/);
  });

  test("a place below a file", async () => {
    const path = newPath();
    await writeFile(path, "");
    expect(await refusal(join(path, "x.db"))).toMatch(/a part of the path is a file/);
  });

  test("a file of text, which stays as it was", async () => {
    const path = newPath();
    await writeFile(path, "dear diary, ".repeat(100));
    expect(await refusal(path)).toMatch(/is not a database/);
    expect(await readFile(path, "utf8")).toBe("dear diary, ".repeat(100));
  });

  test("a damaged database", async () => {
    const [whole, path] = [newPath(), newPath()];
    await (await open({ path: whole }))[Symbol.asyncDispose]();
    await copyFile(whole, path);
    const bytes = await readFile(path);
    bytes.fill(0xff, 100, 4_096);
    await writeFile(path, bytes);
    expect(await refusal(path)).toMatch(/is damaged/);
  });

  test("the database of another program, which gets no tables of ours", async () => {
    const path = newPath();
    using other = new DatabaseSync(path);
    other.exec("create table notes (text)");
    expect(await refusal(path)).toMatch(/another program/);
    expect(other.prepare("select name from sqlite_schema").all()).toEqual([{ name: "notes" }]);
  });

  test("a database of a newer version", async () => {
    const path = newPath();
    await (await open({ path }))[Symbol.asyncDispose]();
    const newer = new DatabaseSync(path);
    newer.exec(`pragma user_version = ${migrations.length + 1}`);
    newer.close();
    expect(await refusal(path)).toMatch(/newer version .*Upgrade/);
  });

  test("writes of another version that are not committed: they are left to that version", async () => {
    const path = newPath();
    await runScript(flushAndDie(runRecord(), logEvents(1)), path);
    const text =
      (await readFile(`${path}-redo`, "utf8")).split("\n")[0]?.slice(9).replace('"v":1', '"v":2') ?? "";
    const left = `${crc32(text).toString(16).padStart(8, "0")} ${text}\n`;
    await writeFile(`${path}-redo`, left);
    expect(await refusal(path)).toMatch(/another version of Toolarium.*Start and stop that version once/);
    expect(await readFile(`${path}-redo`, "utf8")).toBe(left);
  });

  test("a file that another gateway writes to, until that one is gone", async () => {
    const path = newPath();
    const first = await open({ path });
    expect(await refusal(path)).toMatch(/in use by another gateway/);
    await using _reader = await open({ path, readOnly: true });
    await first[Symbol.asyncDispose]();
    await using _next = await open({ path });
  });

  test("a file that another process holds", async () => {
    const path = newPath();
    await (await open({ path }))[Symbol.asyncDispose]();
    using holder = new DatabaseSync(path);
    holder.exec("begin immediate");
    expect(await refusal(path)).toMatch(/locked by another process/);
  });
});

describe("what was flushed", () => {
  test("is there after a kill -9 at that moment, long before its commit", async () => {
    const path = newPath();
    const run = runRecord();
    await runScript(flushAndDie(run, logEvents(3)), path);
    await using store = await open({ path });
    expect(await store.readJournal(run.id)).toEqual(logEvents(3));
    expect(await store.getRun(run.id)).toEqual({ ...run, status: "running" });
    expect((await Array.fromAsync(store.verify())).flatMap(({ broken }) => broken)).toEqual([]);
  });

  test("is not there when it was only written: then it needs its commit", async () => {
    const path = newPath();
    const run = runRecord();
    await runScript(flushAndDie(run, logEvents(3)).replace("await store.flush", "void "), path);
    await using store = await open({ path });
    expect(await store.getRun(run.id)).toBeUndefined();
  });

  test("is there after a kill -9 with fsync too", async () => {
    const path = newPath();
    const run = runRecord();
    await runScript(flushAndDie(run, logEvents(3)), path, { fsync: true });
    await using store = await open({ path });
    expect(await store.readJournal(run.id)).toEqual(logEvents(3));
  });

  test("is committed once when the commit had come before the end", async () => {
    const path = newPath();
    const run = runRecord();
    const script = flushAndDie(run, logEvents(3)).replace(
      "process.kill",
      "await store.getRun(''); process.kill",
    );
    await runScript(script, path);
    expect(await readFile(`${path}-redo`, "utf8")).toContain(run.id);
    await using store = await open({ path });
    expect(await store.readJournal(run.id)).toEqual(logEvents(3));
    expect(await readFile(`${path}-redo`, "utf8")).toBe("");
  });

  test("belongs to its database: a new one at the same path does not get it", async () => {
    const path = newPath();
    const run = runRecord();
    await runScript(flushAndDie(run, logEvents(1)), path);
    for (const suffix of ["", "-wal", "-shm"]) await rm(path + suffix, { force: true });
    await using store = await open({ path });
    expect(await store.getRun(run.id)).toBeUndefined();
    expect(await readFile(`${path}-redo`, "utf8")).toBe("");
  });

  test("is whole up to a line that a power cut left half written", async () => {
    const path = newPath();
    const [whole, half] = [runRecord(), runRecord()];
    await runScript(flushAndDie(whole, logEvents(1)), path);
    await appendFile(
      `${path}-redo`,
      (await readFile(`${path}-redo`, "utf8")).slice(0, 60).replace(whole.id, half.id),
    );
    await using store = await open({ path });
    expect(await store.readJournal(whole.id)).toEqual(logEvents(1));
  });

  test("waits for its commit where the log cannot take it, and the log starts anew behind it", async () => {
    const path = newPath();
    await using store = await open({ path });
    const run = runRecord();
    await store.createRun(run);
    const large = "x".repeat(200_000);
    for (let seq = 1; seq <= 40; seq += 1) {
      void store.append(run.id, 1, [logEvent(seq, large)]);
      await store.flush(run.id);
    }
    const { size } = await stat(`${path}-redo`);
    expect(size).toBeLessThan(5_000_000);
    expect(await store.readJournal(run.id)).toHaveLength(40);
    void store.append(run.id, 1, [logEvent(41, "y".repeat(300_000))]);
    await store.flush(run.id);
    expect((await stat(`${path}-redo`)).size).toBeLessThanOrEqual(size);
  });

  test("is gone with its run when that is removed", async () => {
    const path = newPath();
    await using store = await open({ path });
    const run = runRecord();
    void store.createRun(run);
    void store.append(run.id, 1, [logEvent(1, "a secret")], "completed");
    await store.flush(run.id);
    await store.getRun(run.id);
    expect(await readFile(`${path}-redo`, "utf8")).toContain("a secret");
    await store.deleteRunsBefore(Date.now() + 60_000);
    expect(await readFile(`${path}-redo`, "utf8")).toBe("");
  });

  test("costs no commit of its own", async () => {
    await using store = await open();
    const runs = Array.from({ length: 20 }, () => runRecord());
    const before = store.stats().commits;
    for (const run of runs) {
      void store.createRun(run);
      await store.flush(run.id);
    }
    await store.getRun("");
    expect(store.stats().commits - before).toBeLessThan(5);
  });
});

/** Dies in the same turn in which the flush resolves. */
function flushAndDie(run: RunRecord, events: readonly JournalEvent[]): string {
  const id = JSON.stringify(run.id);
  return `void store.createRun(${JSON.stringify(run)}); void store.append(${id}, 1, ${JSON.stringify(events)}, "running");
    await store.flush(${id}); process.kill(process.pid, "SIGKILL");`;
}

describe("a process with a store", () => {
  test("ends by itself after dispose, having printed nothing", async () => {
    expect(await runScript("await store[Symbol.asyncDispose]();")).toEqual({ code: 0, output: "" });
  });

  test("ends by itself when nobody disposed the idle store", async () => {
    expect(await runScript("")).toEqual({ code: 0, output: "" });
  });

  test("stays until writes that nobody waits for are durable", async () => {
    const path = newPath();
    const run = runRecord();
    const script = `void store.append(${JSON.stringify(run.id)}, 1, ${JSON.stringify(logEvents(3))});`;
    expect(await runScript(`await store.createRun(${JSON.stringify(run)}); ${script}`, path)).toEqual({
      code: 0,
      output: "",
    });
    await using store = await open({ path });
    expect(await store.readJournal(run.id)).toEqual(logEvents(3));
  });
});

/** Runs a module that has an open `store`, in a process of its own. */
async function runScript(
  body: string,
  path = newPath(),
  options: Partial<SqliteStoreOptions> = {},
): Promise<{ readonly code: number | null; readonly output: string }> {
  const at = (file: string): string => JSON.stringify(new URL(`../../../src/${file}`, import.meta.url).href);
  const script = `
    const { openSqliteStore } = await import(${at("store/sqlite/sqlite.ts")});
    const { createLog } = await import(${at("log.ts")});
    const store = await openSqliteStore({ path: ${JSON.stringify(path)}, ...${JSON.stringify(options)}, log: createLog("info") });
    ${body}`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script]);
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr.on("data", (chunk) => {
    output += chunk;
  });
  const [code]: (number | null)[] = await once(child, "close");
  return { code: code ?? null, output };
}

/** Kills an appending process with SIGKILL once it has seen this many appends resolve; returns the last seq of each run. */
async function killWhileAppending(path: string, count: number): Promise<ReadonlyMap<string, number>> {
  const child = fork(new URL("../appender.ts", import.meta.url), [path], { execArgv: [] });
  const acknowledged = new Map<string, number>();
  let total = 0;
  child.on("message", (message) => {
    const [run, seq] = message as readonly [string, number];
    acknowledged.set(run, seq);
    total += 1;
    if (total === count) child.kill("SIGKILL");
  });
  const [, signal] = await once(child, "exit");
  expect(signal).toBe("SIGKILL");
  expect(total).toBeGreaterThanOrEqual(count);
  return acknowledged;
}
