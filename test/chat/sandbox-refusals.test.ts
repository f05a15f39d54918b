/** A sandbox that takes no program: an error before anything ran, words afterwards. */
import { describe, expect, test } from "vitest";
import { defaultLimits } from "../../sandbox/limits.ts";
import { type ChatEvent, createChatEngine } from "../../src/chat/engine.ts";
import { ToolariumError } from "../../src/errors.ts";
import { createLog } from "../../src/log.ts";
import type { Report } from "../../src/runs/report.ts";
import { buildCatalog } from "../../src/tools/catalog.ts";
import type { ChatModel } from "../../src/upstream/model.ts";

interface Outcome {
  readonly events: readonly ChatEvent[];
  readonly error: unknown;
  readonly end: string | undefined;
}

/** Asks a model that never stops calling `run_code`, with a sandbox that takes this many programs. */
async function converse(programsTaken: number, callsPerTurn = 1): Promise<Outcome> {
  let taken = 0;
  let end: string | undefined;
  const report = { id: "run_p", status: "completed", result: 1, error: null, logs: [], diagnostics: [] };
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
  const engine = createChatEngine({
    log: createLog("silent"),
    config: {
      agent: { maxTurns: 5 },
      limits: defaultLimits,
      declarations: { tokenBudget: 4_000, learn: false },
    },
    renderDeclarations: () => "",
    models: {
      list: () => [],
      resolve: () => ({ model, modeSuffix: undefined }),
      async [Symbol.asyncDispose]() {},
    },
    runner: {
      catalog: () => buildCatalog([], { readOnly: [], idempotent: [] }),
      async start() {
        taken += 1;
        if (taken > programsTaken) throw new ToolariumError("queue_full");
        return {
          id: "run_p",
          done: Promise.resolve(report as unknown as Report),
          report: () => report as unknown as Report,
          cancel() {},
          async *events() {},
        };
      },
      async openCalls() {
        return {
          id: "run_c",
          call: async () => ({ type: "value", call: "", value: null }),
          async end(status) {
            end = status;
          },
        };
      },
    },
  });
  const events: ChatEvent[] = [];
  let error: unknown;
  try {
    const request = {
      principal: "p",
      policy: { layers: [] },
      mode: "code",
      model: "m",
      tools: [],
      choices: 1,
    } as const;
    const rest = {
      messages: [{ role: "user" }],
      stream: false,
      params: {},
      signal: new AbortController().signal,
    };
    for await (const event of engine.run({ ...request, ...rest })) events.push(event);
  } catch (caught) {
    error = caught;
  }
  return { events, error, end };
}

describe("a full queue", () => {
  test("at the first program is a refusal with its own status, and the run has failed", async () => {
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
