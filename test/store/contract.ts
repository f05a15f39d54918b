/** What every store must do. Each implementation's own test file runs it: `storeContract("…", () => open…())`. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RunRecord, Store } from "../../src/store/store.ts";
import { everyEvent, logEvent, logEvents, runRecord } from "./records.ts";

/** `open` gives an empty store each time. */
export function storeContract(name: string, open: () => Promise<Store>): void {
  describe(`${name}: the store's contract`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store[Symbol.asyncDispose]());

    async function createRuns(runs: readonly RunRecord[]): Promise<void> {
      await Promise.all(runs.map((run) => store.createRun(run)));
    }

    test("a created run is found again as it was, queued", async () => {
      const run = runRecord({ kind: "call", parent: "run_parent", spec: '{"text":"ü\\u0000"}' });
      await store.createRun(run);
      expect(await store.getRun(run.id)).toEqual({ ...run, status: "queued" });
    });

    test("a run nobody created is not found and has an empty journal", async () => {
      expect(await store.getRun("run_none")).toBeUndefined();
      expect(await store.readJournal("run_none")).toEqual([]);
    });

    test("a run id that exists already is refused and the first run stays", async () => {
      const run = runRecord();
      await store.createRun(run);
      await expect(store.createRun({ ...run, principal: "other" })).rejects.toMatchObject({
        code: "internal_error",
      });
      expect(await store.getRun(run.id)).toMatchObject({ principal: "local" });
    });

    test("events of every type come back exactly as they were appended", async () => {
      const run = runRecord();
      await store.createRun(run);
      await store.append(run.id, everyEvent, "failed");
      expect(await store.readJournal(run.id)).toEqual(everyEvent);
      expect(await store.getRun(run.id)).toMatchObject({ status: "failed" });
    });

    test("a journal can be read from after any event", async () => {
      const run = runRecord();
      await store.createRun(run);
      await store.append(run.id, logEvents(5));
      expect((await store.readJournal(run.id, 3)).map(({ seq }) => seq)).toEqual([4, 5]);
      expect(await store.readJournal(run.id, 5)).toEqual([]);
    });

    test("an append without a status leaves it, and one without events may set it", async () => {
      const run = runRecord();
      await store.createRun(run);
      await store.append(run.id, [], "running");
      await store.append(run.id, [logEvent(1)]);
      expect(await store.getRun(run.id)).toMatchObject({ status: "running" });
    });

    test("writes that nobody waits for keep their order, and a read sees them", async () => {
      const run = runRecord();
      const writes = [store.createRun(run)];
      for (let seq = 1; seq <= 300; seq += 1) writes.push(store.append(run.id, [logEvent(seq)]));
      const journal = await store.readJournal(run.id);
      expect(journal).toEqual(logEvents(300));
      await Promise.all(writes);
    });

    test("a seq that exists already is refused, and the event that was there stays", async () => {
      const run = runRecord();
      await store.createRun(run);
      await store.append(run.id, [logEvent(1, "first")]);
      await expect(store.append(run.id, [logEvent(1, "second")], "failed")).rejects.toMatchObject({
        code: "internal_error",
        message: expect.stringContaining("one writer"),
      });
      expect(await store.readJournal(run.id)).toEqual([logEvent(1, "first")]);
      expect(await store.getRun(run.id)).toMatchObject({ status: "queued" });
    });

    test.for([
      ["before its first event", [logEvent(2)]],
      ["inside it", [logEvent(1), logEvent(3)]],
    ] as const)("an append that leaves a gap %s is refused as a whole", async ([, events]) => {
      const run = runRecord();
      await store.createRun(run);
      await expect(store.append(run.id, events, "running")).rejects.toMatchObject({ code: "internal_error" });
      expect(await store.readJournal(run.id)).toEqual([]);
      expect(await store.getRun(run.id)).toMatchObject({ status: "queued" });
    });

    test("an append to a run nobody created is refused", async () => {
      await expect(store.append("run_none", [logEvent(1)])).rejects.toMatchObject({ code: "not_found" });
      await expect(store.append("run_none", [], "running")).rejects.toMatchObject({ code: "not_found" });
    });

    test("a value that cannot be kept fails its own write and no other of the same moment", async () => {
      const run = runRecord();
      const good = runRecord();
      await createRuns([run, good]);
      const failure = { kind: "tool", message: "odd", data: { callback: () => 1, amount: 1n } } as const;
      const odd = {
        seq: 1,
        at: 1,
        type: "settled",
        n: 0,
        call: "call_a",
        resultBytes: 0,
        reused: false,
      } as const;
      const results = await Promise.allSettled([
        store.append(good.id, [logEvent(1)]),
        store.append(run.id, [{ ...odd, outcome: { ok: false, failure } }]),
        store.append(good.id, [logEvent(2)]),
      ]);
      expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
      expect(await store.readJournal(good.id)).toEqual(logEvents(2));
    });

    test("of many writes at once the bad ones fail alone", async () => {
      const runs = Array.from({ length: 40 }, () => runRecord());
      await createRuns(runs);
      const writes = runs.flatMap((run, index) => [
        store.append(run.id, [logEvent(1)]),
        store.append(index % 2 ? run.id : "run_none", [logEvent(index % 4 === 1 ? 1 : 2)]),
      ]);
      const failed = (await Promise.allSettled(writes)).filter(({ status }) => status === "rejected");
      expect(failed).toHaveLength(30);
      const lengths = await Promise.all(runs.map(async ({ id }) => (await store.readJournal(id)).length));
      expect(lengths).toEqual(runs.map((_, index) => (index % 4 === 3 ? 2 : 1)));
    });

    test("runs are listed newest first, page by page, each once, while new ones are created", async () => {
      const runs = Array.from({ length: 25 }, (_, index) => runRecord({ createdAt: 1_000 + (index >> 2) }));
      await createRuns(runs);
      const seen: string[] = [];
      let cursor: string | null | undefined;
      do {
        const page = await store.listRuns({ limit: 4, ...(cursor ? { cursor } : {}) });
        seen.push(...page.runs.map(({ id }) => id));
        cursor = page.nextCursor;
        await store.createRun(runRecord({ createdAt: 9_000 }));
      } while (cursor);
      const newestFirst = runs
        .toSorted((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
        .map(({ id }) => id);
      expect(seen).toEqual(newestFirst);
    });

    test("the last page says that it is the last, also when it is full", async () => {
      await createRuns([runRecord(), runRecord()]);
      const page = await store.listRuns({ limit: 2 });
      expect(page.runs).toHaveLength(2);
      expect(page.nextCursor).toBeNull();
    });

    test("a list can be narrowed by principal, kind, parent and status together", async () => {
      const wanted = runRecord({ principal: "ann", kind: "chat", parent: "run_p" });
      const others = [
        runRecord({ principal: "bob", kind: "chat", parent: "run_p" }),
        runRecord({ principal: "ann", kind: "call", parent: "run_p" }),
        runRecord({ principal: "ann", kind: "chat", parent: null }),
        runRecord({ principal: "ann", kind: "chat", parent: "run_p" }),
      ];
      await createRuns([wanted, ...others]);
      await store.append(wanted.id, [], "waiting");
      const query = {
        principal: "ann",
        kinds: ["chat"],
        parent: "run_p",
        status: "waiting",
        limit: 10,
      } as const;
      expect((await store.listRuns(query)).runs).toEqual([{ ...wanted, status: "waiting" }]);
      expect((await store.listRuns({ principal: "ann", limit: 10 })).runs).toHaveLength(4);
      expect((await store.listRuns({ kinds: ["call"], limit: 10 })).runs).toHaveLength(1);
      expect((await store.listRuns({ parent: "run_p", limit: 10 })).runs).toHaveLength(4);
      expect((await store.listRuns({ status: "queued", limit: 10 })).runs).toHaveLength(4);
    });

    test.for([0, 201, 1.5, Number.NaN])("a page of %d runs is refused", async (limit) => {
      await expect(store.listRuns({ limit })).rejects.toMatchObject({
        code: "invalid_request",
        param: "limit",
      });
    });

    test.for(["", "nonsense", Buffer.from("x/y").toString("base64url")])(
      "a cursor that no list gave, %j, is refused",
      async (cursor) => {
        await expect(store.listRuns({ limit: 1, cursor })).rejects.toMatchObject({
          code: "invalid_request",
          param: "cursor",
        });
      },
    );

    test("deleting old runs takes the ended ones with their journals and nothing else", async () => {
      const old = Array.from({ length: 250 }, () => runRecord({ createdAt: 10 }));
      const stillWaiting = runRecord({ createdAt: 10 });
      const young = runRecord({ createdAt: 20 });
      await createRuns([...old, stillWaiting, young]);
      await Promise.all(old.map(({ id }) => store.append(id, [logEvent(1)], "completed")));
      await store.append(stillWaiting.id, [logEvent(1)], "waiting");
      await store.append(young.id, [logEvent(1)], "cancelled");
      expect(await store.deleteRunsBefore(20)).toBe(250);
      expect(await store.deleteRunsBefore(20)).toBe(0);
      const left = (await store.listRuns({ limit: 200 })).runs.map(({ id }) => id);
      expect(left).toEqual([young.id, stillWaiting.id]);
      expect(await store.readJournal(old[0]?.id ?? "")).toEqual([]);
      expect(await store.readJournal(stillWaiting.id)).toHaveLength(1);
    });

    test("dispose keeps what was called before it, may be repeated, and refuses what comes after", async () => {
      const run = runRecord();
      const writes = Promise.all([store.createRun(run), store.append(run.id, logEvents(3))]);
      const disposals = [store[Symbol.asyncDispose](), store[Symbol.asyncDispose]()];
      await writes;
      await Promise.all(disposals);
      await expect(store.getRun(run.id)).rejects.toMatchObject({ code: "disposed" });
      await expect(store.createRun(runRecord())).rejects.toMatchObject({ code: "disposed" });
      await expect(store.append(run.id, [logEvent(4)])).rejects.toMatchObject({ code: "disposed" });
      await expect(store.deleteRunsBefore(0)).rejects.toMatchObject({ code: "disposed" });
    });
  });
}
