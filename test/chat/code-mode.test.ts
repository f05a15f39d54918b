import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { countTokens } from "../../src/tokens.ts";
import type { Fields } from "../../src/upstream/model.ts";
import { until } from "../helpers/until.ts";
import type { TestChat } from "./helpers/chat.ts";
import {
  conversation,
  offered,
  type ScriptedTurn,
  type Stage,
  startStage,
  systemMessage,
} from "./helpers/scripted.ts";

let stage: Stage;
let chat: TestChat;
beforeAll(async () => {
  stage = await startStage();
  chat = stage.chat;
});
afterAll(() => stage[Symbol.asyncDispose]());

const user = { role: "user", content: "go" } as const;
const body = (rest: Fields = {}): Fields => ({ model: "test/m", mode: "code", messages: [user], ...rest });
const program = (code: string): ScriptedTurn => ({ calls: [["run_code", { code }]] });
const toolMessages = (request: Parameters<typeof conversation>[0]): unknown[] =>
  conversation(request)
    .filter(({ role }) => role === "tool")
    .map(({ content }) => JSON.parse(String(content)));

describe("a program", () => {
  test("runs over the tools in the sandbox, and what it returns goes back to the model", async () => {
    const asked = stage.play(
      program(
        "const items = await shop.items({});\nconsole.log('found', items.length);\nreturn await Promise.all(items.map((item) => shop.stock({ item })));",
      ),
      "There are 8.",
    );
    const { headers, body: answer } = await chat.ask(body());
    expect(answer.choices[0]).toMatchObject({ finish_reason: "stop", message: { content: "There are 8." } });
    expect(toolMessages(asked[1])).toEqual([
      {
        status: "completed",
        result: [
          { item: "apple", count: 3 },
          { item: "pear", count: 5 },
        ],
        logs: ["found 2"],
      },
    ]);
    expect(answer.usage).toMatchObject({ total_tokens: 22, prompt_tokens_details: { cached_tokens: 8 } });
    expect(answer.toolarium).toMatchObject({
      run_id: headers.get("x-toolarium-run-id"),
      mode: "code",
      steps: [{ turn: 1, type: "program", status: "completed", error: null }],
    });
    const run = await fetch(`${chat.url}/v1/sandbox/runs/${answer.toolarium.steps[0].run_id}`);
    expect(await run.json()).toMatchObject({ status: "completed", calls: [{ tool: "shop/items" }, {}, {}] });
  });

  test("that returns more than a model reads is cut inside, and says where the whole value is", async () => {
    const asked = stage.play(
      program(
        "const rows = Array.from({ length: 20_000 }, (_, id) => ({ id, state: 'open' }));\nreturn { total: rows.length, rows };",
      ),
      "many",
    );
    const { body: answer } = await chat.ask(body());
    const [content = ""] = conversation(asked[1])
      .filter(({ role }) => role === "tool")
      .map((message) => String(message["content"]));
    expect(countTokens(content)).toBeLessThanOrEqual(4_000);
    const { result, left_out: leftOut } = JSON.parse(content);
    expect(result.total).toBe(20_000);
    expect(result.rows.slice(0, 2)).toEqual([
      { id: 0, state: "open" },
      { id: 1, state: "open" },
    ]);
    expect(result.rows.at(-1)).toBe(`… ${(20_001 - result.rows.length).toLocaleString("en-US")} more`);
    const run = answer.toolarium.steps[0].run_id;
    expect(leftOut).toContain(`await runs.result("${run}")`);
    // The run has the whole value, and its receipt says how much the model read.
    const { body: report } = await chat.send(`/v1/sandbox/runs/${run}`);
    expect(report.result.rows).toHaveLength(20_000);
    expect(report.usage.tokens.result).toBe(countTokens(content));
  });

  test("that fails is shown to the model with place and hint, and the conversation continues", async () => {
    const asked = stage.play(program("const a = 1;\nnull.x;"), program("return 7"), "7");
    const { body: answer } = await chat.ask(body());
    expect(answer.choices[0].message.content).toBe("7");
    expect(toolMessages(asked[1])).toMatchObject([
      { status: "failed", error: { code: "guest_error", line: 2, at: "null.x;", effects: "none" } },
    ]);
    expect(toolMessages(asked[2])).toMatchObject([{ status: "failed" }, { status: "completed", result: 7 }]);
  });

  test("that fails after a call with effects tells the model which calls were made", async () => {
    const asked = stage.play(
      program("await shop.items({});\nawait shop.visit({});\nthrow new Error('late');"),
      "sorry",
    );
    await chat.ask(body());
    expect(toolMessages(asked[1])).toMatchObject([
      { error: { line: 3, effects: "possible", calls: ["shop/items: ok", "shop/visit: ok"] } },
    ]);
  });

  test("that corrects a failed one does not repeat its effects, even after an attempt that never ran", async () => {
    const asked = stage.play(
      program("await shop.visit({}); await shop.items({}); throw new Error('late')"),
      program("const = 1"),
      program("return [await shop.visit({}), await shop.items({})]"),
      program("return await shop.visit({})"),
      "ok",
    );
    const { body: answer } = await chat.ask(body());
    expect(toolMessages(asked[3]).at(-1)).toMatchObject({ result: ["noted", ["apple", "pear"]] });
    // Reads are repeated, and a program after one that succeeded corrects nothing.
    expect(chat.shop.calls.map(([name]) => name)).toEqual(["visit", "items", "items", "visit"]);
    const repaired = await chat.send(`/v1/sandbox/runs/${answer.toolarium.steps[2].run_id}`);
    expect(repaired.body.calls).toMatchObject([
      { tool: "shop/visit", reused: true },
      { tool: "shop/items", reused: false },
    ]);
  });

  test.each([
    ["broken JSON", '{"code": "return 1'],
    ["no code", {}],
    ["blank code", { code: " " }],
  ])("call with %s is answered in words; nothing runs", async (_, args) => {
    const asked = stage.play({ calls: [["run_code", args]] }, "oh");
    const { body: answer } = await chat.ask(body());
    expect(toolMessages(asked[1])).toMatchObject([
      { error: { message: expect.stringContaining('{"code": "…"}') } },
    ]);
    expect(answer.toolarium.steps).toEqual([]);
  });

  test.each([
    ["as bare text", "return 1 +\n  1"],
    ["with raw line breaks", '{"code": "return 1 +\n  1"}'],
    ["as JSON in JSON", JSON.stringify('{"script": "return 1 + 1"}')],
  ])("sent %s runs, and the model is told what it should have sent", async (_, args) => {
    const asked = stage.play({ calls: [["run_code", args]] }, "two");
    await chat.ask(body());
    expect(toolMessages(asked[1])).toEqual([
      { status: "completed", result: 2, notes: [expect.stringContaining('Call it with {"code": "…"}')] },
    ]);
  });

  test("sent as several run_code calls of one turn is several runs, answered in order", async () => {
    const asked = stage.play(
      {
        calls: [
          ["run_code", { code: "await sleep(30); return 1" }],
          ["run_code", { code: "return 2" }],
        ],
      },
      "ok",
    );
    await chat.ask(body());
    expect(toolMessages(asked[1])).toMatchObject([{ result: 1 }, { result: 2 }]);
  });

  test("cannot call tools that the request excludes", async () => {
    const asked = stage.play(program("return await shop.items({}).catch((error) => error.kind)"), "ok");
    await chat.ask(body({ tools_filter: ["shop/stock"] }));
    expect(JSON.stringify(toolMessages(asked[1]))).toMatch(/denied|type_error/);
    expect(chat.shop.calls).toEqual([]);
  });

  test("is cancelled with its calls when the client leaves", async () => {
    stage.play(program("return await shop.hold({})"), "never");
    const leave = new AbortController();
    const asking = chat.post(body(), { signal: leave.signal }).catch(() => "left");
    await until("the call is held", () => chat.shop.calls.length === 1);
    leave.abort();
    expect(await asking).toBe("left");
    await until("the call was aborted", () => chat.shop.aborted() === 1);
  });
});

describe("the model", () => {
  test("sees run_code, the caller's tools, and the declarations behind the caller's system message", async () => {
    const asked = stage.play("ok");
    const own = { type: "function", function: { name: "own" } };
    const stub = { type: "function", function: { name: "shop__order" } };
    const system = { role: "system", content: "Be brief." };
    await chat.ask(body({ messages: [system, user], tools: [own, stub] }));
    expect(offered(asked[0]).map(({ name }) => name)).toEqual(["run_code", "own"]);
    const prompt = systemMessage(asked[0]);
    expect(prompt).toMatch(/^Be brief\.\n\nYou can run TypeScript programs/);
    expect(prompt).toContain("stock(");
    expect(prompt).not.toContain("secret");
    expect(asked[0]?.body).not.toHaveProperty("mode");
    expect(asked[0]?.body).not.toHaveProperty("parallel_tool_calls");
  });

  test("that calls a tool directly is told how to use it", async () => {
    const asked = stage.play(
      {
        calls: [
          ["shop__items", {}],
          ["nonsense", {}],
        ],
      },
      "ok",
    );
    const { body: answer } = await chat.ask(body());
    expect(toolMessages(asked[1])).toEqual([
      {
        error: {
          message:
            'There is no function "shop__items". Call run_code with a program that uses shop.items(…).',
        },
      },
      {
        error: {
          message:
            'There is no function "nonsense". Only run_code and the functions offered with it can be called.',
        },
      },
    ]);
    expect(answer.choices[0].message.content).toBe("ok");
    expect(chat.shop.calls).toEqual([]);
  });

  test("may call a caller's tool, which is returned", async () => {
    stage.play({ calls: [["own", {}]] });
    const { body: answer } = await chat.ask(
      body({ tools: [{ type: "function", function: { name: "own" } }] }),
    );
    expect(answer.choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: { tool_calls: [{ id: "up_1_0" }] },
    });
  });
});

describe("a program that needs approval", () => {
  const ordering = program(
    "return await Promise.all([shop.stock({ item: 'pear' }), shop.order({ item: 'pear' })])",
  );

  test("ends the response with its pending calls under the tool's function name", async () => {
    stage.play(ordering);
    const { body: answer } = await chat.ask(body());
    expect(answer.choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: { tool_calls: [{ function: { name: "shop__order", arguments: '{"item":"pear"}' } }] },
    });
    expect(answer.choices[0].message.tool_calls[0].id).toMatch(/^call_[A-Za-z0-9_-]{22}_[0-9a-z]+$/);
    expect(answer.toolarium).toMatchObject({ stop_reason: "approval", steps: [{ status: "waiting" }] });
    expect(chat.shop.calls).toEqual([["stock", { item: "pear" }]]);
    const program = await fetch(`${chat.url}/v1/sandbox/runs/${answer.toolarium.steps[0].run_id}`);
    expect(await program.json()).toMatchObject({
      status: "waiting",
      pending: [{ call: answer.choices[0].message.tool_calls[0].id }],
    });
  });
});
