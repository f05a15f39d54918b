import { describe, expect, it } from "vitest";
import { type Capacity, type Place, placeRun } from "../../../sandbox/pool/placement.ts";

const capacity: Capacity = { workers: 2, most: 5, runsPerWorker: 3, starting: 0, parkAfterMs: 100 };
const annsRun = { principal: "ann", solo: false };

function worker(principal: string | null, load = 0, more: Partial<Place> = {}): Place {
  return { principal, closed: false, load, quietMs: 0, ...more };
}

describe("a run of a principal", () => {
  it("takes the idle worker of its principal before a free one", () => {
    const own = worker("ann");
    expect(placeRun(annsRun, [worker(null), own], capacity)).toEqual({ place: own });
  });

  it("takes a free worker before a place beside other runs of its principal", () => {
    const free = worker(null);
    expect(placeRun(annsRun, [worker("ann", 1), free], capacity)).toEqual({ place: free });
  });

  it("shares the least loaded worker of its principal when all that may be in use are", () => {
    const lighter = worker("ann", 1);
    const places = [worker("ann", 2), lighter, worker(null)];
    expect(placeRun(annsRun, places, capacity)).toEqual({ place: lighter });
  });

  it("never takes a worker of another principal, one that is closed or one that is full", () => {
    const places = [worker("ben", 1), worker("ann", 3), worker("ann", 0, { closed: true })];
    expect(placeRun(annsRun, places, capacity)).toEqual({});
  });

  it("exceeds the count with the warm worker when its principal has none", () => {
    const free = worker(null);
    const places = [worker("ben", 1), worker("cleo", 1), free];
    expect(placeRun(annsRun, places, capacity)).toEqual({ place: free });
  });

  it("waits when its principal's workers are full, and leaves the warm one to a newcomer", () => {
    const places = [worker("ben", 1), worker("ann", 3), worker(null)];
    expect(placeRun(annsRun, places, capacity)).toEqual({});
  });

  it("takes the warm worker and ends an idle one of another principal", () => {
    const [idle, free] = [worker("ben"), worker(null)];
    const { place, evicted } = placeRun(annsRun, [idle, worker("ann", 3), free], capacity);
    expect(place).toBe(free);
    expect(evicted).toEqual({ place: idle, reason: "another principal needs its place" });
  });
});

describe("a run of a newcomer, when there are as many workers as there may be", () => {
  const busy = ["ben", "cleo", "dan", "eve"].map((principal) => worker(principal, 1));

  it("waits for the worker whose runs have waited longest to be parked", () => {
    const longest = worker("fay", 2, { quietMs: 300 });
    const places = [...busy.slice(1), worker("gus", 1, { quietMs: 200 }), longest];
    const { place, evicted } = placeRun(annsRun, places, capacity);
    expect(place).toBeUndefined();
    expect(evicted).toEqual({ place: longest, reason: "its runs are parked" });
  });

  it("ends an idle worker before it parks anybody", () => {
    const idle = worker("fay");
    const places = [...busy.slice(1), worker("gus", 1, { quietMs: 200 }), idle];
    expect(placeRun(annsRun, places, capacity).evicted?.place).toBe(idle);
  });

  it("parks nobody who has waited for a shorter time, while a worker starts, or when more may start", () => {
    const short = [...busy, worker("fay", 1, { quietMs: 99 })];
    expect(placeRun(annsRun, short, capacity)).toEqual({});
    const long = [...busy, worker("fay", 1, { quietMs: 100 })];
    expect(placeRun(annsRun, long, capacity).evicted?.place).toBe(long[4]);
    expect(placeRun(annsRun, long, { ...capacity, starting: 1 })).toEqual({});
    expect(placeRun(annsRun, long, { ...capacity, most: 6 })).toEqual({});
  });
});

describe("a run that must be alone", () => {
  it("takes a free worker only, and ends none for it", () => {
    const free = worker(null);
    const solo = { principal: "ann", solo: true };
    expect(placeRun(solo, [worker("ann"), free], capacity)).toEqual({ place: free });
    expect(placeRun(solo, [worker("ann"), worker("ben")], capacity)).toEqual({ place: undefined });
  });
});

describe("a run without a principal", () => {
  it("takes a free worker, else the first that is neither closed nor full", () => {
    const run = { principal: null, solo: false };
    const [free, open] = [worker(null), worker("ben", 2)];
    const taken = [worker("ann", 3), worker("ann", 0, { closed: true }), open];
    expect(placeRun(run, [...taken, free], capacity)).toEqual({ place: free });
    expect(placeRun(run, taken, capacity)).toEqual({ place: open });
  });
});
