/** What every store must do. Each implementation's own test file runs it: `storeContract("…", () => open…())`. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { JournalEvent, JournalEventBody } from "../../src/journal.ts";
import {
  type CallQuery,
  MAX_SHAPES,
  type RunQuery,
  type RunRecord,
  SHAPES_PER_PRINCIPAL,
  type Store,
  type StoredShape,
  type StoredSummary,
  type SummaryQuery,
  type Verified,
} from "../../src/store/store.ts";
import { callEvents, endUsage, everyEvent, logEvent, logEvents, runRecord } from "./records.ts";

/** `open` gives an empty store each time. */
export function storeContract(name: string, open: () => Promise<Store>): void {
  describe(`${name}: the store's contract`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store[Symbol.asyncDispose]());

    const putSnapshot = (text: string): Promise<string> => store.putSnapshot(text);

    const shape = (principal: string, tool: string, more: Partial<StoredShape> = {}): StoredShape => {
      return { principal, tool, definition: "d", seenAt: 1, shape: "{}", ...more };
    };
    const shapes = async (): Promise<readonly StoredShape[]> =>
      (await store.readShapes()).toSorted((a, b) =>
        `${a.principal} ${a.tool}` < `${b.principal} ${b.tool}` ? -1 : 1,
      );

    async function verify(run?: string): Promise<Verified> {
      const parts = await Array.fromAsync(store.verify(run));
      return {
        runs: parts.reduce((sum, part) => sum + part.runs, 0),
        events: parts.reduce((sum, part) => sum + part.events, 0),
        broken: parts.flatMap(({ broken }) => broken),
        damage: parts.flatMap(({ damage }) => damage),
      };
    }

    async function createRuns(runs: readonly RunRecord[]): Promise<void> {
      await Promise.all(runs.map((run) => store.createRun(run)));
    }

    describe("the summaries of runs", () => {
      const summary = (text: string, asked = 0): StoredSummary => ({ text, asked });
      const summaries = async (query: Partial<SummaryQuery> = {}): Promise<readonly (string | null)[]> =>
        (await store.listSummaries({ limit: 10, ...query })).runs.map((run) => run.summary);

      test("say what the last append said, and nothing once one said nothing", async () => {
        const { spec: _, snapshot: __, requestKey: ___, ...listed } = runRecord();
        await store.createRun({ ...runRecord(), ...listed });
        expect(await summaries()).toEqual([null]);
        await store.append(listed.id, 1, logEvents(2), "waiting", undefined, summary("first"));
        const [run] = (await store.listSummaries({ limit: 10 })).runs;
        expect(run).toEqual({ ...listed, status: "waiting", summary: "first" });
        await store.append(listed.id, 1, [logEvent(3)], "running");
        expect(await summaries()).toEqual([null]);
        await store.append(listed.id, 1, [logEvent(4)], "completed", undefined, summary("second"));
        expect(await summaries()).toEqual(["second"]);
      });

      test("are not there after an append that was refused", async () => {
        const run = runRecord();
        await store.createRun(run);
        await store.append(run.id, 1, logEvents(1), "waiting", undefined, summary("first"));
        const refused = store.append(run.id, 1, [logEvent(9)], "completed", undefined, summary("never"));
        await expect(refused).rejects.toMatchObject({ code: "internal_error" });
        expect(await summaries()).toEqual(["first"]);
      });

      test("can be given later, unless the run has gone on since", async () => {
        const run = runRecord();
        await store.createRun(run);
        await store.append(run.id, 1, logEvents(2), "completed");
        await store.putSummary(run.id, 1, summary("too early"));
        expect(await summaries()).toEqual([null]);
        await store.putSummary(run.id, 2, summary("late"));
        expect(await summaries()).toEqual(["late"]);
        await store.putSummary("run_none", 0, summary("nobody's"));
        expect(await summaries()).toEqual(["late"]);
      });

      test("find the runs that may ask a person", async () => {
        const kinds = { asks: 2, rests: 0, unknown: undefined, runs: 0 };
        for (const [name, asked] of Object.entries(kinds)) {
          const run = runRecord({ principal: name });
          await store.createRun(run);
          const said = asked === undefined ? undefined : summary(name, asked);
          await store.append(
            run.id,
            1,
            logEvents(1),
            name === "runs" ? "running" : "waiting",
            undefined,
            said,
          );
        }
        const { runs } = await store.listSummaries({ limit: 10, asking: true });
        expect(runs.map(({ principal }) => principal).sort()).toEqual(["asks", "runs", "unknown"]);
        expect(await summaries({ asking: true, principal: "rests" })).toEqual([]);
        expect(await summaries({ asking: true, principal: "asks", statuses: ["waiting"] })).toEqual(["asks"]);
      });

      test("come by pages and filters as the runs do, and go with their runs", async () => {
        for (const [index, principal] of ["ann", "bob", "ann"].entries()) {
          const run = runRecord({ principal, createdAt: 1_000 + index });
          await store.createRun(run);
          await store.append(
            run.id,
            1,
            logEvents(1),
            "completed",
            undefined,
            summary(`${principal} ${index}`),
          );
        }
        expect(await summaries({ principal: "ann" })).toEqual(["ann 2", "ann 0"]);
        const first = await store.listSummaries({ limit: 2 });
        expect(first.runs.map((run) => run.summary)).toEqual(["ann 2", "bob 1"]);
        expect(await summaries({ limit: 2, cursor: first.nextCursor ?? "" })).toEqual(["ann 0"]);
        await expect(store.listSummaries({ limit: 0 })).rejects.toMatchObject({ code: "invalid_request" });
        await store.deleteRunsBefore(1_002);
        expect(await summaries()).toEqual(["ann 2"]);
      });
    });

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
      await store.append(run.id, 1, everyEvent, "failed");
      expect(await store.readJournal(run.id)).toEqual(everyEvent);
      expect(await store.getRun(run.id)).toMatchObject({ status: "failed" });
    });

    test("a journal can be read from after any event", async () => {
      const run = runRecord();
      await store.createRun(run);
      await store.append(run.id, 1, logEvents(5));
      expect((await store.readJournal(run.id, 3)).map(({ seq }) => seq)).toEqual([4, 5]);
      expect(await store.readJournal(run.id, 5)).toEqual([]);
    });

    test("an append without a status leaves it, and one without events may set it", async () => {
      const run = runRecord();
      await store.createRun(run);
      await store.append(run.id, 1, [], "running");
      await store.append(run.id, 1, [logEvent(1)]);
      expect(await store.getRun(run.id)).toMatchObject({ status: "running" });
    });

    test("writes that nobody waits for keep their order, and a read sees them", async () => {
      const run = runRecord();
      const writes: Promise<unknown>[] = [store.createRun(run)];
      for (let seq = 1; seq <= 300; seq += 1) writes.push(store.append(run.id, 1, [logEvent(seq)]));
      const journal = await store.readJournal(run.id);
      expect(journal).toEqual(logEvents(300));
      await Promise.all(writes);
    });

    test("a flush covers what was written of its run, and one without writes has nothing to wait for", async () => {
      const run = runRecord();
      void store.createRun(run);
      void store.append(run.id, 1, logEvents(2));
      await store.flush(run.id);
      await store.flush(run.id);
      await store.flush("run_none");
      expect(await store.readJournal(run.id)).toEqual(logEvents(2));
    });

    test("a seq that exists already is refused, and the event that was there stays", async () => {
      const run = runRecord();
      await store.createRun(run);
      await store.append(run.id, 1, [logEvent(1, "first")]);
      await expect(store.append(run.id, 1, [logEvent(1, "second")], "failed")).rejects.toMatchObject({
        code: "run_lost",
        message: expect.stringContaining("one writer"),
      });
      expect(await store.readJournal(run.id)).toEqual([logEvent(1, "first")]);
      expect(await store.getRun(run.id)).toMatchObject({ status: "queued" });
    });

    test("a later owner of a run shuts out the earlier one, with its status and whatever it appends", async () => {
      const run = runRecord();
      await store.createRun(run);
      await store.append(run.id, 1, [logEvent(1)], "running");
      await store.append(run.id, 2, []);
      for (const [events, status] of [
        [[logEvent(2, "late")], "failed"],
        [[], "failed"],
      ] as const)
        await expect(store.append(run.id, 1, events, status)).rejects.toMatchObject({ code: "run_lost" });
      await store.append(run.id, 2, [logEvent(2)]);
      expect(await store.readJournal(run.id)).toEqual(logEvents(2));
      expect(await store.getRun(run.id)).toMatchObject({ status: "running" });
      expect((await verify(run.id)).broken).toEqual([]);
    });

    test("of two owners at the same moment only the later one's events are there", async () => {
      const run = runRecord();
      await store.createRun(run);
      const results = await Promise.allSettled([
        store.append(run.id, 1, [logEvent(1)]),
        store.append(run.id, 2, [logEvent(2)]),
        store.append(run.id, 1, [logEvent(3, "late")]),
        store.append(run.id, 2, [logEvent(3)]),
      ]);
      expect(results.map(({ status }) => status)).toEqual([
        "fulfilled",
        "fulfilled",
        "rejected",
        "fulfilled",
      ]);
      expect(await store.readJournal(run.id)).toEqual(logEvents(3));
    });

    test("of many runs of one request that are created once the first stays, and the others hear of it", async () => {
      const tries = Array.from({ length: 5 }, () => runRecord({ principal: "ann", requestKey: "key:a" }));
      const ids = await Promise.all(tries.map((run) => store.createRun(run, { once: true })));
      expect(new Set(ids)).toEqual(new Set([tries[0]?.id]));
      expect((await store.listRuns({ limit: 10 })).runs.map(({ id }) => id)).toEqual([tries[0]?.id]);
      await store.append(ids[0] ?? "", 1, [logEvent(1)], "completed");
      expect(await store.createRun(tries[1] ?? runRecord(), { once: true })).toBe(tries[0]?.id);
      const others = [
        runRecord({ principal: "bob", requestKey: "key:a" }),
        runRecord({ principal: "ann", requestKey: "key:b" }),
      ];
      for (const run of others) expect(await store.createRun(run, { once: true })).toBe(run.id);
      const again = runRecord({ principal: "ann", requestKey: "key:a" });
      expect(await store.createRun(again)).toBe(again.id);
    });

    test("runs that wait are listed, those that wait longest first, until they go on", async () => {
      const runs = [30, 10, 20, 40].map((waitsSince) => ({ waitsSince, ...runRecord() }));
      await createRuns(runs);
      for (const { id, waitsSince } of runs) await store.append(id, 1, [logEvent(1)], "waiting", waitsSince);
      const [third, first, second, fourth] = runs.map(({ id, waitsSince }) => ({ id, waitsSince }));
      expect(await store.listWaiting(3)).toEqual([first, second, third]);
      expect(await store.listWaiting(3, third)).toEqual([fourth]);
      await store.append(first?.id ?? "", 1, [logEvent(2)]);
      await store.append(second?.id ?? "", 1, [logEvent(2)], "running");
      await store.append(third?.id ?? "", 1, [logEvent(2)], "waiting", 50);
      await store.append(fourth?.id ?? "", 1, [logEvent(2)], "waiting");
      expect(await store.listWaiting(9)).toEqual([first, { ...third, waitsSince: 50 }]);
    });

    test.for([
      ["before its first event", [logEvent(2)]],
      ["inside it", [logEvent(1), logEvent(3)]],
    ] as const)("an append that leaves a gap %s is refused as a whole", async ([, events]) => {
      const run = runRecord();
      await store.createRun(run);
      await expect(store.append(run.id, 1, events, "running")).rejects.toMatchObject({
        code: "internal_error",
      });
      expect(await store.readJournal(run.id)).toEqual([]);
      expect(await store.getRun(run.id)).toMatchObject({ status: "queued" });
    });

    test("an append to a run nobody created is refused", async () => {
      await expect(store.append("run_none", 1, [logEvent(1)])).rejects.toMatchObject({ code: "not_found" });
      await expect(store.append("run_none", 1, [], "running")).rejects.toMatchObject({ code: "not_found" });
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
        store.append(good.id, 1, [logEvent(1)]),
        store.append(run.id, 1, [{ ...odd, outcome: { ok: false, failure } }]),
        store.append(good.id, 1, [logEvent(2)]),
      ]);
      expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
      expect(await store.readJournal(good.id)).toEqual(logEvents(2));
    });

    test("of many writes at once the bad ones fail alone", async () => {
      const runs = Array.from({ length: 40 }, () => runRecord());
      await createRuns(runs);
      const writes = runs.flatMap((run, index) => [
        store.append(run.id, 1, [logEvent(1)]),
        store.append(index % 2 ? run.id : "run_none", 1, [logEvent(index % 4 === 1 ? 1 : 2)]),
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
      await store.append(wanted.id, 1, [], "waiting");
      const query = {
        principal: "ann",
        kinds: ["chat"],
        parent: "run_p",
        statuses: ["waiting", "running"],
        limit: 10,
      } as const;
      expect((await store.listRuns(query)).runs).toEqual([{ ...wanted, status: "waiting" }]);
      expect((await store.listRuns({ principal: "ann", limit: 10 })).runs).toHaveLength(4);
      expect((await store.listRuns({ kinds: ["call"], limit: 10 })).runs).toHaveLength(1);
      expect((await store.listRuns({ parent: "run_p", limit: 10 })).runs).toHaveLength(4);
      expect((await store.listRuns({ statuses: ["queued"], limit: 10 })).runs).toHaveLength(4);
    });

    test("a list can be narrowed to several statuses and to runs from before a time", async () => {
      const runs = [10, 20, 30].map((createdAt) => runRecord({ createdAt }));
      await createRuns(runs);
      const [first, second, third] = runs.map(({ id }) => id);
      await store.append(first ?? "", 1, [], "waiting");
      await store.append(third ?? "", 1, [], "running");
      const idsOf = async (query: Partial<RunQuery>): Promise<readonly string[]> =>
        (await store.listRuns({ limit: 10, ...query })).runs.map(({ id }) => id);
      expect(await idsOf({ statuses: ["running", "waiting"] })).toEqual([third, first]);
      expect(await idsOf({ statuses: [] })).toEqual([]);
      expect(await idsOf({ before: 30 })).toEqual([second, first]);
      expect(await idsOf({ before: 30, statuses: ["waiting"] })).toEqual([first]);
    });

    test("the newest run with a request key is found, within its principal only", async () => {
      const old = runRecord({ principal: "ann", requestKey: "key", createdAt: 1 });
      const young = runRecord({ principal: "ann", requestKey: "key", createdAt: 2 });
      await createRuns([young, old, runRecord({ principal: "bob", requestKey: "key", createdAt: 3 })]);
      await store.append(young.id, 1, [], "running");
      expect(await store.findByRequestKey("ann", "key")).toEqual({ ...young, status: "running" });
      expect(await store.findByRequestKey("ann", "other")).toBeUndefined();
      expect(await store.findByRequestKey("cid", "key")).toBeUndefined();
    });

    test("texts of megabytes come back whole, wherever an event holds one", async () => {
      const run = runRecord();
      const text = (fill: string): string => JSON.stringify(fill.repeat(1_000_000));
      const head = { n: 1, call: "call_a" };
      const large: readonly JournalEventBody[] = [
        { ...head, type: "requested", tool: "files/read", args: text("a"), argsBytes: 1_000_002 },
        { ...head, type: "decided", decision: "result", by: "ann", args: text("ü"), value: text("\u0000") },
        { ...head, type: "settled", outcome: { ok: true, value: text("a") }, resultBytes: 9, reused: false },
        { type: "turn", message: text("m"), calls: [], usage: null, finish: text("f") },
        { type: "answered", id: "a", content: "\ud800".repeat(20_000) },
        { type: "ended", status: "completed", result: text("r"), error: null, usage: endUsage },
      ];
      const events = large.map((body, index): JournalEvent => ({ seq: index + 1, at: 1, ...body }));
      await store.createRun(run);
      await store.append(run.id, 1, events, "completed");
      expect(await store.readJournal(run.id)).toEqual(events);
      expect(await store.readJournal(run.id, 4)).toEqual(events.slice(4));
    });

    test("a snapshot is put once, found by its hash and referred to by runs", async () => {
      const text = JSON.stringify({ tools: "ü".repeat(100_000) });
      const hash = await store.putSnapshot(text);
      expect(await store.putSnapshot(text)).toBe(hash);
      expect(await store.putSnapshot("another")).not.toBe(hash);
      expect(await store.getSnapshot(hash)).toBe(text);
      expect(await store.getSnapshot("none")).toBeUndefined();
      const run = runRecord({ snapshot: hash });
      await store.createRun(run);
      expect(await store.getRun(run.id)).toMatchObject({ snapshot: hash });
    });

    test("a run that refers to a snapshot nobody put is refused", async () => {
      const run = runRecord({ snapshot: "none" });
      await expect(store.createRun(run)).rejects.toMatchObject({ code: "internal_error" });
      expect(await store.getRun(run.id)).toBeUndefined();
    });

    test("a snapshot goes a day after it was last put, unless a run refers to it", async () => {
      vi.useFakeTimers({ toFake: ["Date"], now: 0 });
      try {
        const [used, unused, fresh] = await Promise.all(["used", "unused", "fresh"].map(putSnapshot));
        const run = runRecord({ snapshot: used ?? null });
        await store.createRun(run);
        await store.append(run.id, 1, [], "completed");
        const left = async (): Promise<readonly (string | undefined)[]> =>
          Promise.all([used, unused, fresh].map((hash) => store.getSnapshot(hash ?? "")));
        vi.setSystemTime(20 * 3_600_000);
        await putSnapshot("fresh");
        await store.deleteRunsBefore(0);
        expect(await left()).toEqual(["used", "unused", "fresh"]);
        vi.setSystemTime(30 * 3_600_000);
        await store.deleteRunsBefore(0);
        expect(await left()).toEqual(["used", undefined, "fresh"]);
        await store.deleteRunsBefore(run.createdAt + 1);
        expect(await left()).toEqual([undefined, undefined, "fresh"]);
        expect(await putSnapshot("used")).toBe(used);
        expect(await left()).toEqual(["used", undefined, "fresh"]);
      } finally {
        vi.useRealTimers();
      }
    });

    test("shapes are kept one per principal and tool, the last one written", async () => {
      await store.putShapes([shape("ann", "a/x"), shape("ann", "a/y"), shape("bob", "a/x")]);
      await store.putShapes([shape("ann", "a/x", { definition: "other", shape: "wider", seenAt: 2 })]);
      expect(await shapes()).toEqual([
        { principal: "ann", tool: "a/x", definition: "other", seenAt: 2, shape: "wider" },
        shape("ann", "a/y"),
        shape("bob", "a/x"),
      ]);
      await store.putShapes([]);
      expect(await shapes()).toHaveLength(3);
    });

    test("of too many shapes those of the tools that were used last stay", async () => {
      const many = Array.from({ length: SHAPES_PER_PRINCIPAL + 2 }, (_, n) =>
        shape("ann", `a/${n}`, { seenAt: n }),
      );
      await store.putShapes([shape("bob", "a/0"), ...many]);
      const kept = await shapes();
      expect(kept).toHaveLength(SHAPES_PER_PRINCIPAL + 1);
      expect(kept.filter(({ seenAt }) => seenAt < 2)).toEqual([shape("bob", "a/0")]);
      const principals = Math.ceil(MAX_SHAPES / SHAPES_PER_PRINCIPAL);
      for (let n = 0; n < principals; n += 1)
        await store.putShapes(many.map((each) => ({ ...each, principal: `p${n}`, seenAt: 1_000 + n })));
      expect((await shapes()).map(({ principal }) => principal)).not.toContain("ann");
      expect(await shapes()).toHaveLength(MAX_SHAPES);
    });

    test("shapes of tools that are no longer used are removed", async () => {
      await store.putShapes([shape("ann", "a/x", { seenAt: 99 }), shape("ann", "a/y", { seenAt: 100 })]);
      await store.deleteShapesBefore(100);
      expect(await shapes()).toMatchObject([{ tool: "a/y" }]);
    });

    test("calls are found with their own events, the latest requested first", async () => {
      const run = runRecord({ principal: "ann" });
      const events = [
        logEvent(1),
        ...callEvents(2, { n: 5, at: 2_000 }),
        ...callEvents(6, { n: 7, at: 1_000 }),
        logEvent(10),
      ];
      await store.createRun(run);
      await store.append(run.id, 1, events, "running");
      const page = await store.findCalls({ limit: 10 });
      const ref = { id: run.id, principal: "ann", status: "running" };
      expect(page).toEqual({
        calls: [
          { run: ref, seq: 1, events: events.slice(1, 5) },
          { run: ref, seq: 2, events: events.slice(5, 9) },
        ],
        nextCursor: null,
      });
    });

    test("a call is found with what was decided later, and without its large texts", async () => {
      const run = runRecord();
      const [requested, ask, started, settled] = callEvents(1, { decision: "ask" });
      await store.createRun(run);
      await store.append(
        run.id,
        1,
        [requested, ask].filter((event) => event !== undefined),
        "waiting",
      );
      const result = { ok: true, value: "x".repeat(100_000) } as const;
      const later = [
        { ...callEvents(3, { n: 1, decision: "approved" })[1], seq: 3 },
        { ...started, seq: 4 },
        { ...settled, seq: 5, outcome: result },
      ] as readonly JournalEvent[];
      await store.append(run.id, 1, later, "completed");
      const [found] = (await store.findCalls({ limit: 10, decision: "approved" })).calls;
      expect(found?.run.status).toBe("completed");
      expect(found?.events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
      expect(found?.events.at(-1)).toMatchObject({ outcome: { ok: true, value: "" } });
    });

    test("calls can be narrowed by owner, run, tool, server, decision and time together", async () => {
      const [ann, bob] = [runRecord({ principal: "ann" }), runRecord({ principal: "bob" })];
      await createRuns([ann, bob]);
      await store.append(ann.id, 1, [
        ...callEvents(1, { tool: "files/read", at: 100 }),
        ...callEvents(5, { tool: "files/write", at: 200, decision: "denied" }),
        ...callEvents(9, { tool: "mail/send", at: 300, decision: "approved" }),
        ...callEvents(13, { tool: "unknown", at: 400 }),
      ]);
      const refused = { ok: false, failure: { kind: "denied", message: "no" } } as const;
      const [request, , , settled] = callEvents(1, { tool: "files/read", at: 150 });
      await store.append(bob.id, 1, [request, { ...settled, seq: 2, outcome: refused }] as JournalEvent[]);
      const toolsOf = async (query: Partial<CallQuery>): Promise<readonly string[]> => {
        const { calls } = await store.findCalls({ limit: 10, ...query });
        return calls.map(({ run, events: [first] }) =>
          first?.type === "requested" ? `${run.principal} ${first.tool}` : "no call",
        );
      };
      expect(await toolsOf({ principal: "ann" })).toHaveLength(4);
      expect(await toolsOf({ run: bob.id })).toEqual(["bob files/read"]);
      expect(await toolsOf({ run: bob.id, principal: "ann" })).toEqual([]);
      expect(await toolsOf({ run: "run_none" })).toEqual([]);
      expect(await toolsOf({ tool: "files/read" })).toEqual(["bob files/read", "ann files/read"]);
      expect(await toolsOf({ tool: "files/*" })).toHaveLength(3);
      expect(await toolsOf({ tool: "*/send" })).toEqual(["ann mail/send"]);
      expect(await toolsOf({ tool: "*" })).toHaveLength(5);
      expect(await toolsOf({ server: "files", principal: "ann" })).toHaveLength(2);
      expect(await toolsOf({ server: "mail", tool: "files/read" })).toEqual([]);
      expect(await toolsOf({ decision: "approved" })).toEqual(["ann mail/send"]);
      expect(await toolsOf({ decision: "denied" })).toEqual(["ann files/write", "bob files/read"]);
      expect(await toolsOf({ from: 200, to: 300 })).toEqual(["ann files/write"]);
    });

    test("calls come page by page, each once, also when many of one moment are passed over", async () => {
      const runs = Array.from({ length: 60 }, () => runRecord());
      await createRuns(runs);
      const journal = Array.from({ length: 100 }, (_, n) => {
        const tool = n % 50 === 7 ? "rare/tool" : "common/tool";
        return { seq: n + 1, at: 5, type: "requested", n, call: "c", tool, args: "", argsBytes: 0 } as const;
      });
      await Promise.all(runs.map(({ id }) => store.append(id, 1, journal)));
      const seen: string[] = [];
      let cursor: string | null | undefined;
      do {
        const page = await store.findCalls({ limit: 50, tool: "*/tool", ...(cursor ? { cursor } : {}) });
        seen.push(...page.calls.map(({ run, seq }) => `${run.id} ${seq}`));
        cursor = page.nextCursor;
      } while (cursor);
      expect(seen).toHaveLength(6_000);
      expect(new Set(seen)).toHaveLength(6_000);
      const rare: number[] = [];
      do {
        const page = await store.findCalls({ limit: 200, tool: "r*/tool", ...(cursor ? { cursor } : {}) });
        rare.push(...page.calls.map(({ seq }) => seq));
        cursor = page.nextCursor;
      } while (cursor);
      expect(rare.toSorted((a, b) => a - b)).toEqual([...runs.map(() => 8), ...runs.map(() => 58)]);
    });

    test.for([0, 201, 1.5])("a page of %d calls is refused", async (limit) => {
      await expect(store.findCalls({ limit })).rejects.toMatchObject({
        code: "invalid_request",
        param: "limit",
      });
    });

    test("a cursor of another list is refused for calls", async () => {
      await createRuns([runRecord(), runRecord()]);
      const { nextCursor } = await store.listRuns({ limit: 1 });
      await expect(store.findCalls({ limit: 1, cursor: nextCursor ?? "" })).rejects.toMatchObject({
        code: "invalid_request",
        param: "cursor",
      });
    });

    test("what was stored verifies, however it was appended", async () => {
      const snapshot = await store.putSnapshot("shared");
      const runs = [runRecord({ snapshot, requestKey: "key" }), runRecord({ parent: "run_p" }), runRecord()];
      await createRuns(runs);
      await store.append(runs[0]?.id ?? "", 1, everyEvent, "failed");
      for (const event of callEvents(1, { decision: "denied" }))
        await store.append(runs[1]?.id ?? "", 1, [event]);
      expect(await verify()).toEqual({ runs: 3, events: everyEvent.length + 4, broken: [], damage: [] });
      expect(await verify(runs[1]?.id)).toEqual({ runs: 1, events: 4, broken: [], damage: [] });
      expect(await verify("run_none")).toEqual({ runs: 0, events: 0, broken: [], damage: [] });
    });

    test("a verification goes through more runs and events than fit into one part", async () => {
      const runs = Array.from({ length: 2_500 }, () => runRecord());
      await createRuns(runs);
      await Promise.all(runs.slice(0, 50).map(({ id }) => store.append(id, 1, logEvents(100))));
      expect(await verify()).toEqual({ runs: 2_500, events: 5_000, broken: [], damage: [] });
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
      await Promise.all(old.map(({ id }) => store.append(id, 1, [logEvent(1)], "completed")));
      await store.append(stillWaiting.id, 1, [logEvent(1)], "waiting");
      await store.append(young.id, 1, [logEvent(1)], "cancelled");
      expect(await store.deleteRunsBefore(20)).toBe(250);
      expect(await store.deleteRunsBefore(20)).toBe(0);
      const left = (await store.listRuns({ limit: 200 })).runs.map(({ id }) => id);
      expect(left).toEqual([young.id, stillWaiting.id]);
      expect(await store.readJournal(old[0]?.id ?? "")).toEqual([]);
      expect(await store.readJournal(stillWaiting.id)).toHaveLength(1);
    });

    test("what an unfinished run started stays until that run has ended", async () => {
      const chat = runRecord({ kind: "chat", createdAt: 10 });
      const program = runRecord({ parent: chat.id, createdAt: 10 });
      const orphan = runRecord({ parent: "run_gone", createdAt: 10 });
      await createRuns([chat, program, orphan]);
      await store.append(chat.id, 1, [], "waiting");
      await store.append(program.id, 1, [], "completed");
      await store.append(orphan.id, 1, [], "completed");
      expect(await store.deleteRunsBefore(20)).toBe(1);
      await store.append(chat.id, 1, [], "completed");
      expect(await store.deleteRunsBefore(20)).toBe(2);
    });

    test("a deleted run leaves no calls to be found", async () => {
      const run = runRecord();
      await store.createRun(run);
      await store.append(run.id, 1, callEvents(1), "completed");
      await store.deleteRunsBefore(run.createdAt + 1);
      expect((await store.findCalls({ limit: 10 })).calls).toEqual([]);
    });

    test("dispose keeps what was called before it, may be repeated, and refuses what comes after", async () => {
      const run = runRecord();
      const writes = Promise.all([
        store.createRun(run),
        store.append(run.id, 1, logEvents(3)),
        store.putSnapshot("text"),
      ]);
      const disposals = [store[Symbol.asyncDispose](), store[Symbol.asyncDispose]()];
      await writes;
      await Promise.all(disposals);
      await expect(store.getRun(run.id)).rejects.toMatchObject({ code: "disposed" });
      await expect(store.createRun(runRecord())).rejects.toMatchObject({ code: "disposed" });
      await expect(store.append(run.id, 1, [logEvent(4)])).rejects.toMatchObject({ code: "disposed" });
      await expect(store.deleteRunsBefore(0)).rejects.toMatchObject({ code: "disposed" });
      await expect(store.putSnapshot("text")).rejects.toMatchObject({ code: "disposed" });
      await expect(store.findCalls({ limit: 1 })).rejects.toMatchObject({ code: "disposed" });
      await expect(verify()).rejects.toMatchObject({ code: "disposed" });
    });
  });
}
