import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "./helpers/server.ts";

let server: TestServer;
let ann: Record<string, string>;
let bob: Record<string, string>;
let root: Record<string, string>;
let run: string;

beforeAll(async () => {
  server = await startServer({
    keys: [
      { name: "ann", key: "key-of-ann", principal: "ann" },
      { name: "bob", key: "key-of-bob", principal: "bob" },
      { name: "root", key: "key-of-root", principal: "root", may: ["run", "admin"] },
    ],
    tools: { autoExecute: ["files/read", "files/fail"] },
  });
  ann = { authorization: "Bearer key-of-ann" };
  bob = { authorization: "Bearer key-of-bob" };
  root = { authorization: "Bearer key-of-root" };
  const code = `
    await files.read({ path: "a" });
    await files.fail({}).catch(() => {});
    await files.write({ path: "b" }).catch(() => {});`;
  const program = { code, approval: "deny", typecheck: "off" };
  const answer = await server.send("/v1/sandbox/runs", { body: program, headers: ann });
  run = answer.body.id;
  await server.send("/v1/sandbox/runs", { body: program, headers: bob });
});
afterAll(() => server[Symbol.asyncDispose]());

test("lists the caller's calls, the latest first, as in the run's report", async () => {
  const { status, body } = await server.send("/v1/audit", { headers: ann });
  expect(status).toBe(200);
  expect(body.next_cursor).toBeNull();
  expect(body.data).toMatchObject([
    {
      run,
      principal: "ann",
      seq: 3,
      tool: "files/write",
      decision: "denied",
      decidedBy: "policy",
      status: "denied",
    },
    { run, principal: "ann", seq: 2, tool: "files/fail", decision: "auto", status: "error" },
    { run, principal: "ann", seq: 1, tool: "files/read", server: "files", decision: "auto", status: "ok" },
  ]);
  const report = (await server.send(`/v1/sandbox/runs/${run}`, { headers: ann })).body;
  expect(body.data.map(({ call }: { readonly call: string }) => call).toReversed()).toEqual(
    report.calls.map(({ id }: { readonly id: string }) => id),
  );
});

test("continues where the page before ended", async () => {
  const first = (await server.send("/v1/audit?limit=2", { headers: ann })).body;
  const second = (await server.send(`/v1/audit?limit=2&cursor=${first.next_cursor}`, { headers: ann })).body;
  expect([...first.data, ...second.data].map(({ seq }) => seq)).toEqual([3, 2, 1]);
  expect(second.next_cursor).toBeNull();
});

test("filters by tool, pattern, server, decision, run and time together", async () => {
  const seqs = async (query: string): Promise<readonly number[]> =>
    (await server.send(`/v1/audit?${query}`, { headers: ann })).body.data.map(
      ({ seq }: { readonly seq: number }) => seq,
    );
  expect(await seqs("tool=files/read")).toEqual([1]);
  expect(await seqs("tool=files/*&decision=auto")).toEqual([2, 1]);
  expect(await seqs("server=files&decision=denied")).toEqual([3]);
  expect(await seqs("server=mail")).toEqual([]);
  expect(await seqs(`run=${run}&tool=*`)).toEqual([3, 2, 1]);
  expect(await seqs("from=2000-01-01&to=2000-01-02T00:00:00Z")).toEqual([]);
  expect(await seqs("from=2000-01-01")).toEqual([3, 2, 1]);
});

test("shows the calls of other principals to an admin only, also when their run is named", async () => {
  expect((await server.send(`/v1/audit?run=${run}`, { headers: bob })).body.data).toEqual([]);
  expect((await server.send(`/v1/audit?run=${run}`, { headers: root })).body.data).toHaveLength(3);
  const all = (await server.send("/v1/audit", { headers: root })).body.data;
  expect(new Set(all.map(({ principal }: { readonly principal: string }) => principal))).toEqual(
    new Set(["ann", "bob"]),
  );
});

test("requires a key", async () => {
  expect((await server.send("/v1/audit")).status).toBe(401);
});

describe("an invalid filter is refused by its name:", () => {
  test.for([
    ["tool=read", "tool"],
    ["tool=", "tool"],
    ["decision=maybe", "decision"],
    ["decision=ask", "decision"],
    ["from=yesterday", "from"],
    ["from=2026-02-30", "from"],
    ["from=2026-01-02&to=2026-01-01", "to"],
    ["limit=0", "limit"],
    ["limit=201", "limit"],
    ["limit=ten", "limit"],
    ["cursor=nonsense", "cursor"],
    ["tools=files/read", "tools"],
    ["run=a&run=b", "run"],
  ] as const)("%s", async ([query, field]) => {
    const { status, body } = await server.send(`/v1/audit?${query}`, { headers: ann });
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: "invalid_request", errors: [{ pointer: `/${field}` }] });
  });
});

test("a call that the type-check refused is listed as denied, with the rule", async () => {
  const code = "await files.read({ path: 'a' });\nawait slow.hold({});\nawait slow.hold({});";
  const refused = await server.send("/v1/sandbox/runs", {
    body: { code, tools_filter: ["files/*"] },
    headers: ann,
  });
  expect(refused.body).toMatchObject({ status: "failed", error: { code: "type_error", line: 2 } });
  const { body } = await server.send(`/v1/audit?decision=denied&run=${refused.body.id}`, { headers: ann });
  expect(body.data).toMatchObject([
    { tool: "slow/hold", decision: "denied", decidedBy: "policy", status: "denied", startedAt: null },
  ]);
  expect(body.data[0].reason).toContain("tools_filter");
  // The program made no call, and its report has none.
  expect(refused.body).toMatchObject({ calls: [], usage: { toolCalls: 0 } });
  const events = await server.send(`/v1/sandbox/runs/${refused.body.id}/events`, { headers: ann });
  expect(events.body).not.toContain("call.finished");
  expect(server.tools.calls.filter(({ tool }) => tool === "slow/hold")).toEqual([]);
});
