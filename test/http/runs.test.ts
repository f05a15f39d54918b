import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../helpers/until.ts";
import { readEvents } from "./helpers/event-stream.ts";
import { startServer, type TestServer } from "./helpers/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const start = (body: object): ReturnType<TestServer["send"]> => server.send("/v1/sandbox/runs", { body });
const holding = "return await slow.hold({})";

describe("POST /v1/sandbox/runs", () => {
  it("runs a program over the tools and answers with its report", async () => {
    const { status, body } = await start({
      code: "return { files: await files.list({}), input }",
      input: { a: [null] },
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      object: "sandbox.run",
      status: "completed",
      result: { files: ["a.txt", "b.txt"], input: { a: [null] } },
      error: null,
      calls: [{ tool: "files/list", status: "ok", decision: "auto" }],
    });
    expect(body.id).toMatch(/^run_[A-Za-z0-9_-]{22}$/);
  });

  it("calls a program that is a function with the fields of its input, or says what is missing", async () => {
    const code = "export default async ({ files, dir }, input) => [await files.list({}), dir, input]";
    const given = await start({ code, input: { dir: "d" } });
    expect(given.body).toMatchObject({
      status: "completed",
      result: [["a.txt", "b.txt"], "d", { dir: "d" }],
    });
    const none = await start({ code });
    expect(none.body).toMatchObject({ status: "failed", error: { code: "type_error" }, calls: [] });
    expect(none.body.error.message).toContain('needs "dir", and there is no input');
  });

  it("a program that fails gives status 200 with a failed report", async () => {
    const { status, body } = await start({ code: "throw new Error('no')" });
    expect([status, body.status, body.error.code]).toEqual([200, "failed", "guest_error"]);
  });

  it("a limit above the ceiling is refused, never lowered; the run gets a limit below it", async () => {
    const above = await start({ code: "return 1", limits: { wallMs: 300_001 } });
    expect([above.status, above.body.code]).toEqual([400, "limit_above_ceiling"]);
    expect(above.body.errors).toEqual([
      { pointer: "/limits/wallMs", message: "wallMs may be at most 300000 here, 300001 was asked for" },
    ]);
    const odd = await start({ code: "return 1", limits: { memoryMb: 8.5 } });
    expect([odd.status, odd.body.code]).toEqual([400, "invalid_request"]);
    const low = await start({ code: "return 1", limits: { memoryMb: 7 } });
    expect([low.status, low.body.code]).toEqual([400, "invalid_request"]);
    const granted = await start({ code: "return 1", limits: { wallMs: 4_321 } });
    expect(granted.body.limits.wallMs).toBe(4_321);
  });

  it("tools_filter refuses a program that calls an excluded tool, before it runs", async () => {
    const { status, body } = await start({
      code: "return await files.read({ path: 'a' })",
      tools_filter: ["files/list"],
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: "failed",
      error: {
        code: "type_error",
        line: 1,
        column: 14,
        effects: "none",
        message: expect.stringContaining("tools_filter"),
      },
      calls: [],
    });
  });

  it("the request's filters narrow the tools that a program finds, and the earlier results that it may read", async () => {
    const code = "return (await tools.search('read list files')).slice(0, 2).map(({ tool }) => tool)";
    const all = await start({ code });
    expect(all.body.result).toEqual(["files/list", "files/read"]);
    const headers = { "x-mcp-include-tools": "files/read" };
    const narrowed = await server.send("/v1/sandbox/runs", { body: { code }, headers });
    expect(narrowed.body).toMatchObject({
      result: ["files/read"],
      calls: [{ tool: "@tools/search", status: "ok", decision: "auto" }],
    });
    const read = { code: "return await runs.result(input)", input: all.body.id };
    expect((await start(read)).body.result).toEqual(all.body.result);
    const denied = await server.send("/v1/sandbox/runs", { body: read, headers });
    expect(denied.body.error).toMatchObject({
      message: expect.stringContaining(
        "used files/list, and x-mcp-include-tools does not include that tool now",
      ),
      tool: { server: "@runs", tool: "result", kind: "denied" },
    });
  });

  it("tools_filter narrows what the program can call", async () => {
    const code = "try { await files.read({ path: 'a' }) } catch (error) { return error.kind }";
    const { body } = await start({ code, tools_filter: ["files/list"], typecheck: "off" });
    expect(body.result).toBe("denied");
    expect((await start({ code: "return Object.keys(files)", tools_filter: [] })).body.result).not.toContain(
      "list",
    );
  });

  it("a call that needs approval parks the run; with approval deny it rejects inside the program", async () => {
    const code = "return await files.write({ path: 'a' })";
    const { body: parked } = await start({ code });
    expect(parked.status).toBe("waiting");
    expect(parked.pending).toMatchObject([{ tool: "files/write", arguments: { path: "a" } }]);
    const { body: denied } = await start({
      code: `try { ${code} } catch (e) { return e.kind }`,
      approval: "deny",
    });
    expect(denied.result).toBe("denied");
    expect(server.tools.calls.map(({ tool }) => tool)).not.toContain("files/write");
  });

  it("wait: false answers 202 at once, and the run continues by itself", async () => {
    const held = server.tools.calls.length;
    const { status, body } = await start({ code: holding, wait: false });
    expect(status).toBe(202);
    expect(["queued", "running"]).toContain(body.status);
    await until("the tool is called", () => server.tools.calls.length > held);
    server.tools.release();
    const ended = await until("the run ends", async () => {
      const { body: report } = await server.send(`/v1/sandbox/runs/${body.id}`);
      return report.status === "completed" ? report : undefined;
    });
    expect(ended.result).toBe("released");
  });

  it("a client that leaves cancels its run and the calls in flight", async () => {
    const aborted = server.tools.aborted();
    const held = server.tools.calls.length;
    const leave = new AbortController();
    const answer = server.send("/v1/sandbox/runs", { body: { code: holding }, signal: leave.signal });
    await until("the tool is called", () => server.tools.calls.length > held);
    leave.abort();
    await expect(answer).rejects.toThrow();
    await until("the call is aborted", () => server.tools.aborted() > aborted);
    const [run] = await until("the run has ended", async () => {
      const { body } = await server.send("/v1/sandbox/runs?limit=1");
      return body.data[0].status === "running" ? undefined : body.data;
    });
    expect(run).toMatchObject({ status: "cancelled", error: { code: "cancelled" } });
  });

  it("repair_of takes over the failed run's effects, and requires a failed run of the same principal", async () => {
    const { body: waiting } = await start({ code: "await files.write({ path: 'r' }); null.x" });
    const decide = `/v1/runs/${waiting.id}/calls/${waiting.pending[0].call}`;
    const { body: failed } = await server.send(decide, { body: { decision: "approve" } });
    expect(failed).toMatchObject({ status: "failed", error: { effects: "possible" } });
    const repaired = await start({ code: "return await files.write({ path: 'r' })", repair_of: failed.id });
    expect(repaired.body).toMatchObject({ status: "completed", calls: [{ reused: true }] });
    const unknown = await start({ code: "return 1", repair_of: "run_x" });
    expect([unknown.status, unknown.body.code]).toEqual([404, "not_found"]);
    const wrong = await start({ code: "return 1", repair_of: repaired.body.id });
    expect([wrong.status, wrong.body.errors[0].pointer]).toEqual([400, "/repair_of"]);
  });
});

describe("GET, list, DELETE", () => {
  it("a report can be read again, also as it stood at an earlier event; an unknown id is 404", async () => {
    const { body: run } = await start({ code: "return 5" });
    expect((await server.send(`/v1/sandbox/runs/${run.id}`)).body).toEqual(run);
    expect((await server.send("/v1/sandbox/runs/run_unknown")).body.code).toBe("not_found");
    const { body: then } = await server.send(`/v1/sandbox/runs/${run.id}?at=1`);
    expect(then).toMatchObject({ id: run.id, status: "running", result: null, calls: [] });
    const beyond = await server.send(`/v1/sandbox/runs/${run.id}?at=99`);
    expect([beyond.status, beyond.body.code]).toEqual([400, "invalid_request"]);
    expect((await server.send(`/v1/sandbox/runs/${run.id}?at=soon`)).status).toBe(400);
  });

  it("the list comes newest first, by pages and by status", async () => {
    const ids = [];
    for (const code of ["return 1", "return 2", "return 3"]) ids.unshift((await start({ code })).body.id);
    const { body: first } = await server.send("/v1/sandbox/runs?limit=2&status=completed");
    const query = `limit=1&status=completed&cursor=${encodeURIComponent(first.next_cursor)}`;
    const { body: second } = await server.send(`/v1/sandbox/runs?${query}`);
    expect([...first.data, ...second.data].map(({ id }) => id)).toEqual(ids);
  });

  it.each([
    "limit=0",
    "limit=201",
    "limit=x",
    "limit=",
    "limit=1&limit=2",
    "status=done",
    "cursor=%00nonsense",
  ])("the list refuses ?%s", async (query) => {
    const { status, body } = await server.send(`/v1/sandbox/runs?${query}`);
    expect([status, body.code]).toEqual([400, "invalid_request"]);
  });

  it("GET /v1/runs lists runs without their texts, by kind and by status", async () => {
    const { body: run } = await start({ code: "await files.list({}); return 'a text'" });
    const { body } = await server.send("/v1/runs?limit=1&kind=program&status=completed");
    const { tokens: _, ...usage } = run.usage;
    expect(body.data).toEqual([
      {
        ...{ id: run.id, object: "run", kind: "program", principal: "local", parent: null },
        ...{ status: "completed", error: null, calls: 1, turns: 0, tokens: null, usage, pending: [] },
        ...{ createdAt: run.createdAt, endedAt: expect.any(String), waitsSince: null },
      },
    ]);
    expect(body.next_cursor).toEqual(expect.any(String));
    expect((await server.send("/v1/runs?kind=other")).status).toBe(400);
    expect((await server.send("/v1/runs?limit=0")).status).toBe(400);
  });

  it("DELETE cancels, answers with the report, and does so again when repeated", async () => {
    const { body: run } = await start({ code: holding, wait: false });
    const first = await server.send(`/v1/sandbox/runs/${run.id}`, { method: "DELETE" });
    const second = await server.send(`/v1/sandbox/runs/${run.id}`, { method: "DELETE" });
    expect([first.status, first.body.status]).toEqual([200, "cancelled"]);
    expect(second.body).toEqual(first.body);
    expect((await server.send("/v1/sandbox/runs/run_unknown", { method: "DELETE" })).status).toBe(404);
  });
});

describe("events", () => {
  const code = "console.log('one'); await files.list({}); console.log('two'); return 3";

  it("stream: true answers with the events of the run, and ends with it", async () => {
    const events = await readEvents(`${server.url}/v1/sandbox/runs`, { body: { code, stream: true } });
    expect(events.map(({ event }) => event)).toEqual([
      "run.started",
      "log",
      "call.started",
      "call.finished",
      "log",
      "run.finished",
    ]);
    expect(events.at(-1)?.data).toMatchObject({ type: "run.finished", status: "completed", result: 3 });
    for (const { id, event, data } of events) {
      expect(data).toMatchObject({ type: event, seq: Number(id), run: expect.stringMatching(/^run_/) });
      expect(data["atMs"]).toBeGreaterThanOrEqual(0);
    }
  });

  it("the events of an ended run can be read again, and from any of them on", async () => {
    const { body: run } = await start({ code });
    const url = `${server.url}/v1/sandbox/runs/${run.id}/events`;
    const all = await readEvents(url);
    expect(all.length).toBe(6);
    for (const [index, { id }] of all.entries())
      expect(await readEvents(url, { lastEventId: id })).toEqual(all.slice(index + 1));
  });

  it("live events arrive while the program runs; a reader that leaves does not cancel it", async () => {
    const held = server.tools.calls.length;
    const { body: run } = await start({ code: `console.log('hi'); ${holding}`, wait: false });
    const leave = new AbortController();
    const seen: string[] = [];
    await readEvents(`${server.url}/v1/sandbox/runs/${run.id}/events`, {
      signal: leave.signal,
      onEvent: ({ event }) => {
        seen.push(event);
        if (event === "call.started") leave.abort();
      },
    }).catch(() => {});
    expect(seen).toEqual(["run.started", "log", "call.started"]);
    await until("the tool is called", () => server.tools.calls.length > held);
    server.tools.release();
    const rest = await readEvents(`${server.url}/v1/sandbox/runs/${run.id}/events`, { lastEventId: "0" });
    expect(rest.at(-1)?.data).toMatchObject({ status: "completed", result: "released" });
  });

  it("a client that leaves its own run's stream cancels the run", async () => {
    const aborted = server.tools.aborted();
    const held = server.tools.calls.length;
    const leave = new AbortController();
    const stream = readEvents(`${server.url}/v1/sandbox/runs`, {
      body: { code: holding, stream: true },
      signal: leave.signal,
    });
    await until("the tool is called", () => server.tools.calls.length > held);
    leave.abort();
    await expect(stream).rejects.toThrow();
    await until("the call is aborted", () => server.tools.aborted() > aborted);
  });

  it("the stream of a run ends after approval.required", async () => {
    const events = await readEvents(`${server.url}/v1/sandbox/runs`, {
      body: { code: "await files.write({ path: 'a' })", stream: true },
    });
    expect(events.at(-1)).toMatchObject({ event: "approval.required", data: { tool: "files/write" } });
  });

  it("an invalid Last-Event-ID is refused, an unknown run is 404", async () => {
    const { body: run } = await start({ code: "return 1" });
    const path = `/v1/sandbox/runs/${run.id}/events`;
    const headers = { "last-event-id": "abc" };
    expect((await server.send(path, { headers })).body.code).toBe("invalid_request");
    expect((await server.send("/v1/sandbox/runs/run_unknown/events")).body.code).toBe("not_found");
    expect((await server.send(path, { method: "HEAD" })).status).toBe(405);
  });
});

describe("calls that need approval", () => {
  it("are listed oldest first with their arguments and expiry", async () => {
    await using fresh = await server.alongside({ keys: [{ name: "solo", key: "solo" }] });
    const headers = { authorization: "Bearer solo" };
    const post = (path: string) =>
      fresh.send("/v1/sandbox/runs", { body: { code: `await files.write({ path: '${path}' })` }, headers });
    const { body: first } = await post("1");
    const { body: second } = await post("2");
    const { body } = await fresh.send("/v1/approvals", { headers });
    expect(body.data).toMatchObject([
      { run: first.id, call: first.pending[0].call, tool: "files/write", arguments: { path: "1" } },
      { run: second.id, arguments: { path: "2" } },
    ]);
    const [approval] = body.data;
    expect(Date.parse(approval.expiresAt) - Date.parse(approval.createdAt)).toBe(60_000);
    expect(approval.reason).toEqual(expect.any(String));

    await fresh.send(`/v1/sandbox/runs/${first.id}`, { method: "DELETE", headers });
    expect((await fresh.send("/v1/approvals", { headers })).body.data.length).toBe(1);
  });

  it.each(["/v1/sandbox/runs", "/v1/runs"])(
    "approving by POST %s/…/calls/… lets the program go on, and answers with its report",
    async (base) => {
      const { body: run } = await start({ code: "return [await files.write({ path: 'a' }), 'and on']" });
      const decision = { body: { decision: "approve" } };
      const path = `${base}/${run.id}/calls/${run.pending[0].call}`;
      const answer = await server.send(path, decision);
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({
        id: run.id,
        status: "completed",
        result: [expect.anything(), "and on"],
        calls: [{ status: "ok", decision: "approved" }],
      });
      expect((await server.send(path, decision)).body).toEqual(answer.body);
      const other = await server.send(path, { body: { decision: "deny" } });
      expect([other.status, other.body.code]).toEqual([409, "decision_conflict"]);
      expect((await server.send(`${base}/${run.id}/calls/call_x`, decision)).status).toBe(404);
      expect((await server.send(`${base}/run_x/calls/call_x`, decision)).status).toBe(404);
    },
  );

  it("a decision with ?wait=false is answered at once, and the program resumes", async () => {
    const { body: run } = await start({ code: "return await files.write({ path: 'a' })" });
    const [{ call }] = run.pending;
    const path = `/v1/runs/${run.id}/calls/${call}?wait=false`;
    const answer = await server.send(path, { body: { decision: "result", result: { ok: 1 } } });
    expect(answer.status).toBe(202);
    await until("it is completed", async () => {
      const { body } = await server.send(`/v1/sandbox/runs/${run.id}`);
      return body.status === "completed" && body.result.ok === 1;
    });
  });

  it("a denied call rejects in the program with the reason, and the program may continue without it", async () => {
    const code =
      "try { await files.write({ path: 'a' }) } catch (error) { return [error.kind, error.message] }";
    const { body: run } = await start({ code });
    const path = `/v1/runs/${run.id}/calls/${run.pending[0].call}`;
    const answer = await server.send(path, { body: { decision: "deny", reason: "not on a Friday" } });
    expect(answer.body.result).toEqual(["denied", "not on a Friday"]);
    expect(answer.body.calls).toMatchObject([{ status: "denied", decision: "denied" }]);
  });

  it("edited arguments that do not fit are refused, and the call still waits", async () => {
    const { body: run } = await start({ code: "return await files.write({ path: 'a' })" });
    const path = `/v1/runs/${run.id}/calls/${run.pending[0].call}`;
    const answer = await server.send(path, { body: { decision: "approve", arguments: { path: 7 } } });
    expect([answer.status, answer.body.code]).toEqual([422, "invalid_arguments"]);
    expect((await server.send(`/v1/sandbox/runs/${run.id}`)).body.status).toBe("waiting");
    const edited = await server.send(path, { body: { decision: "approve", arguments: { path: "b" } } });
    expect(edited.body.status).toBe("completed");
  });

  it.each([{}, { decision: "bogus" }])("a decision %j is refused, and the call still waits", async (body) => {
    const { body: run } = await start({ code: "await files.write({ path: 'a' })" });
    const answer = await server.send(`/v1/runs/${run.id}/calls/${run.pending[0].call}`, { body });
    expect([answer.status, answer.body.errors[0].pointer]).toEqual([400, "/decision"]);
    expect((await server.send(`/v1/sandbox/runs/${run.id}`)).body.status).toBe("waiting");
  });
});
