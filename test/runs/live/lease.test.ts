/** The host's half of a program: how long its calls may take, and that nothing of them is recorded once it is over. */
import { describe, expect, it, vi } from "vitest";
import type { Hold, Settlement } from "../../../sandbox/index.ts";
import { createLog } from "../../../src/log.ts";
import { createLease } from "../../../src/runs/live/lease.ts";
import { createJournal } from "../../../src/runs/live/live-journal.ts";
import { buildCatalog } from "../../../src/tools/catalog.ts";
import type { GateCall, GateOutcome } from "../../../src/tools/gate/gate-call.ts";
import { settle } from "../../../src/tools/settlement.ts";
import { runRecord } from "../../store/records.ts";

const CALL_TIMEOUT_MS = 5_000;

/** A lease of a run with so much time left, over a gate that does what the test says. */
function open(leftMs: number, act: (gate: GateCall) => Promise<GateOutcome>) {
  const log = createLog("silent");
  const nothing = async (): Promise<void> => undefined;
  const store = {
    ...{ createRun: async () => "", append: nothing, flush: nothing },
    getRun: async () => undefined,
    readJournal: async () => [],
  };
  const journal = createJournal({ store, run: runRecord(), log });
  const timeouts: number[] = [];
  const none = (): never => expect.fail("only calls are made here");
  const lease = createLease({
    journal: () => journal,
    bridge: {
      call(gate) {
        timeouts.push(gate.timeoutMs);
        return act(gate);
      },
      ...{ resume: none, decide: none, canonical: none },
    },
    log,
    gate: ({ n, tool, args }, rest) => ({
      ...{ ...rest, n, id: `call_${n}`, tool, args, principal: "local", consent: "ask", resultBytes: 1_000 },
      ...{ catalog: buildCatalog([], { readOnly: [], idempotent: [] }), policy: { layers: [] } },
      spelling: "program",
    }),
    openCall: () => undefined,
    leftMs: () => leftMs,
    callTimeoutMs: CALL_TIMEOUT_MS,
    onPending: none,
    onStarted: () => 0,
  });
  const { signal } = new AbortController();
  const call = (): Promise<Settlement | Hold> =>
    lease.host.call({ n: 1, server: "lab", tool: "wait", args: "{}" }, signal);
  return { lease, journal, timeouts, call };
}

const timedOut = async (): Promise<GateOutcome> => ({
  type: "failure",
  failure: { kind: "timeout", message: "no answer" },
});

/** What it has come to once everything that was ready to happen has happened. */
async function settledBy(promise: Promise<unknown>): Promise<unknown> {
  return Promise.race([promise, new Promise((resolve) => setImmediate(resolve, "still open"))]);
}

describe("a call of a program", () => {
  it.each([
    [60_000, 5_000, "as long as the configuration says"],
    [5_400, 4_900, "until half a second before the run's deadline"],
    [550, 100, "a tenth of a second, however little is left"],
    [-20, 100, "a tenth of a second, also where nothing is left"],
  ])("of a run with %d ms left may take %d ms: %s", async (leftMs, timeoutMs) => {
    const { call, timeouts } = open(leftMs, timedOut);
    void call();
    expect(timeouts).toEqual([timeoutMs]);
  });

  it("that took all the time a call may have is told to the program as its timeout", async () => {
    expect(await settledBy(open(60_000, timedOut).call())).toMatchObject({
      type: "error",
      error: { kind: "timeout", server: "lab", tool: "wait" },
    });
  });

  it("may be extended by progress until half a second before the run's deadline, and is told to nobody then", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    try {
      const longest: unknown[] = [];
      const { call } = open(8_000, async (gate) => {
        longest.push(gate.leftMs);
        vi.advanceTimersByTime(7_500);
        return timedOut();
      });
      expect(await settledBy(call())).toBe("still open");
      expect(longest).toEqual([7_500]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("that the run's deadline cut short is told to nobody: the run ends in a moment", async () => {
    expect(await settledBy(open(5_000, timedOut).call())).toBe("still open");
  });

  it("that failed otherwise is told, however little time is left", async () => {
    const denied = async (): Promise<GateOutcome> => ({
      type: "failure",
      failure: { kind: "denied", message: "no" },
    });
    expect(await settledBy(open(50, denied).call())).toMatchObject({ error: { kind: "denied" } });
  });
});

describe("a lease that is over", () => {
  it("records nothing that its calls still come to", async () => {
    const answered = Promise.withResolvers<void>();
    const { lease, journal, call } = open(60_000, async (gate) => {
      const { n, id, tool, args } = gate;
      gate.journal.append({ type: "requested", n, call: id, tool, args, argsBytes: 2 });
      await answered.promise;
      gate.journal.append({ type: "started", n, call: id, tool, argsHash: "", readOnly: false });
      return settle(gate, { ok: true, value: "1" });
    });
    const late = call();
    lease.close();
    answered.resolve();
    await late;
    expect(lease.host.deliver?.(1, { type: "value", value: "1" })).toBeUndefined();
    expect(journal.events.map(({ type }) => type)).toEqual(["requested"]);
  });
});
