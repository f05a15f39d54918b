/** Chats whose requests reach two processes on one store: each chat has one answer, and effects happen once. */
import { describe, expect, it } from "vitest";
import { defaultLimits } from "../../sandbox/limits.ts";
import { type ChatEngine, createChatEngine } from "../../src/chat/engine.ts";
import type { ChatEvent } from "../../src/chat/events.ts";
import type { ChatRequest } from "../../src/chat/turns/request.ts";
import { createLog } from "../../src/log.ts";
import type { LocalTool } from "../../src/mcp/server.ts";
import { defineTool } from "../../src/tools/define-tool.ts";
import type { ChatMessage, ChatModel } from "../../src/upstream/model.ts";
import { everything } from "../helpers/core.ts";
import { openTwoCores, type Process } from "../helpers/two-cores.ts";
import { until } from "../helpers/until.ts";

/** A tool that waits until it is released, and two engines whose model calls it once and then repeats its result. */
async function openTwoChats(needsApproval: boolean) {
  const done: string[] = [];
  const asked: string[] = [];
  const gate = Promise.withResolvers<void>();
  const tools = (process: string): readonly LocalTool[] => [
    defineTool({
      name: "act",
      description: "Acts.",
      input: { type: "object" },
      needsApproval,
      async execute() {
        done.push(process);
        if (!needsApproval) await gate.promise;
        return `done by ${process}`;
      },
    }),
  ];
  const { a, b, cluster, store } = await openTwoCores(tools);
  const name = a.core.catalog().byId("local/act")?.functionName ?? expect.fail("the tool is not there");
  const modelOf = (process: string): ChatModel => ({
    name: "test/m",
    async *stream({ messages }) {
      asked.push(process);
      const last = messages.at(-1);
      if (last?.role === "tool") yield { type: "text-delta", text: `It is ${String(last["content"])}.` };
      else {
        yield { type: "tool-call-start", index: 0, id: "up_0", name, fields: {} };
        yield { type: "tool-call-arguments", index: 0, text: "{}" };
      }
      const reason = last?.role === "tool" ? "stop" : "tool_calls";
      yield { type: "finish", reason, usage: null, response: {} };
    },
  });
  const engineOf = ({ core }: Process, process: string): ChatEngine =>
    createChatEngine({
      log: createLog("silent"),
      reattachMs: 0,
      config: {
        agent: { maxTurns: 5, resultTokens: 4_000 },
        limits: defaultLimits,
        declarations: { tokenBudget: 4_000, learn: false },
      },
      models: {
        list: () => [],
        resolve: () => ({ model: modelOf(process), provider: "test", modeSuffix: undefined }),
        async [Symbol.asyncDispose]() {},
      },
      runner: core.runner,
    });
  return {
    ...{ a, b, cluster, store, done, asked },
    open: () => gate.resolve(),
    atA: engineOf(a, "a"),
    atB: engineOf(b, "b"),
  };
}

function request(messages: readonly ChatMessage[], key: string | null): ChatRequest {
  return {
    principal: "local",
    keyName: null,
    mayDecide: true,
    policy: { layers: [{ ...everything, autoExecute: ["local/*"] }] },
    mode: "agent",
    asksForMode: true,
    mark: { key, bodyHash: JSON.stringify(messages) },
    isRetry: false,
    isFresh: false,
    model: "m",
    tools: [],
    choices: 1,
    messages,
    stream: false,
    limits: { maxTurns: 5, maxToolCalls: Infinity, maxWallMs: Infinity },
    wantsProgress: false,
    params: {},
    signal: new AbortController().signal,
  };
}

interface Heard {
  readonly run: string | undefined;
  readonly text: string;
  readonly calls: readonly { readonly id: string; readonly name: string }[];
}

async function hear(events: AsyncIterable<ChatEvent>): Promise<Heard> {
  const all = await Array.fromAsync(events);
  return {
    run: all.flatMap((event) => (event.type === "started" ? (event.runId ?? []) : []))[0],
    text: all.flatMap((event) => (event.type === "text-delta" ? event.text : [])).join(""),
    calls: all.flatMap((event) =>
      event.type === "tool-call-start" ? [{ id: event.id, name: event.name }] : [],
    ),
  };
}

const said: ChatMessage = { role: "user", content: "Act." };

describe("a request with an Idempotency-Key", () => {
  it("that reaches both at the same time is one chat, and both clients get its answer", async () => {
    const { atA, atB, store, done, asked, open } = await openTwoChats(false);
    const answers = [atA, atB].map((engine) => hear(engine.run(request([said], "k"))));
    await until("the tool is called", () => done[0]);
    open();
    const [one, other] = await Promise.all(answers);
    expect(one?.text).toBe(`It is done by ${done[0]}.`);
    expect(other).toEqual(one);
    expect(done).toHaveLength(1);
    expect(new Set(asked).size).toBe(1);
    expect((await store.listRuns({ limit: 9 })).runs).toHaveLength(1);
  });

  it("that is retried at the other process gets the same answer, while it is made and afterwards", async () => {
    const { atA, atB, done, open } = await openTwoChats(false);
    const first = hear(atA.run(request([said], "k")));
    await until("the tool is called", () => done[0]);
    const second = hear(atB.run(request([said], "k")));
    open();
    expect(await second).toEqual(await first);
    expect(await hear(atB.run(request([said], "k")))).toEqual(await first);
    expect(done).toEqual(["a"]);
  });
});

describe("a chat that needs approval", () => {
  it("resumes in the other process, and is replayed by the first", async () => {
    const { atA, atB, cluster, done } = await openTwoChats(true);
    const paused = await hear(atA.run(request([said], null)));
    const [call] = paused.calls;
    const id = call?.id ?? expect.fail("no call came back");
    await until("nobody owns it", () => cluster.ownerOf(paused.run ?? "") === undefined);
    const back: readonly ChatMessage[] = [
      said,
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id, type: "function", function: { name: call?.name ?? "", arguments: "{}" } }],
      },
      { role: "tool", tool_call_id: id, content: '{"toolarium_decision":"approve"}' },
    ];
    const resumed = await hear(atB.run(request(back, "k")));
    expect(resumed).toMatchObject({ run: paused.run, text: "It is done by b." });
    expect(await hear(atA.run(request(back, "k")))).toEqual(resumed);
    expect(done).toEqual(["b"]);
  });

  it("is resumed once, although its reply reaches both at the same time", async () => {
    const { atA, atB, done } = await openTwoChats(true);
    const paused = await hear(atA.run(request([said], null)));
    const id = paused.calls[0]?.id ?? expect.fail("no call came back");
    const back: readonly ChatMessage[] = [
      said,
      { role: "tool", tool_call_id: id, content: '{"toolarium_decision":"approve"}' },
    ];
    const [one, other] = await Promise.all([atA, atB].map((engine) => hear(engine.run(request(back, "k")))));
    expect(one).toEqual(other);
    expect(done).toHaveLength(1);
  });
});

it("an answer whose process was declared dead resumes in the other when its request is retried", async () => {
  const { a, atA, atB, done, open } = await openTwoChats(false);
  const cut = hear(atA.run(request([said], "k")));
  await until("the tool is called", () => done[0]);
  a.member.bury();
  // The client is told to retry, because this process no longer knows the outcome of the call.
  expect((await cut).text).toMatch(/Another gateway process owns this run now/);
  open();
  const again = await hear(atB.run(request([said], "k")));
  // The call may have been made, so a person must decide.
  expect(again.calls).toHaveLength(1);
  expect(done).toEqual(["a"]);
});
