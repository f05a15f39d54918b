/** A sandbox that refuses programs: an error before the first program ran, words in the answer afterwards. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defaultLimits } from "../../sandbox/limits.ts";
import { createChatEngine } from "../../src/chat/engine.ts";
import type { ChatEvent } from "../../src/chat/events.ts";
import type { Core } from "../../src/core.ts";
import { ToolariumError } from "../../src/errors.ts";
import { createLog } from "../../src/log.ts";
import type { ChatModel } from "../../src/upstream/model.ts";
import { openCore } from "../helpers/core.ts";

let core: Core;
beforeAll(async () => {
  core = await openCore([]);
});
afterAll(() => core[Symbol.asyncDispose]());

interface Outcome {
  readonly events: readonly ChatEvent[];
  readonly error: unknown;
  /** The status of the run. */
  readonly end: string | undefined;
}

/** Asks a model that never stops calling `run_code`, with a sandbox that takes this many programs. */
async function converse(programsTaken: number, callsPerTurn = 1): Promise<Outcome> {
  let taken = 0;
  const model: ChatModel = {
    name: "test/m",
    async *stream() {
      for (let index = 0; index < callsPerTurn; index += 1) {
        yield { type: "tool-call-start", index, id: `up_${index}`, name: "run_code", fields: {} };
        yield { type: "tool-call-arguments", index, text: '{"code":"return 1"}' };
      }
      yield { type: "finish", reason: "tool_calls", usage: null, response: {} };
    },
  };
  const { runner } = core;
  const engine = createChatEngine({
    log: createLog("silent"),
    reattachMs: 0,
    config: {
      agent: { maxTurns: 5, resultTokens: 4_000 },
      limits: defaultLimits,
      declarations: { tokenBudget: 4_000, learn: false },
    },
    models: {
      list: () => [],
      resolve: () => ({ model, provider: "test", modeSuffix: undefined }),
      async [Symbol.asyncDispose]() {},
    },
    runner: {
      catalog: () => runner.catalog(),
      openChat: (request) => runner.openChat(request),
      decide: (decision) => runner.decide(decision),
      cancel: (id, viewer) => runner.cancel(id, viewer),
      settlement: (id, call) => runner.settlement(id, call),
      borrowChat: (id, principal, signal) => runner.borrowChat(id, principal, signal),
      findChat: (principal, mark) => runner.findChat(principal, mark),
      programAtRest: (id) => runner.programAtRest(id),
      reader: runner.reader,
      async start(request) {
        taken += 1;
        if (taken > programsTaken) throw new ToolariumError("queue_full");
        return runner.start(request);
      },
    },
  });
  const events: ChatEvent[] = [];
  let error: unknown;
  try {
    const answer = engine.run({
      principal: "p",
      keyName: null,
      mayDecide: true,
      policy: { layers: [] },
      mode: "code",
      asksForMode: true,
      mark: { key: null, bodyHash: "" },
      isRetry: false,
      isFresh: false,
      model: "m",
      tools: [],
      choices: 1,
      messages: [{ role: "user" }],
      stream: false,
      limits: { maxTurns: 3, maxToolCalls: Infinity, maxWallMs: Infinity },
      wantsProgress: false,
      params: {},
      signal: new AbortController().signal,
    });
    for await (const event of answer) events.push(event);
  } catch (caught) {
    error = caught;
  }
  const [started] = events;
  const run = started?.type === "started" ? (started.runId ?? "") : "";
  const end = (await core.runner.reader.report(run, { principal: "p", admin: false }))?.status;
  return { events, error, end };
}

describe("a full queue", () => {
  test("at the first program refuses the request with its own status, and fails the run", async () => {
    const { events, error, end } = await converse(0);
    expect(error).toMatchObject({ code: "queue_full", status: 503 });
    expect(events.map(({ type }) => type)).toEqual(["started"]);
    expect(end).toBe("failed");
  });

  test.each([
    ["at a later program", 1, 1],
    ["at one of several programs of a turn", 1, 2],
  ])("%s ends the answer in words", async (_, taken, callsPerTurn) => {
    const { events, error, end } = await converse(taken, callsPerTurn);
    expect(error).toBeUndefined();
    expect(events.at(-1)).toMatchObject({ type: "finish", reason: "stop", stopReason: "queue_full" });
    expect(events.at(-2)).toMatchObject({
      type: "text-delta",
      text: expect.stringContaining("queue is full"),
    });
    expect(end).toBe("failed");
  });
});
