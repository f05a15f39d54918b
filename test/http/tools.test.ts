import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../helpers/until.ts";
import { type Answer, startServer, type TestServer } from "./helpers/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer({
    keys: [
      { name: "all", key: "all" },
      { name: "narrow", key: "narrow", tools: { allow: ["files/*"], autoExecute: [] } },
      { name: "root", key: "root", may: ["run", "admin"], tools: { allow: ["files/*"] } },
    ],
    tools: { allow: ["files/*", "slow/hold"] },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

const key = { authorization: "Bearer all" };
const send: TestServer["send"] = (path, options = {}) =>
  server.send(path, { ...options, headers: { ...key, ...options.headers } });
const ids = (answer: { body: { data: { id: string }[] } }): string[] => answer.body.data.map(({ id }) => id);

const filesIds = ["files/fail", "files/list", "files/odd/name with blank", "files/read", "files/write"];

describe("GET /v1/tools", () => {
  it("lists every tool with its names, schemas and status", async () => {
    const answer = await send("/v1/tools");
    expect(ids(answer)).toEqual([...filesIds, "slow/hold"]);
    expect(answer.body.data[3]).toEqual({
      id: "files/read",
      server: "files",
      name: "read",
      callable: "files.read",
      functionName: "files__read",
      description: "Does read.",
      inputSchema: {
        type: "object",
        properties: { path: { type: "string" } },
        required: ["path"],
        additionalProperties: false,
      },
      outputSchema: null,
      annotations: {},
      allowed: true,
      autoExecute: true,
      available: true,
      reason: null,
    });
    expect(answer.body.data[4]).toMatchObject({ id: "files/write", allowed: true, autoExecute: false });
    expect(answer.body.data[4].reason).toEqual(expect.any(String));
  });

  it("a key is shown the tools that it may use, and no others", async () => {
    const answer = await send("/v1/tools", { headers: { authorization: "Bearer narrow" } });
    expect(ids(answer)).toEqual(filesIds);
    expect(answer.body.data[1]).toMatchObject({ id: "files/list", allowed: true, autoExecute: false });
  });

  it("an admin also sees the tools that the rules exclude, with the rule", async () => {
    const { body } = await send("/v1/tools", { headers: { authorization: "Bearer root" } });
    const hold = body.data.find(({ id }: { readonly id: string }) => id === "slow/hold");
    expect(hold).toMatchObject({ allowed: false, autoExecute: false });
    expect(hold.reason).toContain("root");
  });
});

describe("request filters", () => {
  it.each(["x-mcp-include-servers", "x-bf-mcp-include-clients"])("%s names servers", async (name) => {
    const list = async (value: string) => ids(await send("/v1/tools", { headers: { [name]: value } }));
    expect(await list("slow")).toEqual(["slow/hold"]);
    expect(await list("slow, files")).toEqual([...filesIds, "slow/hold"]);
    expect(await list("*")).toEqual([...filesIds, "slow/hold"]);
    expect(await list("")).toEqual([]);
    expect(await list("nobody")).toEqual([]);
  });

  it.each(["x-mcp-include-tools", "x-bf-mcp-include-tools"])("%s holds patterns", async (name) => {
    const list = async (value: string) => ids(await send("/v1/tools", { headers: { [name]: value } }));
    expect(await list("files/list,slow/*")).toEqual(["files/list", "slow/hold"]);
    expect(await list("files/r*")).toEqual(["files/read"]);
    expect(await list("*")).toEqual([...filesIds, "slow/hold"]);
    expect(await list("")).toEqual([]);
  });

  it("several filters intersect, also the two spellings of one", async () => {
    const list = async (headers: Record<string, string>) => ids(await send("/v1/tools", { headers }));
    expect(await list({ "x-mcp-include-servers": "files", "x-mcp-include-tools": "slow/*" })).toEqual([]);
    expect(
      await list({
        "x-mcp-include-tools": "files/list,files/read",
        "x-bf-mcp-include-tools": "files/read,slow/*",
      }),
    ).toEqual(["files/read"]);
    expect(await list({ "x-mcp-include-servers": "files,slow", "x-bf-mcp-include-clients": "slow" })).toEqual(
      ["slow/hold"],
    );
  });

  it("apply to declarations, programs, calls and executed calls alike, and name their rule", async () => {
    const headers = { "x-mcp-include-tools": "files/list" };
    const declarations = await send("/v1/declarations", { headers });
    expect(declarations.body).toContain("list");
    expect(declarations.body).not.toContain("hold");

    const code = "try { await tools.files.read({ path: 'a' }) } catch (error) { return error.message }";
    const run = await send("/v1/sandbox/runs", { body: { code, typecheck: "off" }, headers });
    expect(run.body.result).toContain("x-mcp-include-tools");

    const call = await send("/v1/tools/files/read", { body: { arguments: { path: "a" } }, headers });
    expect([call.status, call.body.code]).toEqual([403, "tool_not_allowed"]);
    expect(call.body.detail).toContain("x-mcp-include-tools");

    const executed = await send("/v1/mcp/tool/execute", {
      body: { id: "c", type: "function", function: { name: "files__read", arguments: '{"path":"a"}' } },
      headers,
    });
    expect([executed.status, executed.body.error.code]).toEqual([403, "tool_not_allowed"]);
    expect(server.tools.calls).toEqual([]);
  });
});

describe("request filters that match nothing", () => {
  const warningOf = ({ headers }: Answer): string | null => headers.get("x-toolarium-warning");
  const nearest = 'x-mcp-include-tools: "files/raed" matches no tool; did you mean "files/read"?';

  it("are reported with the nearest name, in a header of every response", async () => {
    const headers = { "x-mcp-include-tools": "files/raed" };
    const chat = { model: "builtin/script", mode: "code", messages: [{ role: "user", content: "hello" }] };
    for (const answer of [
      send("/v1/tools", { headers }),
      send("/v1/declarations", { headers }),
      send("/v1/tools/files/list", { headers, body: {} }),
      send("/v1/sandbox/check", { headers, body: { code: "return 1" } }),
      send("/v1/chat/completions", { headers, body: chat }),
      send("/v1/chat/completions", { headers, body: { ...chat, stream: true } }),
      send("/v1/sandbox/runs", { headers, body: { code: "return 1", stream: true } }),
    ])
      expect(warningOf(await answer)).toBe(nearest);
  });

  it("are also reported in a run's report", async () => {
    const body = { code: "return 1", tools_filter: ["fils/*", "files/\u{1f600}"] };
    const answer = await send("/v1/sandbox/runs", { body });
    expect(answer.body).toMatchObject({
      status: "completed",
      diagnostics: [
        { severity: "note", message: 'tools_filter: "fils/*" matches no tool; did you mean "files/*"?' },
        { severity: "note", message: 'tools_filter: "files/\u{1f600}" matches no tool.' },
      ],
    });
    expect(warningOf(answer)).toContain('"fils/*" matches no tool');
  });

  it("are not reported when they match something, or are empty", async () => {
    for (const tools_filter of [["files/*"], []]) {
      const answer = await send("/v1/sandbox/runs", { body: { code: "return 1", tools_filter } });
      expect([warningOf(answer), answer.body.diagnostics]).toEqual([null, []]);
    }
  });
});

describe("POST /v1/tools/{server}/{tool}", () => {
  it("calls the tool and answers with its result", async () => {
    const { status, body } = await send("/v1/tools/files/read", { body: { arguments: { path: "a" } } });
    expect([status, body]).toEqual([200, { result: "the text" }]);
    expect(server.tools.calls.at(-1)).toEqual({ tool: "files/read", args: { path: "a" } });
  });

  it("a person's own call needs no approval", async () => {
    const { status, body } = await send("/v1/tools/files/write", { body: { arguments: { path: "a" } } });
    expect([status, body]).toEqual([200, { result: { written: true } }]);
  });

  it("names may hold encoded characters", async () => {
    const { status, body } = await send("/v1/tools/files/odd%2Fname%20with%20blank", { body: {} });
    expect([status, body]).toEqual([200, { result: 7 }]);
  });

  it("names may be as long as servers make them", async () => {
    const { status, body } = await send(`/v1/tools/files/${"n".repeat(500)}`, { body: {} });
    expect([status, body.code]).toEqual([404, "unknown_tool"]);
  });

  it.each([
    ["files/nothing", {}, 404, "unknown_tool"],
    ["nobody/nothing", {}, 404, "unknown_tool"],
    ["files/read", {}, 422, "invalid_arguments"],
    ["files/read", { path: 7 }, 422, "invalid_arguments"],
    ["files/read", "text", 422, "invalid_arguments"],
    ["files/fail", {}, 422, "tool_error"],
  ])("%s with %j is %i %s", async (path, args, status, code) => {
    const answer = await send(`/v1/tools/${path}`, { body: { arguments: args } });
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  it("passes on the tool's message", async () => {
    const { body } = await send("/v1/tools/files/fail", { body: {} });
    expect(body.detail).toContain("the disk is full");
  });

  it("a tool that takes too long is 504", async () => {
    await using quick = await startServer({ tools: { timeoutMs: 100 } });
    const { status, body } = await quick.send("/v1/tools/slow/hold", { body: {} });
    expect([status, body.code]).toEqual([504, "timeout"]);
  });

  it("leaves a record of its own kind", async () => {
    const before = (await send("/v1/sandbox/runs?limit=1")).body.data[0]?.id;
    await send("/v1/tools/files/list", { body: {} });
    const after = (await send("/v1/sandbox/runs?limit=1")).body.data[0]?.id;
    expect(after).toBe(before);
  });
});

describe("POST /v1/mcp/tool/execute", () => {
  const toolCall = (name: string, args: unknown = "{}", id = "call_abc") => ({
    id,
    type: "function",
    function: { name, arguments: args },
  });
  const execute = (body: unknown) => send("/v1/mcp/tool/execute", { body });

  it.each(["files__read", "files/read"])(
    "runs an OpenAI tool call of %s and answers with a tool message",
    async (name) => {
      const { status, body } = await execute(toolCall(name, '{"path":"a"}'));
      expect([status, body]).toEqual([
        200,
        { role: "tool", tool_call_id: "call_abc", name, content: "the text" },
      ]);
    },
  );

  it("accepts the call wrapped, with arguments as an object, and with fields that providers add", async () => {
    const wrapped = await execute({ tool_call: { ...toolCall("files__list", {}), index: 0 } });
    expect(wrapped.body.content).toBe('["a.txt","b.txt"]');
    expect((await execute(toolCall("files__list", ""))).status).toBe(200);
  });

  it("a failing tool is content for the model, not an HTTP error", async () => {
    const failed = await execute(toolCall("files__fail"));
    expect(failed.status).toBe(200);
    expect(failed.body.content).toContain("the disk is full");
    const misused = await execute(toolCall("files__read", '{"path":'));
    expect(misused.status).toBe(200);
    expect(misused.body.content).toContain("invalid_arguments");
  });

  it("a tool that is unknown, or outside the allowed set, is refused in OpenAI's form", async () => {
    const unknown = await execute(toolCall("files__nothing"));
    expect([unknown.status, unknown.body.error.code]).toEqual([404, "unknown_tool"]);
    const filtered = await execute({ ...toolCall("files__list"), tools_filter: ["slow/*"] });
    expect([filtered.status, filtered.body.error.code]).toEqual([403, "tool_not_allowed"]);
    expect(filtered.body.error.message).toContain("tools_filter");
  });

  describe("with the id of a call that needs approval", () => {
    const waiting = async (code = "return await files.write({ path: 'a' })") => {
      const { body: run } = await send("/v1/sandbox/runs", { body: { code } });
      return { run: run.id, call: run.pending[0].call };
    };

    it("approves it and returns its result; a retry gets the same, and the call is made once", async () => {
      const before = server.tools.calls.length;
      const { run, call } = await waiting();
      const first = await execute(toolCall("files__write", '{ "path": "a" }', call));
      expect([first.status, first.body]).toEqual([
        200,
        { role: "tool", tool_call_id: call, name: "files__write", content: '{"written":true}' },
      ]);
      expect((await execute(toolCall("files/write", "", call))).body.content).toBe('{"written":true}');
      expect(server.tools.calls.length - before).toBe(1);
      await until(
        "its program has ended",
        async () => (await send(`/v1/sandbox/runs/${run}`)).body.status === "completed",
      );
    });

    it("with edited arguments approves it with these", async () => {
      const { call } = await waiting();
      expect((await execute(toolCall("files__write", { path: 1 }, call))).body.error.code).toBe(
        "invalid_arguments",
      );
      const edited = toolCall("files__write", { path: "b" }, call);
      expect((await execute(edited)).status).toBe(200);
      expect(server.tools.calls.at(-1)?.args).toEqual({ path: "b" });
      expect((await execute(edited)).status).toBe(200);
      const other = await execute(toolCall("files__write", { path: "a" }, call));
      expect([other.status, other.body.error.code]).toEqual([409, "decision_conflict"]);
    });

    it("refuses another tool's name, a key without the right, and unknown ids", async () => {
      const { call } = await waiting();
      const other = await execute(toolCall("files__list", "{}", call));
      expect([other.status, other.body.error.param]).toEqual([400, "function.name"]);
      await using keyed = await server.alongside({
        keys: [{ key: "k", name: "runner", principal: "local", may: ["run"] }],
      });
      const headers = { authorization: "Bearer k" };
      const body = toolCall("files__write", "", call);
      const refused = await keyed.send("/v1/mcp/tool/execute", { body, headers });
      expect([refused.status, refused.body.error.code]).toEqual([403, "forbidden"]);
      const unknown = await execute(toolCall("files__list", "{}", `call_${"A".repeat(22)}_1`));
      expect([unknown.status, unknown.body.error.code]).toEqual([400, "unknown_call"]);
    });
  });

  it.each([
    [{}, "/id"],
    [{ ...toolCall("a"), type: "custom" }, "/type"],
    [{ tool_call: { id: "x" } }, "/tool_call/function"],
  ])("%j is refused at %s", async (body, pointer) => {
    const answer = await execute(body);
    expect([answer.status, answer.body.error.code]).toEqual([400, "invalid_request"]);
    expect(answer.body.error.message).toContain(pointer);
  });
});

describe("GET /v1/declarations", () => {
  it("is plain text, the same bytes each time, and says when nothing changed", async () => {
    const first = await send("/v1/declarations");
    expect(first.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    const second = await send("/v1/declarations");
    expect(second.body).toBe(first.body);
    const etag = first.headers.get("etag") ?? "";
    const unchanged = await send("/v1/declarations", { headers: { "if-none-match": etag } });
    expect([unchanged.status, unchanged.body]).toEqual([304, ""]);
  });

  it("?tools= narrows them", async () => {
    const { body } = await send("/v1/declarations?tools=files/r*,slow/hold");
    expect(body).toContain("read");
    expect(body).toContain("hold");
    expect(body).not.toContain("write");
    expect((await send("/v1/declarations?tools=files/write")).headers.get("etag")).not.toBeNull();
  });

  it.each(["tools=a&tools=b", "observed=maybe"])("refuses ?%s", async (query) => {
    const { status, body } = await send(`/v1/declarations?${query}`);
    expect([status, body.code]).toEqual([400, "invalid_request"]);
  });

  it("?observed=true is the same while nothing was observed", async () => {
    const { status, body } = await send("/v1/declarations?observed=true&tools=slow/*");
    expect([status, body]).toEqual([200, (await send("/v1/declarations?tools=slow/*")).body]);
  });
});

describe("POST /v1/sandbox/check", () => {
  const check = (body: object) => send("/v1/sandbox/check", { body });

  it("names the tools a program calls, and runs nothing", async () => {
    const called = server.tools.calls.length;
    const { status, body } = await check({
      code: "await files.list({}); await tools['files']['read']({ path: 'a' }); await files.list({})",
    });
    expect([status, body.ok, body.calls]).toEqual([200, true, ["files/list", "files/read"]]);
    expect(server.tools.calls.length).toBe(called);
  });

  it("a function's parameters may be fields of an input that comes with the run", async () => {
    const { body } = await check({ code: "export default ({ files, dir }) => files.list({ dir })" });
    expect(body).toMatchObject({ ok: true, diagnostics: [], calls: ["files/list"] });
  });

  it("a program that does not parse is not ok, with the place", async () => {
    const { status, body } = await check({ code: "return 1 +\n  )" });
    expect([status, body.ok, body.calls]).toEqual([200, false, []]);
    expect(body.diagnostics).toContainEqual(expect.objectContaining({ severity: "error", line: 2 }));
  });

  it("a call outside the allowed set is an error that names the nearest tool", async () => {
    const { body } = await check({ code: "await files.lists({})" });
    expect(body.ok).toBe(false);
    expect(body.diagnostics[0]).toMatchObject({ severity: "error", line: 1 });
    expect(body.diagnostics[0].message).toContain("files.list");
    const filtered = await check({ code: "await files.list({})", tools_filter: ["slow/*"] });
    expect(filtered.body.ok).toBe(false);
  });

  it("blank code is refused", async () => {
    expect((await check({ code: "\n" })).status).toBe(400);
  });
});

describe("GET /v1/mcp/servers", () => {
  it("shows each connection, and one by name", async () => {
    const { body } = await send("/v1/mcp/servers");
    expect(body.data.map(({ name, state, tools }: never) => [name, state, tools])).toEqual([
      ["files", "ready", 5],
      ["slow", "ready", 1],
    ]);
    expect((await send("/v1/mcp/servers/slow")).body).toEqual(body.data[1]);
    expect((await send("/v1/mcp/servers/nobody")).body.code).toBe("not_found");
  });

  it("a key sees the servers whose tools it may use, in outline", async () => {
    const narrow = { headers: { authorization: "Bearer narrow" } };
    expect((await send("/v1/mcp/servers", narrow)).body.data).toEqual([
      { name: "files", state: "ready", tools: 5 },
    ]);
    expect((await send("/v1/mcp/servers/slow", narrow)).status).toBe(404);
    const whole = await send("/v1/mcp/servers", { headers: { authorization: "Bearer root" } });
    expect(whole.body.data[1]).toHaveProperty("stderrTail");
  });
});

describe("long lists", () => {
  it("are read page by page, each tool once", async () => {
    const seen: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const from = cursor === "" ? "" : `&cursor=${cursor}`;
      const page: Awaited<ReturnType<typeof send>> = await send(`/v1/tools?limit=2${from}`);
      expect(page.status).toBe(200);
      expect(page.body.data.length).toBeLessThanOrEqual(2);
      seen.push(...ids(page));
      cursor = page.body.next_cursor;
    }
    expect(seen).toEqual([...filesIds, "slow/hold"]);
  });

  it("one tool is read whole by its id", async () => {
    expect(ids(await send("/v1/tools?id=files/read"))).toEqual(["files/read"]);
    expect(ids(await send("/v1/tools?id=files/none"))).toEqual([]);
  });

  it.each(["limit=0", "limit=1001", "cursor=bm9uZQ", "limit=x"])("%s is refused", async (query) => {
    expect((await send(`/v1/tools?${query}`)).status).toBe(400);
  });
});
