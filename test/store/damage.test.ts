/** Files that are not what was written: what is whole is given, what is not is refused, and nothing passes for true. */
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ToolariumError } from "../../src/errors.ts";
import type { JournalEvent } from "../../src/journal.ts";
import { createLog } from "../../src/log.ts";
import { parseJournalEvent } from "../../src/store/rows.ts";
import { openRedoLog, readRedoLog } from "../../src/store/sqlite/file/redo-log.ts";
import { openStoreFile, type StoreFile } from "../../src/store/sqlite/file/store-file.ts";
import type { JournalRows } from "../../src/store/sqlite/file/tables.ts";
import type { Answer, Envelope } from "../../src/store/sqlite/file/thread-protocol.ts";
import type { VerifiedPart } from "../../src/store/sqlite/file/verification.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { createRandom } from "../helpers/random.ts";
import { callEvents, logEvent, logEvents, runRecord } from "./records.ts";

const log = createLog("silent");
const folder = mkdtempSync(join(tmpdir(), "toolarium-damage-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, "runs.db");
const options = { path, readOnly: false, countBytes: false, countUsage: false };

const SEED = Date.now();
const PAGES = process.env["SOAK"] === "1" ? 2_000 : 50;
/** Of the redo log: the last lines, and what a disk may have lost of them. */
const TAIL_BYTES = 200;

/** The one answer to one request. */
function ask(store: StoreFile, request: Envelope["request"]): Answer {
  const [answer] = store.run([{ id: 1, request }]).answers;
  if (answer === undefined) throw new Error("no answer");
  return answer;
}

/** A redo log with the beginning of this run, one line for each event. */
function writeRedoLog(
  file: string,
  identity: string,
  run: ReturnType<typeof runRecord>,
  count: number,
): void {
  const redo = openRedoLog(file, identity);
  redo.write([{ op: "createRun", run }]);
  for (const event of logEvents(count))
    redo.write([{ op: "append", run: run.id, events: [event], status: "running" }]);
  redo.close();
}

test("of a redo log that is cut anywhere every whole line is taken over", () => {
  const file = join(folder, "cut.db");
  const run = runRecord();
  writeRedoLog(file, "id", run, 8);
  const whole = readFileSync(`${file}-redo`);
  for (let length = whole.length; length >= whole.length - TAIL_BYTES; length--) {
    writeFileSync(`${file}-redo`, whole.subarray(0, length));
    const lines = whole.subarray(0, length).toString().split("\n");
    // The line feed alone may be missing.
    const isLastWhole = whole[length] === 10;
    const { entries, damaged } = readRedoLog(file, "id");
    expect({ length, count: entries.length, damaged }).toEqual({
      length,
      count: lines.length - 1 + (isLastWhole ? 1 : 0),
      damaged: 0,
    });
  }
});

test("a flipped bit in a redo log loses no line but its own, and is told", () => {
  const file = join(folder, "flip.db");
  const run = runRecord();
  writeRedoLog(file, "id", run, 8);
  const whole = readFileSync(`${file}-redo`);
  const intact = readRedoLog(file, "id").entries.map((entry) => JSON.stringify(entry));
  for (let at = whole.length - TAIL_BYTES; at < whole.length - 1; at++) {
    const flipped = Buffer.from(whole);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
    writeFileSync(`${file}-redo`, flipped);
    const { entries, damaged } = readRedoLog(file, "id");
    const found = entries.map((entry) => JSON.stringify(entry));
    // The blank behind the sum means nothing.
    if (damaged === 0) expect(found, `byte ${at}`).toEqual(intact);
    expect(intact, `byte ${at}`).toEqual(expect.arrayContaining(found));
    // A line feed that is gone joins two lines, and one that came parts one.
    expect(found.length, `byte ${at}`).toBeGreaterThanOrEqual(intact.length - 2);
  }
});

test("a damaged redo log stops no start: its runs end before the gap, and a copy stays", async () => {
  const file = join(folder, "start.db");
  const run = runRecord();
  {
    await using store = await openSqliteStore({ path: file, log });
    await store.createRun(run);
  }
  const { identity, close } = openStoreFile({ ...options, path: file });
  close();
  writeRedoLog(file, identity, run, 5);
  const lines = readFileSync(`${file}-redo`, "utf8").split("\n");
  lines[3] = (lines[3] ?? "").replace("line 3", "line 8");
  writeFileSync(`${file}-redo`, lines.join("\n"));
  await using store = await openSqliteStore({ path: file, log });
  expect(await store.readJournal(run.id)).toEqual(logEvents(2));
  expect(store.health).toMatchObject({ hindrance: null, damage: expect.stringContaining("1 damaged write") });
  expect(existsSync(`${file}-redo-damaged`)).toBe(true);
});

interface Kept {
  readonly id: string;
  readonly events: readonly JournalEvent[];
}

function fill(): readonly Kept[] {
  const store = openStoreFile(options);
  const kept = Array.from({ length: 30 }, (_, index) => {
    const run = runRecord({ createdAt: index });
    const events = [...callEvents(1), ...logEvents(20, 5), logEvent(25, "x".repeat(3_000))];
    ask(store, { op: "createRun", run });
    expect(ask(store, { op: "append", run: run.id, events, status: "completed" }).ok).toBe(true);
    return { id: run.id, events };
  });
  store.close();
  return kept;
}

test(`of a file with a page overwritten, whatever is read is whole, refused or told by the verification (${PAGES} places)`, () => {
  const kept = fill();
  const copy = join(folder, "copy.db");
  copyFileSync(path, copy);
  const size = readFileSync(copy).length;
  const random = createRandom(SEED);
  let refusals = 0;
  for (let place = 0; place < PAGES; place++) {
    const at = random.below(size - 512);
    const damaged = readFileSync(copy);
    for (let i = 0; i < 512; i++) damaged[at + i] = random.below(256);
    for (const suffix of ["-wal", "-shm", "-redo"]) rmSync(path + suffix, { force: true });
    truncateSync(path, 0);
    writeFileSync(path, damaged);
    refusals += readAll(kept, `seed ${SEED}, byte ${at}`);
  }
  expect(refusals).toBeGreaterThan(0);
});

/** Returns how much was refused. */
function readAll(kept: readonly Kept[], place: string): number {
  let store: StoreFile;
  try {
    store = openStoreFile(options);
  } catch (error) {
    // A file that cannot be opened at all is refused with a sentence.
    expect(error, place).toMatchObject({ code: "config_error" });
    return 1;
  }
  try {
    const verified = ask(store, { op: "verify", after: -1, run: undefined });
    if (!verified.ok) throw new Error(`${place}: ${verified.message}`);
    const { broken, damage } = verified.value as VerifiedPart;
    let refusals = 0;
    for (const { id, events } of kept) {
      const answer = ask(store, { op: "readJournal", run: id, afterSeq: 0 });
      const found = answer.ok ? parse(answer) : answer.code;
      if (found === "store_damaged") refusals += 1;
      else if (JSON.stringify(found) !== JSON.stringify(events))
        expect(
          damage.length + broken.length,
          `${place}: ${id} is another and nobody says so`,
        ).toBeGreaterThan(0);
    }
    // A new run is taken, or refused for the damage; the store lives on.
    const created = ask(store, { op: "createRun", run: runRecord() });
    if (!created.ok) expect(created.code, place).toBe("store_damaged");
    return refusals;
  } finally {
    store.close();
  }
}

function parse(answer: Answer & { readonly ok: true }): unknown {
  const { events, payloads } = answer.value as JournalRows;
  try {
    return events.map((text) => parseJournalEvent(text, (hash) => payloads.get(hash)));
  } catch (error) {
    return error instanceof ToolariumError ? error.code : error;
  }
}
