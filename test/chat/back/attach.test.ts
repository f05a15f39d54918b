/** Retried requests: which answer they get, and that no effect happens twice. */
import OpenAI from "openai";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Fields } from "../../../src/upstream/model.ts";
import { until } from "../../helpers/until.ts";
import { chunk, stream } from "../../upstream/helpers/provider.ts";
import type { TestChat } from "../helpers/chat.ts";
import { conversation, type Stage, startStage } from "../helpers/scripted.ts";

let stage: Stage;
let chat: TestChat;
beforeAll(async () => {
  stage = await startStage({ reattachMs: 300 });
  chat = stage.chat;
});
afterEach(() => chat.shop.open());
afterAll(() => stage[Symbol.asyncDispose]());

let count = 0;
/** A new one for each test, because a request is recognized by its body. */
function fresh(rest: Fields = {}): Fields {
  count += 1;
  return { model: "test/m:agent", messages: [{ role: "user", content: `go ${count}` }], ...rest };
}
const retry = { headers: { "x-stainless-retry-count": "1" } };
const keyed = (key: string): { readonly headers: Record<string, string> } => ({
  headers: { "idempotency-key": key },
});
const statusOf = async (run: unknown): Promise<unknown> =>
  (await chat.send(`/v1/sandbox/runs/${run}`)).body.status;
const textOf = ({ body }: Awaited<ReturnType<TestChat["ask"]>>): unknown => body.choices[0].message.content;
const called = (name: string): number => chat.shop.calls.filter(([each]) => each === name).length;

/** Sends a request, disconnects once `isDone`, and returns its run. */
async function leaveWhen(
  what: string,
  isDone: () => boolean,
  request: Fields,
  headers: Record<string, string> = {},
): Promise<string> {
  const leave = new AbortController();
  const response = await chat.post({ ...request, stream: true }, { headers, signal: leave.signal });
  await until(what, isDone);
  leave.abort();
  return response.headers.get("x-toolarium-run-id") ?? "";
}

describe("a retried request", () => {
  test("whose first answer was complete gets the same one, and nothing happens again", async () => {
    const asked = stage.play({ text: "looking", calls: [["shop__visit", {}]] }, "done", "never");
    const request = fresh();
    const first = await chat.ask(request);
    const second = await chat.ask(request, retry);
    expect(second.body.choices).toEqual(first.body.choices);
    expect(second.body.choices[0].message.content).toBe("looking\n\ndone");
    expect(second.body.usage).toEqual(first.body.usage);
    expect(second.body.toolarium).toEqual(first.body.toolarium);
    expect(asked).toHaveLength(2);
    expect(called("visit")).toBe(1);
  });

  test("whose answer ended at max_turns gets the same words", async () => {
    const again = { calls: [["shop__items", {}]] } as const;
    stage.play(...Array.from({ length: 10 }, () => again), "never");
    const request = fresh();
    const first = await chat.ask(request);
    expect(first.body.toolarium.stop_reason).toBe("max_turns");
    expect((await chat.ask(request, retry)).body.choices).toEqual(first.body.choices);
  });

  test("whose answer needs approval gets the same pending calls, and resumes once they are decided", async () => {
    const asked = stage.play({ calls: [["shop__order", { item: "pear" }]] }, "done");
    const request = fresh();
    const first = await chat.ask(request);
    const second = await chat.ask(request, retry);
    expect(second.body.choices).toEqual(first.body.choices);
    expect(second.body.toolarium).toEqual(first.body.toolarium);
    const run = first.body.toolarium.run_id;
    const [{ id }] = first.body.choices[0].message.tool_calls;
    await chat.send(`/v1/runs/${run}/calls/${id}`, { decision: "approve" });
    const third = await chat.ask(request, retry);
    expect(third.body.choices[0].message.content).toBe("done");
    expect(asked).toHaveLength(2);
    // An answer that the client has replied to is replayed unchanged.
    expect((await chat.ask(request, retry)).body.choices[0].message.content).toBe("done");
  });

  test("whose answer the client has already replied to gets that answer again", async () => {
    stage.play({ calls: [["shop__order", { item: "pear" }]] }, "done");
    const request = fresh();
    const first = await chat.ask(request);
    const [{ message }] = first.body.choices;
    const reply = { role: "tool", tool_call_id: message.tool_calls[0].id, content: "ordered" };
    await chat.ask({ ...request, messages: [...(request["messages"] as Fields[]), message, reply] });
    const again = await chat.ask(request, retry);
    expect(again.body.choices).toEqual(first.body.choices);
    expect(again.body.toolarium).toEqual(first.body.toolarium);
  });

  test("whose model failed in a later turn asks for that turn alone", async () => {
    const asked = stage.play({ calls: [["shop__visit", {}]] }, 500, "done");
    const request = fresh();
    const first = await chat.ask(request);
    expect(first.body.toolarium.stop_reason).toBe("upstream_error");
    expect(await statusOf(first.body.toolarium.run_id)).toBe("failed");
    const second = await chat.ask(request, retry);
    expect(second.body.choices[0].message.content).toBe("done");
    expect(second.body.toolarium.run_id).toBe(first.body.toolarium.run_id);
    expect(second.body.toolarium.steps).toEqual(first.body.toolarium.steps);
    expect(second.body.usage).toMatchObject({ total_tokens: 22 });
    expect(conversation(asked[2])).toEqual(conversation(asked[1]));
    expect(called("visit")).toBe(1);
    expect(await statusOf(second.body.toolarium.run_id)).toBe("completed");
  });

  test("whose client left during a call with effects asks a person whether to call again", async () => {
    stage.play({ calls: [["shop__slow", {}]] }, "done");
    const request = fresh();
    const run = await leaveWhen("the call is under way", () => called("slow") === 1, request);
    await until("the run is cancelled", async () => (await statusOf(run)) === "cancelled");
    const again = await chat.post({ ...request, stream: true }, retry);
    const text = await again.text();
    expect(again.headers.get("x-toolarium-run-id")).toBe(run);
    expect(text).toContain('"finish_reason":"tool_calls"');
    expect(text).toContain("shop__slow");
    const report = (await chat.send(`/v1/sandbox/runs/${run}`)).body;
    expect(report).toMatchObject({ status: "waiting", calls: [{ status: "in_doubt" }] });
    expect(report.pending[0].reason).toContain("in doubt");
    expect(called("slow")).toBe(1);
  });

  test("whose client left during a call that only reads makes it again without asking", async () => {
    stage.play({ calls: [["shop__hold", {}]] }, "done");
    const request = fresh();
    const run = await leaveWhen("the call is held", () => called("hold") === 1, request);
    await until("the run is cancelled", async () => (await statusOf(run)) === "cancelled");
    await leaveWhen("it is held again", () => called("hold") === 2, request, retry.headers);
  });

  test("whose client left while a program ran resumes that program, not a new one", async () => {
    const code = "await shop.visit({}); return await shop.slow({})";
    const asked = stage.play({ calls: [["run_code", { code }]] }, "done");
    const request = fresh({ model: "test/m:code" });
    const run = await leaveWhen("the program waits", () => called("slow") === 1, request);
    await until("the run is cancelled", async () => (await statusOf(run)) === "cancelled");
    const again = await (await chat.post({ ...request, stream: true }, retry)).text();
    expect(again).toContain("shop__slow");
    const report = (await chat.send(`/v1/sandbox/runs/${run}`)).body;
    expect(report).toMatchObject({
      status: "waiting",
      calls: [
        { tool: "shop/visit", status: "ok" },
        { tool: "shop/slow", status: "in_doubt" },
      ],
    });
    const [{ call }] = report.pending;
    const decision = { decision: "result", result: "it happened" };
    await chat.send(`/v1/runs/run_${call.slice(5, 27)}/calls/${call}`, decision);
    const end = await (await chat.post({ ...request, stream: true }, retry)).text();
    expect(end).toContain("done");
    expect(JSON.stringify(conversation(asked[1]))).toContain("it happened");
    expect([called("visit"), called("slow")]).toEqual([1, 1]);
  });

  test("with another body, or not marked as a retry, is a new request", async () => {
    stage.play("one", "two", "three");
    const request = fresh();
    await chat.ask(request);
    expect((await chat.ask(fresh(), retry)).body.choices[0].message.content).toBe("two");
    expect((await chat.ask(request)).body.choices[0].message.content).toBe("three");
  });
});

describe("the openai SDK with retries", () => {
  test("resumes the answer when its connection was cut", async () => {
    const asked = stage.play(
      { calls: [["shop__visit", {}]] },
      (response) => stream(response, [chunk({ content: "half" })], false),
      "whole",
    );
    let cut: (() => void) | undefined;
    const openai = new OpenAI({
      baseURL: `${chat.url}/v1`,
      apiKey: "unused",
      maxRetries: 2,
      async fetch(url, init) {
        const leave = new AbortController();
        cut = () => leave.abort(new TypeError("connection cut"));
        return fetch(url as string, { ...(init as RequestInit), signal: leave.signal });
      },
    });
    const { messages } = fresh() as { messages: [{ role: "user"; content: string }] };
    const asking = openai.chat.completions.create({ model: "test/m:agent", messages });
    await until("the second turn is asked", () => asked.length === 2);
    cut?.();
    const answer = await asking;
    expect(answer.choices[0]?.message.content).toBe("whole");
    expect(called("visit")).toBe(1);
    expect(asked).toHaveLength(3);
  });
});

describe("a request with an Idempotency-Key", () => {
  test("continues when its client leaves, and the same key gets the answer from its start", async () => {
    stage.play({ text: "slowly", calls: [["shop__slow", {}]] }, "done");
    const request = fresh();
    const run = await leaveWhen("it is under way", () => called("slow") === 1, request, keyed("a").headers);
    const following = chat.post({ ...request, stream: true }, keyed("a"));
    const second = await following;
    chat.shop.open();
    const text = await second.text();
    expect(second.headers.get("x-toolarium-run-id")).toBe(run);
    expect(text).toContain("slowly");
    expect(text).toContain("done");
    expect(text).toMatch(/\[DONE\]\n\n$/);
    expect(called("slow")).toBe(1);
    expect(await statusOf(run)).toBe("completed");
  });

  test("is abandoned when no client comes back in time", async () => {
    stage.play({ calls: [["shop__slow", {}]] }, "done");
    const run = await leaveWhen("it is under way", () => called("slow") === 1, fresh(), keyed("b").headers);
    await until("the run is cancelled", async () => (await statusOf(run)) === "cancelled");
  });

  test("that comes twice at the same time is answered once", async () => {
    const asked = stage.play({ calls: [["shop__visit", {}]] }, "done", "never");
    const request = fresh();
    const [first, second] = await Promise.all([chat.ask(request, keyed("c")), chat.ask(request, keyed("c"))]);
    expect(second.body.choices).toEqual(first.body.choices);
    expect(second.body.toolarium.run_id).toBe(first.body.toolarium.run_id);
    expect(asked).toHaveLength(2);
    expect(called("visit")).toBe(1);
  });

  test("that another request has used is refused, before anything happens", async () => {
    stage.play("one", "never");
    await chat.ask(fresh(), keyed("d"));
    const { status, body: refused } = await chat.ask(fresh(), keyed("d"));
    expect(status).toBe(400);
    expect(refused.error).toMatchObject({
      code: "invalid_request",
      param: null,
      message: expect.stringContaining("Idempotency-Key"),
    });
  });

  test("that resumed a chat gets the same answer when it is retried", async () => {
    const asked = stage.play({ calls: [["shop__order", { item: "pear" }]] }, "done", "never");
    const request = fresh();
    const [{ message }] = (await chat.ask(request)).body.choices;
    const reply = { role: "tool", tool_call_id: message.tool_calls[0].id, content: "ordered" };
    const messages = [...(request["messages"] as Fields[]), message, reply];
    const first = await chat.ask({ ...request, messages }, keyed("e"));
    const second = await chat.ask({ ...request, messages }, keyed("e"));
    expect(second.body.choices).toEqual(first.body.choices);
    const other = await chat.ask({ ...request, messages, temperature: 1 }, keyed("e"));
    expect(other.status).toBe(400);
    expect(asked).toHaveLength(2);
  });

  test("whose model failed after a call says how to resume; once resumed and complete, it no longer changes", async () => {
    const asked = stage.play({ calls: [["shop__visit", {}]] }, 500, "done", "never");
    const request = fresh();
    const first = await chat.ask(request, keyed("f"));
    expect(first.body.toolarium.stop_reason).toBe("upstream_error");
    expect(textOf(first)).toMatch(
      /^\[The answer ends here: .*The same request with the same Idempotency-Key resumes from here\.\]$/,
    );
    const second = await chat.ask(request, keyed("f"));
    expect(textOf(second)).toBe("done");
    const third = await chat.ask(request, keyed("f"));
    expect(third.body.choices).toEqual(second.body.choices);
    expect(asked).toHaveLength(3);
    expect(called("visit")).toBe(1);
  });

  test("that somebody cancelled gets its end, and the same end again on a retry", async () => {
    const asked = stage.play(
      { text: "slowly", calls: [["shop__visit", {}]] },
      { calls: [["shop__slow", {}]] },
      "never",
    );
    const request = fresh();
    const asking = chat.ask(request, keyed("g"));
    await until("it is under way", () => called("slow") === 1);
    const { body: audit } = await chat.send("/v1/audit?tool=shop/slow&limit=1");
    const cancelled = await fetch(`${chat.url}/v1/sandbox/runs/${audit.data[0].run}`, { method: "DELETE" });
    expect(await cancelled.json()).toMatchObject({ status: "cancelled" });
    const first = await asking;
    expect(textOf(first)).toBe(
      "slowly\n\n[The answer ends here: The run was cancelled. What the tools have done so far stands.]",
    );
    const second = await chat.ask(request, keyed("g"));
    expect(second.body.choices).toEqual(first.body.choices);
    expect(second.body.toolarium.stop_reason).toBe("cancelled");
    expect(asked).toHaveLength(2);
    expect(called("slow")).toBe(1);
    expect(await statusOf(audit.data[0].run)).toBe("cancelled");
  });
});
