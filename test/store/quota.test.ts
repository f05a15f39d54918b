import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import type { JournalEvent } from "../../src/journal.ts";
import type { Usage } from "../../src/store/quota.ts";
import { migrations } from "../../src/store/sqlite/file/migrations.ts";
import { openStoreFile } from "../../src/store/sqlite/file/store-file.ts";
import { createRandom } from "../helpers/random.ts";
import { until } from "../helpers/until.ts";
import { createStoreFiles } from "./files.ts";
import { callEvents, logEvent, logEvents, runRecord } from "./records.ts";

const { newPath, open } = createStoreFiles();

/** What a file says of everybody, and how many bytes it has. */
function read(path: string): { readonly usage: Usage; readonly bytes: number } {
  const store = openStoreFile({ path, readOnly: true, countBytes: true, countUsage: true });
  try {
    return store.kept();
  } finally {
    store.close();
  }
}

/** Counts everything anew, as a file that comes from an earlier version is counted. */
function recount(path: string): Usage {
  using db = new DatabaseSync(path);
  db.exec("begin; drop table usage; alter table runs drop column bytes");
  db.exec(migrations[4]?.sql ?? "");
  const rows = db.prepare("select principal, bytes from usage").all();
  db.exec("rollback");
  return new Map(rows.map(({ principal, bytes }) => [String(principal), Number(bytes)]));
}

const large = (seq: number, text: string): JournalEvent => ({
  ...{ seq, at: seq, type: "settled", n: 1, call: "call_1", resultBytes: text.length, reused: false },
  outcome: { ok: true, value: JSON.stringify(text) },
});
const full = { code: "store_full", status: 507, retryable: false };

const SEED = Date.now();

test(`what is counted of each principal is what a recount finds, after writes, refusals and removals (seed ${SEED})`, async () => {
  const path = newPath();
  const random = createRandom(SEED);
  const principals = ["ann", "bob", "cleo"];
  const texts = ["é".repeat(20_000), "b".repeat(30_000), "c".repeat(40_000)];
  {
    await using store = await open(path);
    const writes: Promise<unknown>[] = [];
    for (let index = 0; index < 60; index++) {
      const run = runRecord({
        principal: principals[random.below(3)] ?? "",
        createdAt: index,
        spec: "ü".repeat(random.below(3_000)),
      });
      writes.push(store.createRun(run));
      const events = [
        ...callEvents(1),
        // The same text twice in one run, and in many runs.
        large(5, texts[random.below(3)] ?? ""),
        large(6, texts[random.below(3)] ?? ""),
        ...logEvents(random.below(20), 7),
      ];
      const end = random.below(4) === 0 ? "running" : "completed";
      writes.push(store.append(run.id, 1, events, end));
      // Refused, together with its neighbours' first try.
      writes.push(expect(store.append(run.id, 1, logEvents(2), "failed")).rejects.toThrow(/one writer/));
    }
    await Promise.all(writes);
    expect(await store.deleteRunsBefore(30)).toBeGreaterThan(5);
  }
  const { usage } = read(path);
  expect(usage.size).toBe(3);
  expect(usage).toEqual(recount(path));
  {
    await using store = await open(path);
    await store.deleteRunsBefore(60);
  }
  expect(read(path).usage).toEqual(recount(path));
});

test.each<[what: string, spec: string, events: readonly JournalEvent[]]>([
  ["that do little", "{}", logEvents(2)],
  [
    "of ten calls",
    "x".repeat(4_000),
    Array.from({ length: 10 }, (_, n) => callEvents(1 + 4 * n, { n })).flat(),
  ],
  ["with many events", "{}", logEvents(200)],
])("runs %s are counted with what they take of the file, by a fourth", async (_what, spec, events) => {
  const path = newPath();
  await (await open(path))[Symbol.asyncDispose]();
  const empty = read(path).bytes;
  {
    await using store = await open(path);
    for (let index = 0; index < 200; index++) {
      const run = runRecord({ spec });
      void store.createRun(run);
      await store.append(run.id, 1, events, "completed");
    }
  }
  const { usage, bytes } = read(path);
  const ratio = (usage.get("local") ?? 0) / (bytes - empty);
  expect(ratio).toBeGreaterThan(0.75);
  expect(ratio).toBeLessThan(1.25);
});

test("a principal above its quota begins nothing, others do, its runs go on, and room comes back when they go", async () => {
  const path = newPath();
  const options = { maxBytesPerPrincipal: 100_000 };
  const run = runRecord({ principal: "ann", createdAt: 1 });
  {
    await using store = await open(path, options);
    await store.createRun(run);
    expect(store.refusalFor("ann")).toBeUndefined();
    await store.append(run.id, 1, [logEvent(1, "x".repeat(100_000))], "running");
    expect(store.refusalFor("ann")).toMatchObject(full);
    expect(store.refusalFor("ann")?.message).toMatch(
      /^Your kept runs take 100\d{3} bytes; store\.maxBytesPerPrincipal allows 100000\./,
    );
    expect(store.refusalFor("bob")).toBeUndefined();
    // What was let in before stays.
    await store.createRun(runRecord({ principal: "ann", createdAt: 1 }));
    await store.append(run.id, 1, [logEvent(2)]);
    expect(store.health.hindrance).toBeNull();
    // It has not ended.
    expect(await store.deleteRunsBefore(2)).toBe(0);
    expect(store.refusalFor("ann")).toMatchObject(full);
  }
  {
    await using store = await open(path, options);
    expect(store.refusalFor("ann")).toMatchObject(full);
    expect(store.refusalFor("bob")).toBeUndefined();
    await store.append(run.id, 1, [logEvent(3)], "completed");
    expect(await store.deleteRunsBefore(2)).toBe(1);
    expect(store.refusalFor("ann")).toBeUndefined();
  }
  await using store = await open(path, options);
  expect(store.refusalFor("ann")).toBeUndefined();
});

test("what was kept in the redo log alone counts after a restart, and what an outage rolled back does not", async () => {
  const path = newPath();
  const options = { maxBytesPerPrincipal: 100_000 };
  const run = runRecord({ principal: "ann" });
  await using store = await open(path, options);
  await store.createRun(run);
  const other = new DatabaseSync(path);
  other.exec("begin immediate");
  const text = "x".repeat(150_000);
  // In the redo log, and in a commit that is rolled back.
  const kept = store.append(run.id, 1, [logEvent(1, text)]);
  kept.catch(() => undefined);
  await store.flush(run.id);
  await expect(kept).rejects.toMatchObject({ code: "store_unavailable" });
  other.close();
  await until("it can be written", () => store.health.hindrance === null);
  expect(store.refusalFor("ann")?.message).toMatch(/take 15\d{4} bytes/);
  await store.append(run.id, 1, [logEvent(2, text)]);
  expect(store.refusalFor("ann")?.message).toMatch(/take 30\d{4} bytes/);
});
