/** `GET /v1/approvals`: which calls it lists for which callers, and who may decide them. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Stage, startStage } from "../chat/helpers/scripted.ts";
import { startServer, type TestServer } from "./helpers/server.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage[Symbol.asyncDispose]());

const body = { model: "test/m:agent", messages: [{ role: "user", content: "go" }] };
async function listed(url: string): Promise<unknown> {
  const answer: unknown = await (await fetch(`${url}/v1/approvals`)).json();
  expect(answer).toHaveProperty("data");
  return (answer as { readonly data: unknown }).data;
}

test("a model's call that waits in agent mode is listed", async () => {
  const { chat } = stage;
  stage.play({ calls: [["shop__order", { item: "apple" }]] });
  const { headers, body: answer } = await chat.ask(body);
  const [call] = answer.choices[0].message.tool_calls;

  expect(await listed(chat.url)).toMatchObject([
    {
      run: headers.get("x-toolarium-run-id"),
      call: call.id,
      tool: "shop/order",
      arguments: { item: "apple" },
    },
  ]);
});

describe("keys that decide for others", () => {
  let server: TestServer;
  const as = (key: string): { readonly headers: Record<string, string> } => ({
    headers: { authorization: `Bearer ${key}` },
  });
  const program = {
    code: "const list = await files.list({});\nreturn await files.write({ path: list[0] });",
  };

  beforeAll(async () => {
    server = await startServer({
      keys: [
        { name: "bot", key: "bot-key", principal: "support-bot" },
        { name: "other", key: "other-key", principal: "sales-bot" },
        { name: "lead", key: "lead-key", principal: "lead", may: ["decide"], decides: ["support-*"] },
        { name: "all", key: "all-key", principal: "all", may: ["decide"], decides: ["*"] },
        {
          name: "slow",
          key: "slow-key",
          principal: "slow",
          may: ["decide"],
          decides: ["*"],
          tools: { allow: ["slow/*"] },
        },
        { name: "nobody", key: "nobody-key", principal: "nobody", may: ["decide"] },
      ],
      tools: { autoExecute: ["files/list"] },
    });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function waitingRun(key = "bot-key"): Promise<{ readonly run: string; readonly call: string }> {
    const { headers } = as(key);
    const answer = await server.send("/v1/sandbox/runs", {
      body: program,
      headers: { ...headers, "x-toolarium-user": "ann@example.com" },
    });
    expect(answer.body.status).toBe("waiting");
    return { run: answer.body.id, call: answer.body.pending[0].call };
  }
  const listedFor = async (key: string): Promise<readonly string[]> =>
    (await server.send("/v1/approvals", as(key))).body.data.map(
      ({ call }: { readonly call: string }) => call,
    );
  const decide = (key: string, { run, call }: { readonly run: string; readonly call: string }, query = "") =>
    server.send(`/v1/runs/${run}/calls/${call}${query}`, { ...as(key), body: { decision: "approve" } });

  test("see the calls of the principals in their `decides`, and of no others", async () => {
    const bots = await waitingRun();
    const sales = await waitingRun("other-key");
    expect(await listedFor("lead-key")).toEqual([bots.call]);
    expect(await listedFor("all-key")).toEqual([bots.call, sales.call]);
    expect(await listedFor("slow-key")).toEqual([]);
    expect(await listedFor("nobody-key")).toEqual([]);
    expect(await listedFor("bot-key")).toEqual([bots.call]);
    for (const each of [bots, sales]) expect((await decide("all-key", each)).status).toBe(200);
  });

  test("see who asks, for which program and line, and why", async () => {
    const waiting = await waitingRun();
    const { body } = await server.send("/v1/approvals", as("lead-key"));
    expect(body.data).toMatchObject([
      {
        run: waiting.run,
        parent: null,
        tool: "files/write",
        arguments: { path: "a.txt" },
        requestedBy: { principal: "support-bot", key: "bot", user: "ann@example.com" },
        program: { source: program.code, lines: [2] },
        reason: "files/write is defined to need approval: each call of it needs a person's agreement.",
      },
    ]);
    await decide("lead-key", waiting);
  });

  test("decide these calls, and read nothing else of the run", async () => {
    const waiting = await waitingRun();
    for (const key of ["nobody-key", "slow-key"]) expect((await decide(key, waiting)).status).toBe(404);
    const { status, body } = await decide("lead-key", waiting);
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: waiting.run, status: "completed", result: null, logs: [] });
    expect((await server.send(`/v1/sandbox/runs/${waiting.run}`, as("lead-key"))).status).toBe(404);
    const own = await server.send(`/v1/sandbox/runs/${waiting.run}`, as("bot-key"));
    expect(own.body).toMatchObject({ status: "completed", result: { written: true } });
    const { body: audit } = await server.send(`/v1/audit?run=${waiting.run}`, as("bot-key"));
    expect(audit.data[0]).toMatchObject({ tool: "files/write", decision: "approved", decidedBy: "lead" });
  });

  test("get the list page by page, the oldest first", async () => {
    const waiting = [];
    for (let count = 0; count < 3; count += 1) waiting.push(await waitingRun());
    const first = await server.send("/v1/approvals?limit=2", as("lead-key"));
    expect(first.body.data.map(({ call }: { readonly call: string }) => call)).toEqual(
      waiting.slice(0, 2).map(({ call }) => call),
    );
    // A decision between two pages moves nothing.
    for (const each of waiting.slice(0, 2)) await decide("lead-key", each);
    const rest = await server.send(`/v1/approvals?limit=2&cursor=${first.body.next_cursor}`, as("lead-key"));
    expect(rest.body).toMatchObject({ data: [{ call: waiting[2]?.call }], next_cursor: null });
    expect((await server.send("/v1/approvals?cursor=bm9uZQ", as("lead-key"))).status).toBe(400);
    await decide("lead-key", waiting[2] ?? { run: "", call: "" });
  });

  test("a response that does not wait for the run shows no more", async () => {
    const waiting = await waitingRun();
    const { status, body } = await decide("all-key", waiting, "?wait=false");
    expect(status).toBe(202);
    expect(body).toMatchObject({ id: waiting.run, result: null });
    expect(body.calls).toHaveLength(2);
    expect(JSON.stringify(body)).not.toContain(program.code.slice(0, 20));
  });
});

test("every line on which a program calls the tool is named", async () => {
  const code = 'await shop.order({ item: "a" });\n\nif (input) await shop["order"]({ item: "b" });';
  const { chat } = stage;
  stage.play({ calls: [["run_code", { code }]] });
  const { headers } = await chat.ask({ ...body, model: "test/m:code", user: "bob" });
  const rows = (await listed(chat.url)) as readonly { readonly parent: string | null }[];
  expect(rows.find(({ parent }) => parent === headers.get("x-toolarium-run-id"))).toMatchObject({
    requestedBy: { principal: "local", key: null, user: "bob" },
    program: { source: code, lines: [1, 3] },
  });
});

test("the id of a chat finds the calls of its programs", async () => {
  const { chat } = stage;
  stage.play({ calls: [["run_code", { code: 'return await shop.order({ item: "pear" })' }]] });
  const { headers, body: answer } = await chat.ask({ ...body, model: "test/m:code" });
  const [call] = answer.choices[0].message.tool_calls;
  const decided = await fetch(`${chat.url}/v1/runs/${headers.get("x-toolarium-run-id")}/calls/${call.id}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ decision: "deny" }),
  });
  expect(decided.status).toBe(200);
});
