/** Databases that are not what was written: what is whole is given, what is not is refused or told, and nothing passes for true. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JournalEvent } from "../../src/journal.ts";
import { parseJournalEvent, parseRunRow } from "../../src/store/rows.ts";
import { describeReadFailure } from "../../src/store/sqlite/file/failures.ts";
import type { RunRowPage } from "../../src/store/sqlite/file/run-search.ts";
import { openStoreFile, type StoreFile } from "../../src/store/sqlite/file/store-file.ts";
import type { JournalRows } from "../../src/store/sqlite/file/tables.ts";
import type { Answer, Envelope } from "../../src/store/sqlite/file/thread-protocol.ts";
import type { VerifiedPart } from "../../src/store/sqlite/file/verification.ts";
import type { RunRecord } from "../../src/store/store.ts";
import { createRandom } from "../helpers/random.ts";
import { callEvents, logEvent, logEvents, runRecord } from "./records.ts";

const folder = mkdtempSync(join(tmpdir(), "toolarium-damage-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, "runs.db");
const options = { path, readOnly: false, countBytes: true, countUsage: true };

/** One place is damaged for each seed. `DAMAGE_SEED=123 npx vitest run test/store/damaged-pages.test.ts` repeats that of one. */
const repeated = process.env["DAMAGE_SEED"];
const PLACES = repeated === undefined ? (process.env["SOAK"] === "1" ? 5_000 : 50) : 1;
const firstSeed = Number(repeated ?? Date.now() % 1_000_000_000);

interface Kept {
  readonly run: RunRecord;
  readonly events: readonly JournalEvent[];
}

const SNAPSHOT = "type A = 1; ".repeat(200);
let kept: readonly Kept[] = [];
let snapshot = "";
let whole = Buffer.alloc(0);

beforeAll(() => {
  const store = openStoreFile(options);
  snapshot = String(answerOf(ask(store, { op: "putSnapshot", text: SNAPSHOT, at: 5 })));
  const shapes = Array.from({ length: 20 }, (_, index) => shape(`files/t${index}`, index));
  answerOf(ask(store, { op: "putShapes", shapes }));
  kept = Array.from({ length: 30 }, (_, index) => {
    const refers = index % 2 === 0 ? snapshot : null;
    const fields = { id: `run_${index}`, createdAt: index, requestKey: `key_${index}`, snapshot: refers };
    const run = runRecord(fields);
    const events = [...callEvents(1), ...logEvents(20, 5), logEvent(25, "x".repeat(3_000))];
    answerOf(ask(store, { op: "createRun", run }));
    answerOf(ask(store, { op: "append", run: run.id, events, status: "completed" }));
    return { run, events };
  });
  store.close();
  // The same bytes each time.
  const db = new DatabaseSync(path);
  db.exec(`update identity set id = '${"0".repeat(32)}'; pragma wal_checkpoint(truncate)`);
  db.close();
  whole = readFileSync(path);
});

test(`of a file with a place overwritten, whatever is read is whole, refused or told by the verification (${PLACES} places)`, {
  timeout: 20_000 + 200 * PLACES,
}, () => {
  let refusals = 0;
  for (let seed = firstSeed; seed < firstSeed + PLACES; seed++) {
    const random = createRandom(seed);
    const length = random.pick([512, 64, 8, 1]);
    const at = random.below(whole.length - length);
    const damaged = Buffer.from(whole);
    for (let i = 0; i < length; i++) damaged[at + i] = random.below(256);
    refusals += useDamaged(damaged, `${length} bytes at ${at}; again: DAMAGE_SEED=${seed}`);
  }
  if (repeated === undefined) expect(refusals, `seeds from ${firstSeed} on`).toBeGreaterThan(0);
});

test("of a file where the id of a run is another in one place, in its row or in an index, that is told", () => {
  let places = 0;
  for (let at = whole.indexOf("run_17"); at !== -1; at = whole.indexOf("run_17", at + 1)) {
    const damaged = Buffer.from(whole);
    damaged.write("run_~~", at);
    useDamaged(damaged, `byte ${at}`);
    places += 1;
  }
  expect(places).toBeGreaterThan(1);
});

test("a number that no number of JavaScript holds is damage", () => {
  writeFileSync(path, whole);
  const db = new DatabaseSync(path);
  db.exec("update runs set created_at = 9223372036854775807 where id = 'run_17'");
  db.close();
  const store = openStoreFile(options);
  try {
    const message = expect.stringMatching(/^The store's file is damaged: a number is larger than any/);
    const refused = { ok: false, code: "store_damaged", message };
    expect(ask(store, { op: "getRun", id: "run_17" })).toMatchObject(refused);
    const { damage } = answerOf(ask(store, { op: "verify", after: -1, run: undefined })) as VerifiedPart;
    expect(damage).toEqual([expect.stringMatching(/list of runs cannot be read/)]);
  } finally {
    store.close();
  }
});

test.each([
  ["string or blob too big", "select zeroblob(2000000000)"],
  ["UNIQUE constraint failed", "create table t (x unique); insert into t values (1), (1)"],
  [
    "FOREIGN KEY constraint failed",
    "create table p (k integer primary key); create table c (p references p); insert into c values (1)",
  ],
  ["datatype mismatch", "create table m (k integer primary key); insert into m values ('x')"],
])("SQLite says %s of damaged pages, and so it is told", (reason, sql) => {
  using db = new DatabaseSync(":memory:");
  let failure: unknown;
  try {
    for (const statement of sql.split("; ")) db.prepare(statement).all();
  } catch (error) {
    failure = error;
  }
  expect(describeReadFailure(failure)).toMatchObject({
    code: "store_damaged",
    message: expect.stringContaining(reason),
  });
});

function shape(tool: string, seenAt: number) {
  return { principal: "local", tool, definition: "d", seenAt, shape: "{}".repeat(50) };
}

/** The one answer to one request. */
function ask(store: StoreFile, request: Envelope["request"]): Answer {
  const [answer] = store.run([{ id: 1, request }]).answers;
  if (answer === undefined) throw new Error("no answer");
  return answer;
}

function answerOf(answer: Answer): unknown {
  if (!answer.ok) throw new Error(`${answer.code}: ${answer.message}`);
  return answer.value;
}

/** Asks a store with this file for everything, and lets it write. Returns how much was refused. */
function useDamaged(file: Buffer, place: string): number {
  for (const suffix of ["-wal", "-shm", "-redo"]) rmSync(path + suffix, { force: true });
  writeFileSync(path, file);
  let store: StoreFile;
  try {
    store = openStoreFile(options);
  } catch (error) {
    // A file that cannot be opened at all is refused with a sentence.
    expect(error, place).toMatchObject({ code: "config_error" });
    return 1;
  }
  try {
    const { broken, damage } = answerOf(
      ask(store, { op: "verify", after: -1, run: undefined }),
    ) as VerifiedPart;
    const isTold = damage.length + broken.length > 0;
    return readAll(store, isTold, place) + writeAll(store, isTold, place);
  } catch (cause) {
    throw new Error(place, { cause });
  } finally {
    store.close();
  }
}

function readAll(store: StoreFile, isTold: boolean, place: string): number {
  let refusals = 0;
  const read = (request: Envelope["request"], expected: unknown, parse = (value: unknown) => value): void => {
    const found = resultOf(ask(store, request), parse);
    if (found === "store_damaged") refusals += 1;
    else if (!isTold) expect(found, `${place}: ${JSON.stringify(request)}`).toEqual(expected);
  };
  const stored = kept.map(({ run }) => ({ ...run, status: "completed" }));
  for (const [index, { run, events }] of kept.entries()) {
    read({ op: "readJournal", run: run.id, afterSeq: 0 }, events, parseEvents);
    read({ op: "getRun", id: run.id }, stored[index], parseRun);
    read({ op: "findByRequestKey", principal: "local", key: `key_${index}` }, stored[index], parseRun);
  }
  read({ op: "listRuns", query: { limit: 100 } }, stored.toReversed(), parseRuns);
  read({ op: "listRuns", query: { limit: 100, statuses: ["running"] } }, [], parseRuns);
  read({ op: "getSnapshot", hash: snapshot }, SNAPSHOT);
  read({ op: "findCalls", query: { limit: 100 } }, expect.anything());
  read({ op: "readShapes" }, expect.anything());
  return refusals;
}

/**
 * What is written is taken, or refused for the damage, and the store lives on. Of a run that is not found any more, or
 * not where its journal ends, an append cannot tell why.
 */
function writeAll(store: StoreFile, isTold: boolean, place: string): number {
  const more = { events: logEvents(2, 26), status: "running" } as const;
  const requests: readonly Envelope["request"][] = [
    { op: "createRun", run: runRecord() },
    { op: "append", run: "run_7", ...more },
    { op: "putSnapshot", text: SNAPSHOT, at: 6 },
    { op: "putShapes", shapes: [shape("files/t1", 7)] },
    { op: "deleteShapesBefore", epochMs: 10 },
    { op: "deleteRunsBefore", epochMs: 20 },
    { op: "deleteSnapshotsBefore", epochMs: 20 },
  ];
  const refused = requests.flatMap((request) => {
    const answer = ask(store, request);
    return answer.ok ? [] : [{ op: request.op, code: answer.code }];
  });
  const others = refused.filter(({ op, code }) => code !== "store_damaged" && !(isTold && op === "append"));
  expect(others, place).toEqual([]);
  return refused.length;
}

function resultOf(answer: Answer, parse: (value: unknown) => unknown): unknown {
  if (!answer.ok) return answer.code;
  try {
    return parse(answer.value);
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : error;
  }
}

function parseEvents(value: unknown): readonly JournalEvent[] {
  const { events, payloads } = value as JournalRows;
  return events.map((text) => parseJournalEvent(text, (hash) => payloads.get(hash)));
}

function parseRun(value: unknown): unknown {
  return value === undefined ? undefined : parseRunRow(value);
}

function parseRuns(value: unknown): unknown {
  return (value as RunRowPage).rows.map(parseRunRow);
}
