/** What every implementation of the port must do, for as many processes on one store as it allows. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Claim, isElsewhere, type Ownership } from "../../../src/runs/live/ownership.ts";
import { FIRST_TERM, type Store } from "../../../src/store/store.ts";
import { logEvent, runRecord } from "../../store/records.ts";

export interface OwnershipUnderTest extends AsyncDisposable {
  readonly store: Store;
  /** Of one process. */
  readonly one: Ownership;
}

export interface SharedOwnership extends OwnershipUnderTest {
  /** Of another one on the same store. */
  readonly other: Ownership;
  /** Makes the first process one that others have declared dead. `knows`: whether it is told. */
  readonly end: (knows: boolean) => Promise<void> | void;
}

/** `open` gives a process, or two that share a store, on an empty store each time. */
export function ownershipContract(
  name: string,
  open: { alone(): Promise<OwnershipUnderTest> } | { together(): Promise<SharedOwnership> },
): void {
  describe(`${name}: the contract of ownership`, () => {
    let tested: OwnershipUnderTest;
    let both: SharedOwnership;
    beforeEach(async () => {
      if ("alone" in open) tested = await open.alone();
      else {
        both = await open.together();
        tested = both;
      }
    });
    afterEach(() => tested[Symbol.asyncDispose]());

    async function claimed(ownership: Ownership, run: string): Promise<Claim> {
      const claim = await ownership.claim(run);
      return isElsewhere(claim) ? expect.fail(`${run} is owned by ${claim.ownedBy}`) : claim;
    }

    /** A run that the first process has created, and let go of. */
    async function runAtRest(status: "running" | "waiting" = "waiting"): Promise<string> {
      const { store, one } = tested;
      const run = runRecord();
      const claim = one.begin(run.id);
      await store.createRun(run);
      await store.append(run.id, claim.term, [logEvent(1)], status);
      await claim.release();
      return run.id;
    }

    test("who creates a run owns it in its first term, and may append to it", async () => {
      const { store, one } = tested;
      const run = runRecord();
      const claim = one.begin(run.id);
      expect(claim.term).toBe(FIRST_TERM);
      await store.createRun(run);
      await store.append(run.id, claim.term, [logEvent(1)], "running");
      expect(await claim.isHeld()).toBe(true);
      expect(claim.lost.aborted).toBe(false);
      await claim.release();
    });

    test("a run that was released can be claimed, appended to and released again, any number of times", async () => {
      const { store, one } = tested;
      const run = await runAtRest();
      for (let seq = 2; seq <= 4; seq += 1) {
        const claim = await claimed(one, run);
        await store.append(run, claim.term, [logEvent(seq)]);
        await claim.release();
        await claim.release();
      }
      expect(await store.readJournal(run)).toHaveLength(4);
    });

    test("what nobody owns and is not at rest is wanting, until somebody claims it and it rests", async () => {
      const { store, one } = tested;
      const [left] = [await runAtRest("running"), await runAtRest("waiting")];
      const wanting = async (): Promise<readonly string[]> => (await one.wanting()).map(({ id }) => id);
      expect(await wanting()).toEqual([left]);
      const claim = await claimed(one, left);
      await store.append(left, claim.term, [logEvent(2)], "completed");
      await claim.release();
      expect(await wanting()).toEqual([]);
    });

    if ("alone" in open) return;

    test("of many that claim at once one is granted it, and the others hear who", async () => {
      const { one, other } = both;
      const run = await runAtRest();
      const found = await Promise.all([one, other, one, other, other].map((each) => each.claim(run)));
      const granted = found.filter((claim) => !isElsewhere(claim));
      expect(granted).toHaveLength(1);
      expect(new Set(found.flatMap((claim) => (isElsewhere(claim) ? claim.ownedBy : [])))).toHaveProperty(
        "size",
        1,
      );
    });

    test("a claim fails while another holds it, and succeeds once that was released", async () => {
      const { store, one, other } = both;
      const run = await runAtRest();
      const first = await claimed(one, run);
      const found = await other.claim(run);
      if (!isElsewhere(found)) return expect.fail("two own it");
      expect((await other.wanting()).map(({ id }) => id)).toEqual([]);
      const append = store.append(run, first.term, [logEvent(2)]);
      await first.release();
      let second = await other.claim(run);
      while (isElsewhere(second)) {
        await second.released();
        second = await other.claim(run);
      }
      await append;
      expect(second.term).toBeGreaterThan(first.term);
      // What the earlier owner had appended is there.
      await store.append(run, second.term, [logEvent(3)]);
      expect(await store.readJournal(run)).toHaveLength(3);
    });

    test("who waits for a release hears of it, or leaves", async () => {
      const { one, other } = both;
      const run = await runAtRest();
      await claimed(one, run);
      const found = await other.claim(run);
      if (!isElsewhere(found)) return expect.fail("two own it");
      const reason = new Error("left");
      await expect(found.released(AbortSignal.abort(reason))).rejects.toThrow();
    });

    test("a process that was declared dead loses its runs: it can append nothing, and knows it before a call", async () => {
      const { store, one, other, end } = both;
      const run = await runAtRest("running");
      const first = await claimed(one, run);
      let isWanting = false;
      const leave = other.onWanting(() => {
        isWanting = true;
      });
      await end(false);
      expect(isWanting).toBe(true);
      leave();
      expect((await other.wanting()).map(({ id }) => id)).toEqual([run]);
      const second = await claimed(other, run);
      expect(second.term).toBeGreaterThan(first.term);
      await expect(store.append(run, first.term, [logEvent(2, "late")])).rejects.toMatchObject({
        code: "run_lost",
      });
      expect(await first.isHeld()).toBe(false);
      expect(first.lost.aborted).toBe(true);
      // It takes nothing from the present owner.
      await first.release();
      await store.append(run, second.term, [logEvent(2)]);
      expect(await second.isHeld()).toBe(true);
      expect((await other.wanting()).map(({ id }) => id)).toEqual([]);
    });

    test("a process that hears of its own end is told of each run that it lost", async () => {
      const { one, end } = both;
      const run = await runAtRest();
      const claim = await claimed(one, run);
      await end(true);
      expect(claim.lost.aborted).toBe(true);
      expect(await claim.isHeld()).toBe(false);
    });
  });
}
