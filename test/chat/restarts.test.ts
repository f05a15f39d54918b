/** Chats across a restart of the gateway: pending calls still wait, and interrupted answers can be resumed. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Fields } from "../../src/upstream/model.ts";
import { until } from "../helpers/until.ts";
import { conversation, type ScriptedTurn, type Stage, startStage } from "./helpers/scripted.ts";

const folder = mkdtempSync(join(tmpdir(), "toolarium-"));
const keys = [
  { name: "bot", key: "k-bot", principal: "team" },
  { name: "boss", key: "k-boss", principal: "team", may: ["decide"] },
  { name: "runner", key: "k-runner", principal: "team", may: ["run"] },
  { name: "stranger", key: "k-stranger", principal: "others" },
] as const;
let stage: Stage;
beforeAll(async () => {
  stage = await startStage({ store: join(folder, "runs.db"), keys: keys.map((key) => ({ ...key })) });
});
afterEach(() => stage.chat.shop.open());
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

let count = 0;
function fresh(mode: "agent" | "code"): Fields {
  count += 1;
  return { model: "test/m", mode, messages: [{ role: "user", content: `go ${count}` }] };
}
const as = (name: string, headers: Record<string, string> = {}) => ({
  headers: { authorization: `Bearer k-${name}`, ...headers },
});
const auth = (name: string): Record<string, string> => as(name).headers;
const approve = '{"toolarium_decision":"approve"}';
const tool = (id: string, content: unknown): Fields => ({ role: "tool", tool_call_id: id, content });
const buying: { readonly [mode in "agent" | "code"]: ScriptedTurn } = {
  agent: { calls: [["shop__order", { item: "pear" }]] },
  code: { calls: [["run_code", { code: "return await shop.order({ item: 'pear' })" }]] },
};

async function pause(mode: "agent" | "code", ...rest: readonly ScriptedTurn[]) {
  const asked = stage.play(buying[mode], ...rest);
  const request = fresh(mode);
  const { body: answer } = await stage.chat.ask(request, as("bot"));
  const [{ message }] = answer.choices;
  const id: string = message.tool_calls[0].id;
  const back = (...messages: readonly Fields[]): Fields => ({
    ...request,
    messages: [...(request["messages"] as Fields[]), message, ...messages],
  });
  const owner = `run_${id.slice(5, 27)}`;
  return { asked, id, back, owner, run: answer.toolarium.run_id as string };
}

describe.each(["agent", "code"] as const)("a call that waits in %s mode", (mode) => {
  test("is approved by a tool message after a restart", async () => {
    const { asked, id, back } = await pause(mode, "done");
    const chat = await stage.restart();
    const { body: answer } = await chat.ask(back(tool(id, approve)), as("bot"));
    expect(answer.choices[0].message.content).toBe("done");
    expect(JSON.stringify(conversation(asked[1]))).toContain("ordered");
    expect(chat.shop.calls).toEqual([["order", { item: "pear" }]]);
  });

  test("is approved natively by another key of the principal, before a restart and the resumption", async () => {
    const { id, back, owner } = await pause(mode, "done");
    const decided = await stage.chat.send(
      `/v1/runs/${owner}/calls/${id}`,
      { decision: "approve" },
      auth("boss"),
    );
    expect(decided.status).toBe(200);
    expect(stage.chat.shop.calls).toHaveLength(1);
    const chat = await stage.restart();
    const { body: answer } = await chat.ask(back(), as("bot"));
    expect(answer.choices[0].message.content).toBe("done");
    expect(chat.shop.calls).toEqual([]);
  });

  test("is listed for its own principal only", async () => {
    const { id, back } = await pause(mode, "never");
    const listed = async (name: string): Promise<unknown[]> =>
      (await stage.chat.send("/v1/approvals", undefined, auth(name))).body.data.map(
        ({ call }: Fields) => call,
      );
    expect(await listed("boss")).toContain(id);
    expect(await listed("stranger")).not.toContain(id);
    const foreign = await stage.chat.ask(back(tool(id, "mine now")), as("stranger"));
    expect([foreign.status, foreign.body.error.code]).toEqual([400, "unknown_call"]);
  });

  test("cannot be approved by a key with only the right `run`, which may give its result", async () => {
    const { id, back } = await pause(mode, "done");
    const refused = await stage.chat.ask(back(tool(id, approve)), as("runner"));
    expect([refused.status, refused.body.error.code]).toEqual([403, "forbidden"]);
    const { body: answer } = await stage.chat.ask(back(tool(id, "ordered by phone")), as("runner"));
    expect(answer.choices[0].message.content).toBe("done");
    expect(stage.chat.shop.calls).toEqual([]);
  });

  test("is refused when the tool is not allowed any more: by the configuration, or by the resuming request", async () => {
    const first = await pause(mode, "sorry");
    const narrow = { ...first.back(tool(first.id, approve)), tools_filter: ["shop/items"] };
    const { body: answer } = await stage.chat.ask(narrow, as("bot"));
    expect(answer.choices[0].message.content).toBe("sorry");
    expect(JSON.stringify(conversation(first.asked[1]))).toContain("tools_filter");

    const second = await pause(mode, "sorry");
    const chat = await stage.restart({ tools: { allow: ["shop/items"] } });
    const later = await chat.ask(second.back(tool(second.id, approve)), as("bot"));
    expect([later.status, later.body.error.code]).toEqual([400, "tool_not_allowed"]);
    expect(chat.shop.calls).toEqual([]);
    await stage.restart();
  });

  test("expires, and its id is unknown from then on", async () => {
    const { id, back, run } = await pause(mode, "never");
    const chat = await stage.restart({ approvalExpiresMs: 1 });
    await until("the chat has expired", async () => {
      const { body: report } = await chat.send(`/v1/sandbox/runs/${run}`, undefined, auth("bot"));
      return report.error?.code === "approval_expired";
    });
    const late = await chat.ask(back(tool(id, approve)), as("bot"));
    expect([late.status, late.body.error.code]).toEqual([400, "unknown_call"]);
    expect(chat.shop.calls).toEqual([]);
    await stage.restart();
  });
});

test("a model's call that was approved, and under way when the gateway ended, needs a new decision", async () => {
  const tools = { autoExecute: [] };
  let chat = await stage.restart({ tools });
  stage.play({ calls: [["shop__slow", {}]] });
  const first = await chat.ask(fresh("agent"), as("bot"));
  const run = first.body.toolarium.run_id;
  const [{ id }] = first.body.choices[0].message.tool_calls;
  const path = `/v1/runs/${run}/calls/${id}`;
  await chat.send(`${path}?wait=false`, { decision: "approve" }, auth("boss"));
  await until("the call is under way", () => chat.shop.calls.length === 1);
  chat = await stage.restart({ tools });
  await until("a person is asked again", async () => {
    const { body: report } = await chat.send(`/v1/sandbox/runs/${run}`, undefined, auth("bot"));
    return report.status === "waiting" && report.calls[0].status === "in_doubt";
  });
  const decided = await chat.send(path, { decision: "result", result: "it happened" }, auth("boss"));
  expect(decided.body).toMatchObject({ status: "waiting", calls: [{ status: "ok", decision: "result" }] });
  expect(chat.shop.calls).toEqual([]);
  await stage.restart();
});

describe("an answer that was under way when the gateway ended", () => {
  const slow: { readonly [mode in "agent" | "code"]: ScriptedTurn } = {
    agent: {
      calls: [
        ["shop__visit", {}],
        ["shop__slow", {}],
      ],
    },
    code: { calls: [["run_code", { code: "await shop.visit({}); return await shop.slow({})" }]] },
  };

  test.each(["agent", "code"] as const)(
    "resumes in %s mode when the request is retried; no effect happens twice",
    async (mode) => {
      const asked = stage.play(slow[mode], "done");
      const request = fresh(mode);
      const before = stage.chat.shop;
      const asking = stage.chat.ask(request, as("bot")).catch(() => undefined);
      await until("the slow call is under way", () => before.calls.length === 2);
      const chat = await stage.restart();
      await asking;
      const retry = as("bot", { "x-stainless-retry-count": "1" });
      const paused = await chat.ask(request, retry);
      // The gateway cannot know whether the slow call happened.
      expect(paused.body.toolarium.stop_reason).toBe("approval");
      const [{ message }] = paused.body.choices;
      const [call] = message.tool_calls;
      expect(call.function.name).toBe("shop__slow");
      const messages = [...(request["messages"] as Fields[]), message, tool(call.id, "it happened")];
      const { body: answer } = await chat.ask({ ...request, messages }, as("bot"));
      expect(answer.choices[0].message.content).toBe("done");
      expect(JSON.stringify(conversation(asked[1]))).toContain("it happened");
      expect(asked).toHaveLength(2);
      expect(chat.shop.calls).toEqual([]);
    },
  );

  test("and was complete is replayed by the next gateway", async () => {
    stage.play({ text: "looking", calls: [["shop__items", {}]] }, "done", "never");
    const request = fresh("agent");
    const key = { "idempotency-key": "kept" };
    const first = await stage.chat.ask(request, as("bot", key));
    const chat = await stage.restart();
    const second = await chat.ask(request, as("bot", key));
    expect(second.body.choices).toEqual(first.body.choices);
    expect(second.body.toolarium).toEqual(first.body.toolarium);
    expect(second.body.usage).toEqual(first.body.usage);
  });
});
