/** Redo logs that are not what was written: every whole line is taken over, and what is lost is told. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createLog } from "../../src/log.ts";
import { openRedoLog, readRedoLog } from "../../src/store/sqlite/file/redo-log.ts";
import { openStoreFile } from "../../src/store/sqlite/file/store-file.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { logEvents, runRecord } from "./records.ts";

const log = createLog("silent");
const folder = mkdtempSync(join(tmpdir(), "toolarium-damage-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Of the redo log: the last lines, and what a disk may have lost of them. */
const TAIL_BYTES = 200;

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
  const { identity, close } = openStoreFile({
    path: file,
    readOnly: false,
    countBytes: false,
    countUsage: false,
  });
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
