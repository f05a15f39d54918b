/** The end of a session seals it: no worker and no answer that comes late brings anything of it to its host. */
import { describe, expect, it } from "vitest";
import {
  defaultLimits,
  type GuestCall,
  type Hold,
  type RunHost,
  type RunLimits,
  type Settlement,
} from "../../../sandbox/index.ts";
import { Session } from "../../../sandbox/session/session.ts";

/** A session that a worker has, whose words the test speaks. */
function attach({
  limits = {},
  call = () => new Promise<Settlement>(() => undefined),
}: {
  readonly limits?: Partial<RunLimits>;
  readonly call?: RunHost["call"];
} = {}) {
  const calls: number[] = [];
  const logs: string[] = [];
  const session = new Session({
    principal: "tester",
    limits: { ...defaultLimits, ...limits },
    program: { js: "", namespaces: { servers: [], locals: [] }, input: "null", seed: "seed" },
    host: {
      log: ({ text }) => void logs.push(text),
      call(guest: GuestCall, signal) {
        calls.push(guest.n);
        return call(guest, signal);
      },
    },
  });
  const take = (lease: number): void =>
    session.attach({ lease, send: () => undefined, violate: (reason) => expect.fail(reason) });
  take(1);
  return {
    session,
    calls,
    logs,
    take,
    post: (lease: number, ...posts: readonly (readonly unknown[])[]) =>
      session.receive({ type: "posts", lease, text: JSON.stringify(posts) }),
    entered: (k: number) =>
      session.receive({
        type: "entered",
        lease: 1,
        k,
        cpuMs: 1,
        heapBytes: 1,
        rejection: "",
        rejectedAt: "",
      }),
    cancel: () => session.fail({ code: "cancelled", message: "" }),
  };
}

const callOf = (n: number): readonly unknown[] => ["call", n, "lab", "echo", "{}"];
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a session that has ended", () => {
  it("hears nothing of the rest of what ended it", async () => {
    const { session, calls, logs, post } = attach({ limits: { toolCalls: 1 } });
    post(1, ["log", "log", "before"], callOf(1), callOf(2), ["log", "log", "after"]);
    expect((await session.done).type).toBe("failed");
    expect({ calls, logs }).toEqual({ calls: [1], logs: ["before"] });
  });

  it("makes no call that waited for a place, whatever its worker still says", async () => {
    const first = Promise.withResolvers<Settlement>();
    const { calls, post, entered, cancel } = attach({
      limits: { toolCallsInFlight: 1 },
      call: () => first.promise,
    });
    post(1, callOf(1), callOf(2));
    cancel();
    first.resolve({ type: "value", value: "null" });
    await turn();
    entered(0);
    post(1, callOf(3));
    expect(calls).toEqual([1]);
  });

  it("makes no call that was left for the next turn", async () => {
    const { calls, post, cancel } = attach();
    post(1, ...Array.from({ length: 40 }, (_, i) => callOf(i + 1)));
    const before = [...calls];
    expect(before.length).toBeLessThan(40);
    cancel();
    await turn();
    expect(calls).toEqual(before);
  });

  it("makes no call that a person decides afterwards", async () => {
    const decided = Promise.withResolvers<() => Promise<Settlement>>();
    const hold: Hold = { type: "held", decided: decided.promise };
    const { post, cancel } = attach({ call: async () => hold });
    post(1, callOf(1));
    await turn();
    cancel();
    let made = 0;
    decided.resolve(async () => {
      made += 1;
      return { type: "value", value: "null" };
    });
    await turn();
    expect(made).toBe(0);
  });
});

describe("a session that has another worker", () => {
  it("hears nothing from the one before", () => {
    const { session, calls, take, post } = attach();
    session.detach(undefined);
    take(2);
    post(1, callOf(1));
    expect(calls).toEqual([]);
    post(2, callOf(1));
    expect(calls).toEqual([1]);
    session.fail({ code: "cancelled", message: "" });
  });
});

describe("a session whose worker died", () => {
  it("while it only waited is under no suspicion, however often", () => {
    const { session } = attach();
    for (let deaths = 0; deaths < 10; deaths++) expect(session.detach(undefined)).toBe(true);
    expect(session).toMatchObject({ solo: false, ended: false });
    session.fail({ code: "cancelled", message: "" });
  });

  it("of a crash while it worked goes on alone, and after the second is the cause", async () => {
    const { session } = attach();
    expect(session.detach("crash")).toBe(true);
    expect(session).toMatchObject({ solo: true, ended: false });
    expect(session.detach("crash")).toBe(false);
    expect(await session.done).toMatchObject({
      failure: { code: "engine_crashed", message: expect.stringContaining("died twice") },
    });
  });

  it("by a kill from outside goes on alone after the second, and after the fifth is the cause", async () => {
    const { session } = attach();
    const alone = [1, 2, 3, 4].map(() => [session.detach("kill"), session.solo]);
    expect(alone).toEqual([
      [true, false],
      [true, true],
      [true, true],
      [true, true],
    ]);
    expect(session.detach("kill")).toBe(false);
    expect(await session.done).toMatchObject({
      failure: { code: "engine_crashed", message: expect.stringContaining("killed 5 times") },
    });
  });
});
