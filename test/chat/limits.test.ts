/** Limits of one answer: turns, tool calls and time, by configuration, key and request. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Fields } from "../../src/upstream/model.ts";
import { until } from "../helpers/until.ts";
import { chunk, stream } from "../upstream/helpers/provider.ts";
import type { TestChat } from "./helpers/chat.ts";
import { conversation, type ScriptedTurn, type Stage, startStage } from "./helpers/scripted.ts";
import { readStrictly } from "./helpers/strict-stream.ts";

let stage: Stage;
let chat: TestChat;
beforeAll(async () => {
  stage = await startStage({
    maxTurns: 5,
    keys: [
      { name: "free", key: "k-free" },
      { name: "narrow", key: "k-narrow", agent: { maxTurns: 2, maxToolCalls: 3 } },
    ],
  });
  chat = stage.chat;
});
afterAll(() => stage[Symbol.asyncDispose]());

const user = { role: "user", content: "go" } as const;
const ask = (rest: Fields, key = "k-free") =>
  chat.ask(
    { model: "test/m:agent", messages: [user], ...rest },
    { headers: { authorization: `Bearer ${key}` } },
  );
const look = (...items: readonly string[]): ScriptedTurn => ({
  calls: items.map((item) => ["shop__stock", { item }] as const),
});
const program = (code: string): ScriptedTurn => ({ calls: [["run_code", { code }]] });
const three = program("for (const item of ['a', 'b', 'c']) await shop.stock({ item });\nreturn 'all';");

describe("turns", () => {
  test("are as many as the deployment allows, fewer for a key, fewer still for a request", async () => {
    const turnsOf = async (rest: Fields, key?: string): Promise<number> => {
      const asked = stage.play(...Array<ScriptedTurn>(9).fill({ calls: [["shop__items", {}]] }));
      const { body } = await ask(rest, key);
      expect(body.toolarium.stop_reason).toBe("max_turns");
      return asked.length;
    };
    expect(await turnsOf({})).toBe(5);
    expect(await turnsOf({}, "k-narrow")).toBe(2);
    expect(await turnsOf({ toolarium: { maxTurns: 1 } }, "k-narrow")).toBe(1);
    expect(await turnsOf({ extra_body: { toolarium: { maxTurns: 3 } } })).toBe(3);
  });

  test.each<[Fields, string, string]>([
    [{ maxTurns: 6 }, "k-free", "toolarium.maxTurns may be at most 5 here, 6 was asked for."],
    [{ maxTurns: 3 }, "k-narrow", "toolarium.maxTurns may be at most 2 here, 3 was asked for."],
    [{ maxToolCalls: 4 }, "k-narrow", "toolarium.maxToolCalls may be at most 3 here, 4 was asked for."],
  ])("a request that wants more than it may have is refused: %j", async (toolarium, key, message) => {
    const asked = stage.play("done");
    const { status, body } = await ask({ toolarium }, key);
    expect(status).toBe(400);
    expect(body.error).toMatchObject({ code: "limit_above_ceiling", param: "toolarium", message });
    expect(asked).toHaveLength(0);
  });

  test.each([{ maxTurns: 0 }, { maxToolCalls: -1 }, { maxWallMs: 1.5 }, { maxturns: 1 }])(
    "a limit that is none is refused: %j",
    async (toolarium) => {
      const { status, body } = await ask({ toolarium });
      expect([status, body.error.param]).toEqual([400, "toolarium"]);
    },
  );

  test("the provider sees nothing of them", async () => {
    const asked = stage.play("done");
    await ask({ toolarium: { maxTurns: 1 } });
    expect(asked[0]?.body).not.toHaveProperty("toolarium");
  });
});

describe("tool calls", () => {
  test("that the model makes itself: those beyond the limit are not made, and the answer ends with its turn", async () => {
    const asked = stage.play(look("a", "b"), look("c", "d"), "never asked");
    const { status, body } = await ask({ toolarium: { maxToolCalls: 3 } });
    expect(status).toBe(200);
    expect(chat.shop.calls.map(([, args]) => args)).toEqual([{ item: "a" }, { item: "b" }, { item: "c" }]);
    expect(asked).toHaveLength(2);
    expect(body.toolarium).toMatchObject({
      stop_reason: "budget",
      steps: [
        { status: "ok" },
        { status: "ok" },
        { status: "ok" },
        {
          status: "error",
          error: { kind: "denied", message: expect.stringContaining("at most 3 tool calls") },
        },
      ],
    });
  });

  test("end an answer with the reason budget, in words, whole and streamed", async () => {
    const limits = { toolarium: { maxToolCalls: 1 } };
    stage.play(look("a"), look("b"), "never asked");
    const { body } = await ask(limits);
    expect(body.choices[0]).toMatchObject({
      finish_reason: "stop",
      message: { content: "[Stopped by a limit of this request: maxToolCalls is 1.]" },
    });
    expect(body.toolarium.stop_reason).toBe("budget");
    stage.play(look("a"), look("b"), "never asked");
    const response = await chat.post(
      { model: "test/m:agent", messages: [user], stream: true, ...limits },
      { headers: { authorization: "Bearer k-free", "x-toolarium-steps": "true" } },
    );
    const streamed = readStrictly(await response.text());
    expect(streamed).toMatchObject({ reason: "stop", isDone: true });
    expect(streamed.vendor.at(-1)).toMatchObject({ stop_reason: "budget" });
  });

  test("are reported the same way in a replay", async () => {
    const asked = stage.play(look("a"), look("b"), "never asked");
    const headers = { authorization: "Bearer k-free", "idempotency-key": "again" };
    const body = { model: "test/m:agent", messages: [user], toolarium: { maxToolCalls: 1 } };
    const first = await chat.ask(body, { headers });
    const again = await chat.ask(body, { headers });
    expect(again.body.choices).toEqual(first.body.choices);
    expect(again.body.toolarium.stop_reason).toBe("budget");
    expect([asked.length, chat.shop.calls.length]).toEqual([2, 1]);
  });

  test("exactly as many as allowed leave the model its last turn", async () => {
    stage.play(look("a"), "done");
    const { body } = await ask({ toolarium: { maxToolCalls: 1 } });
    expect(body.choices[0].message.content).toBe("done");
    expect(body.toolarium).not.toHaveProperty("stop_reason");
  });

  test("of programs count as well: a program gets what is left, and no more", async () => {
    const asked = stage.play(three, three, "never asked");
    const { body } = await ask({ model: "test/m:code", toolarium: { maxToolCalls: 4 } });
    expect(chat.shop.calls).toHaveLength(4);
    expect(asked).toHaveLength(2);
    expect(body.toolarium).toMatchObject({
      stop_reason: "budget",
      steps: [{ status: "completed" }, { status: "failed", error: { code: "too_many_calls" } }],
    });
  });

  test("of one turn run together, at most as many at once as in a program", async () => {
    const atOnce = chat.gateway.config.limits.toolCallsInFlight;
    const asked = stage.play({ calls: Array(atOnce + 8).fill(["shop__slow", {}]) }, "done");
    const answering = ask({});
    await until("the first ones are held", () => chat.shop.calls.length === atOnce);
    chat.shop.open();
    const { body } = await answering;
    expect(body.choices[0].message.content).toBe("done");
    expect(chat.shop.calls).toHaveLength(atOnce + 8);
    expect(conversation(asked[1]).filter(({ role }) => role === "tool")).toHaveLength(atOnce + 8);
  });
});

describe("time", () => {
  const limits = { toolarium: { maxWallMs: 150 } };

  test("ends a turn that takes too long: its text is kept, and the provider's request is aborted", async () => {
    const asked = stage.play((response) => stream(response, [chunk({ content: "Once upon" })], false));
    const response = await chat.post(
      { model: "test/m:agent", messages: [user], stream: true, ...limits },
      { headers: { authorization: "Bearer k-free" } },
    );
    const answer = readStrictly(await response.text());
    expect(answer).toMatchObject({ reason: "stop", isDone: true });
    expect(answer.text).toBe("Once upon\n\n[Stopped by a limit of this request: maxWallMs is 150.]");
    await until("the provider is left", () => asked[0]?.abandoned === true);
  });

  test("ends a program that runs too long, and the answer with it", async () => {
    stage.play(program("await sleep(60_000);"), "never asked");
    const { body } = await ask({ model: "test/m:code", ...limits });
    expect(body.toolarium).toMatchObject({
      stop_reason: "budget",
      steps: [{ status: "failed", error: { code: "wall_timeout" } }],
    });
  });
});
