import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { JournalEvent, JournalEventBody } from "../../src/journal.ts";
import { createLog } from "../../src/log.ts";
import { createJournal, type Journal, type JournalOptions } from "../../src/runs/live/live-journal.ts";
import { openSqliteStore, type SqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { until } from "../helpers/until.ts";
import { runRecord } from "../store/records.ts";
import { usage } from "./valid-journals.ts";

const opened: JournalEventBody = { type: "opened", programHash: "p", catalogVersion: "c" };
const waiting: JournalEventBody = { type: "waiting" };
const ended: JournalEventBody = { type: "ended", status: "completed", result: "1", error: null, usage };

function line(text: string): JournalEventBody {
  return { type: "log", level: "log", text };
}

let store: SqliteStore;
let logged: string[];
const run = runRecord();

beforeEach(async () => {
  logged = [];
  store = await openSqliteStore({ path: ":memory:", log: createLog("silent") });
});
afterEach(() => store[Symbol.asyncDispose]());

function journal(options: Partial<JournalOptions> = {}): Journal {
  const log = createLog("error", { write: (text) => void logged.push(text) });
  return createJournal({ store, run, log, ...options });
}

async function collect(events: AsyncIterable<JournalEvent>): Promise<readonly JournalEvent[]> {
  return await Array.fromAsync(events);
}

describe("what is appended", () => {
  test("is numbered from 1, has its time, and is seen at once", () => {
    let now = 5_000;
    const written = journal({ now: () => now++ });
    expect(written.append(opened)).toEqual({ seq: 1, at: 5_000, ...opened });
    expect(written.append(line("a"))).toEqual({ seq: 2, at: 5_001, ...line("a") });
    expect(written.events.map(({ seq }) => seq)).toEqual([1, 2]);
  });

  test("never goes back in time, even when the clock does", () => {
    const times = [5_000, 4_000, 6_000];
    const written = journal({ now: () => times.shift() ?? 0 });
    for (const text of ["a", "b", "c"]) written.append(line(text));
    expect(written.events.map(({ at }) => at)).toEqual([5_000, 5_000, 6_000]);
  });

  test("is in the store after a flush, with the run and its status", async () => {
    const written = journal();
    written.append(opened);
    written.append(line("a"));
    await written.flush();
    expect(await store.readJournal(run.id)).toEqual(written.events);
    expect(await store.getRun(run.id)).toEqual({ ...run, status: "running" });
  });

  test("reaches the store without a flush, what one turn appended as one write", async () => {
    const written = journal();
    for (let n = 0; n < 50; n += 1) written.append(line(`${n}`));
    await until("the journal is stored", async () => (await store.readJournal(run.id)).length === 50);
    expect(store.stats().writes).toBe(2);
  });

  test("keeps its order over many turns and flushes", async () => {
    const written = journal();
    for (let n = 0; n < 30; n += 1) {
      written.append(line(`${n}`));
      if (n % 3 === 0) void written.flush();
      if (n % 5 === 0) await new Promise(setImmediate);
    }
    await written.flush();
    expect(await store.readJournal(run.id)).toEqual(written.events);
  });

  test("after the end of the run is a fault of the caller and changes nothing", async () => {
    const written = journal();
    written.append(ended);
    expect(() => written.append(line("late"))).toThrow(/after its run had ended/);
    await written.flush();
    expect(await store.readJournal(run.id)).toHaveLength(1);
  });
});

describe("the status of a run", () => {
  test("follows its events, here and in the store", async () => {
    const written = journal();
    const seen: unknown[] = [written.status];
    for (const body of [opened, waiting, line("on"), ended]) {
      written.append(body);
      await written.flush();
      seen.push([written.status, (await store.getRun(run.id))?.status]);
    }
    const both = (status: string): readonly string[] => [status, status];
    expect(seen).toEqual(["queued", both("running"), both("waiting"), both("running"), both("completed")]);
  });
});

describe("a journal that goes on from what is stored", () => {
  test("continues the numbers and creates no second run", async () => {
    const first = journal();
    first.append(opened);
    first.append(waiting);
    await first.flush();
    const second = journal({ stored: await store.readJournal(run.id) });
    second.append(line("on"));
    await second.flush();
    expect(second.events.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(await store.readJournal(run.id)).toEqual(second.events);
    expect(logged).toEqual([]);
  });
});

describe("a subscriber", () => {
  test("gets what was there, then what comes, until the run ends", async () => {
    const written = journal();
    written.append(opened);
    const all = collect(written.subscribe());
    await new Promise(setImmediate);
    written.append(line("live"));
    await new Promise(setImmediate);
    written.append(ended);
    expect(await all).toEqual(written.events);
    expect(await collect(written.subscribe())).toHaveLength(3);
  });

  test("can begin after any event", async () => {
    const written = journal();
    for (const body of [opened, line("a"), line("b"), ended]) written.append(body);
    expect((await collect(written.subscribe(2))).map(({ seq }) => seq)).toEqual([3, 4]);
    expect(await collect(written.subscribe(99))).toEqual([]);
  });

  test("is done when the run waits for a person; a later one sees it go on", async () => {
    const written = journal();
    const first = collect(written.subscribe());
    written.append(opened);
    written.append(waiting);
    expect((await first).map(({ type }) => type)).toEqual(["opened", "waiting"]);
    written.append(line("on"));
    const second = collect(written.subscribe(2));
    written.append(ended);
    expect((await second).map(({ type }) => type)).toEqual(["log", "ended"]);
  });

  test("is done when the process lets go of the run", async () => {
    const written = journal();
    written.append(opened);
    const all = collect(written.subscribe());
    await new Promise(setImmediate);
    written.close();
    written.close();
    expect(await all).toHaveLength(1);
  });

  test("that leaves in the middle of a wait is released at once, and the others stay", async () => {
    const written = journal();
    const leaving = written.subscribe();
    const staying = collect(written.subscribe());
    const next = leaving.next();
    await new Promise(setImmediate);
    await leaving.return?.();
    expect(await next).toEqual({ done: true, value: undefined });
    written.append(ended);
    expect(await staying).toHaveLength(1);
  });
});

describe("a store that fails", () => {
  test("is logged once and told by every flush; the run itself can go on", async () => {
    await store.createRun(run);
    const written = journal();
    written.append(opened);
    // The refusal has come once the store has answered something later.
    await store.getRun(run.id);
    await expect(written.flush()).rejects.toMatchObject({ code: "internal_error" });
    const { writes } = store.stats();
    written.append(line("a"));
    await expect(written.flush()).rejects.toMatchObject({ code: "internal_error" });
    expect(store.stats().writes).toBe(writes);
    expect(written.events).toHaveLength(2);
    expect(logged).toHaveLength(1);
    expect(logged[0]).toContain(run.id);
  });

  test("while nobody flushes does not end the process", async () => {
    await store[Symbol.asyncDispose]();
    const written = journal();
    written.append(opened);
    await until("the failure is logged", () => logged.length > 0);
    await expect(written.flush()).rejects.toMatchObject({ code: "disposed" });
  });
});
