/** Runs that a process owns: claimed once, however many want them, and released when nobody has them any more. */
import { describe, expect, it } from "vitest";
import { createLog } from "../../../src/log.ts";
import { createJournal } from "../../../src/runs/live/live-journal.ts";
import { type OwnedRun, OwnedRuns } from "../../../src/runs/live/owned-runs.ts";
import { type Claim, isElsewhere } from "../../../src/runs/live/ownership.ts";
import { openSqliteStore } from "../../../src/store/sqlite/sqlite.ts";
import { createCluster } from "../../helpers/cluster.ts";
import { until } from "../../helpers/until.ts";
import { logEvent, runRecord } from "../../store/records.ts";

const log = createLog("silent");

async function open() {
  const store = await openSqliteStore({ path: ":memory:", fsync: true, log });
  const cluster = createCluster(store);
  const member = cluster.join("a");
  const record = runRecord();
  await store.createRun(record);
  await store.append(record.id, 1, [logEvent(1)], "waiting");
  let loads = 0;
  let failure: Error | undefined;
  const suspended: string[] = [];
  const none = (): never => expect.fail("nobody asks for that");
  const load = async (id: string, claim: Claim): Promise<OwnedRun | undefined> => {
    loads += 1;
    if (failure !== undefined) throw failure;
    if ((await store.getRun(id)) === undefined) return undefined;
    const stored = await store.readJournal(id);
    return {
      id,
      principal: record.principal,
      journal: createJournal({ store, run: record, claim, log, stored }),
      decidable: null,
      ...{ report: none, cancel: none, takeUp: none, strand: none },
      suspend: () => void suspended.push(id),
      rest: async () => undefined,
      quiet: async () => undefined,
    };
  };
  const owned = new OwnedRuns<OwnedRun>({
    ownership: member.peers.ownership,
    load,
    onRest: () => undefined,
    onStranded: none,
  });
  return {
    ...{ store, cluster, member, owned, suspended, id: record.id },
    loads: () => loads,
    fail: (error: Error | undefined) => {
      failure = error;
    },
    async borrow(id = record.id) {
      const found = await owned.borrow(id);
      return found === undefined || isElsewhere(found) ? expect.fail("it is not there") : found;
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

describe("a run", () => {
  it("that many borrow at once is claimed and loaded once, and released when the last has returned it", async () => {
    await using tested = await open();
    const { borrow, loads, cluster, id, owned } = tested;
    const loans = await Promise.all([borrow(), borrow(), borrow()]);
    expect(new Set(loans.map(({ run }) => run)).size).toBe(1);
    expect(loads()).toBe(1);
    const [first, ...others] = loans;
    first?.[Symbol.dispose]();
    first?.[Symbol.dispose]();
    expect((await borrow()).run).toBe(first?.run);
    for (const loan of [...others]) loan[Symbol.dispose]();
    expect(cluster.ownerOf(id)).toBe("a");
    await owned.letGoOfAll();
    expect(cluster.ownerOf(id)).toBeUndefined();
    expect((await borrow()).run).not.toBe(first?.run);
  });

  it("that cannot be loaded, or is not there, is not owned", async () => {
    await using tested = await open();
    const { owned, borrow, cluster, fail, id } = tested;
    fail(new Error("unreadable"));
    await expect(owned.borrow(id)).rejects.toThrow("unreadable");
    expect(cluster.ownerOf(id)).toBeUndefined();
    fail(undefined);
    expect(await owned.borrow("run_none")).toBeUndefined();
    expect(cluster.ownerOf("run_none")).toBeUndefined();
    using loan = await borrow();
    expect(loan.run.id).toBe(id);
  });

  it("that was lost to another process is suspended, and claimed again by who wants it next", async () => {
    await using tested = await open();
    const { borrow, member, suspended, id, cluster, store } = tested;
    using first = await borrow();
    member.bury();
    expect(first.run.journal.lost).toMatchObject({ code: "run_lost", retryable: true });
    using second = await borrow();
    expect(second.run).not.toBe(first.run);
    expect(suspended).toEqual([id]);
    first.run.journal.append({ type: "log", level: "log", text: "late" });
    await expect(first.run.journal.flush()).rejects.toMatchObject({ code: "run_lost" });
    second.run.journal.append({ type: "log", level: "log", text: "line 2" });
    await second.run.journal.flush();
    expect((await store.readJournal(id)).map((event) => event.type === "log" && event.text)).toEqual([
      "line 1",
      "line 2",
    ]);
    second[Symbol.dispose]();
    await until("it is released", () => cluster.ownerOf(id) === undefined);
  });
});
