import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toRefusal } from "../../src/errors.ts";
import { toProblem } from "../../src/http/request/problem.ts";
import { sendBytes, startServer, type TestServer } from "./helpers/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());

describe("the two shapes", () => {
  it("a native refusal is problem+json with code, detail and errors", async () => {
    const { status, headers, body } = await server.send("/v1/sandbox/runs", { body: { code: 7 } });
    expect(status).toBe(400);
    expect(headers.get("content-type")).toBe("application/problem+json; charset=utf-8");
    expect(body).toEqual({
      type: "urn:toolarium:problem:invalid_request",
      title: "The request is not valid.",
      status: 400,
      code: "invalid_request",
      detail: "The body is not valid at /code: expected a string, got a number.",
      errors: [{ pointer: "/code", message: "expected a string, got a number" }],
    });
  });

  it.each([
    "/v1/chat/completions/x",
    "/v1/chat/no",
    "/v1/models/no/such/model",
    "/v1/mcp/tool/execute/x",
    "/v1/embeddings",
    "/v1/responses?stream=true",
    "/v1/completions",
    "/v1/toolsets",
  ])(
    "an unknown address that an OpenAI client may ask for, %s, is refused in OpenAI's shape",
    async (path) => {
      const { status, headers, body } = await server.send(path);
      expect(status).toBe(404);
      expect(headers.get("content-type")).toContain("application/json");
      expect(Object.keys(body)).toEqual(["error"]);
      expect(Object.keys(body.error).toSorted()).toEqual(["code", "message", "param", "type"]);
    },
  );

  it.each(["/v1/chat/completions", "/v1/mcp/tool/execute"])(
    "%s refuses a broken body in OpenAI's shape",
    async (path) => {
      const { status, body } = await server.send(path, { body: '{"a": ' });
      expect([status, body.error.code, body.error.type]).toEqual([
        400,
        "invalid_request",
        "invalid_request_error",
      ]);
      expect(body.error.message).toContain("line 1, column 7");
    },
  );
});

describe("addresses and methods", () => {
  it.each([
    "/v1",
    "/v1/sandbox",
    "/v1/sandbox/nothing",
    "/v1/runs/x",
    "/v1/declarations/x",
    "/v1/mcp/servers/none",
    "/v1/approvals/x",
    "/nothing.js",
    "/metrics",
    "/openapi.json",
    "/v1/tools/only-server",
    "//v1/tools",
  ])("%s is not found", async (path) => {
    const { status, body } = await server.send(path);
    expect([status, body.code]).toEqual([404, "not_found"]);
  });

  it("a POST to an unknown address is 404, with any body", async () => {
    const { status, body } = await server.send("/v1/sandbox/nothing", { body: "{broken" });
    expect([status, body.code]).toEqual([404, "not_found"]);
  });

  it.each([
    ["PUT", "/v1/sandbox/runs", "GET, HEAD, POST"],
    ["GET", "/v1/sandbox/check", "POST"],
    ["POST", "/v1/tools", "GET, HEAD"],
    ["PATCH", "/v1/sandbox/runs/run_x", "DELETE, GET, HEAD"],
    ["DELETE", "/v1/tools/a/b", "POST"],
    ["POST", "/livez", "GET, HEAD"],
    ["DELETE", "/", "GET, HEAD"],
    ["OPTIONS", "/v1/tools", "GET, HEAD"],
  ])("%s %s is 405 and names what is served", async (method, path, allow) => {
    const { status, headers, body } = await server.send(path, { method });
    expect([status, body.code, headers.get("allow")]).toEqual([405, "method_not_allowed", allow]);
  });

  it("a wrong method on an OpenAI path is refused in OpenAI's shape", async () => {
    const { status, headers, body } = await server.send("/v1/chat/completions", { method: "GET" });
    expect([status, body.error.code, headers.get("allow")]).toEqual([405, "method_not_allowed", "POST"]);
  });

  it("a broken percent escape is refused by the gateway, not the framework", async () => {
    const { status, body } = await server.send("/v1/sandbox/runs/%zz");
    expect([status, body.code]).toEqual([400, "invalid_request"]);
  });

  it("a very long name is not found", async () => {
    const { status, body } = await server.send(`/v1/sandbox/runs/${"x".repeat(5_000)}`);
    expect([status, body.code]).toEqual([404, "not_found"]);
  });

  it("bytes that are not HTTP get the gateway's own 400, and the connection ends", async () => {
    const answer = await sendBytes(server.port, "HELO gateway\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(JSON.parse(answer.split("\r\n\r\n")[1] ?? "").code).toBe("invalid_request");
  });
});

describe("bodies", () => {
  it.each([
    ['{"code": "x"', "line 1, column 13"],
    ['{\n  "code": return\n}', "line 2, column 11"],
    ["{'code': 1}", "line 1, column 2"],
    ['{"code": "x",}', "line 1, column 14"],
    ['{"code": 1} x', "line 1, column 13"],
    ["// note\n{}", "line 1, column 1"],
  ])("%j is refused with the place where it breaks", async (text, place) => {
    const { status, body } = await server.send("/v1/sandbox/runs", { body: text });
    expect([status, body.code]).toEqual([400, "invalid_request"]);
    expect(body.detail).toContain(place);
  });

  it.each([
    ["[]", "", "expected an object, got an array"],
    ["null", "", "expected an object, got null"],
    ["", "", "expected an object, got nothing"],
    ["{}", "/code", "expected a string, got nothing"],
    ['{"code":"  \\n "}', "/code", "expected a program, got blank text"],
    [
      '{"code":"1","typecheck":"yes"}',
      "/typecheck",
      'expected "error" or "warn" or "off", got another string',
    ],
    ['{"code":"1","wait":"yes"}', "/wait", "expected a boolean, got a string"],
    ['{"code":"1","tools_filter":"files/*"}', "/tools_filter", "expected an array, got a string"],
    ['{"code":"1","tools_filter":["a",null]}', "/tools_filter/1", "expected a string, got null"],
    ['{"code":"1","limits":{"wallMs":"5"}}', "/limits/wallMs", "expected a number, got a string"],
    ['{"code":"1","limits":{"wallSeconds":5}}', "/limits/wallSeconds", "there is no such field here"],
    ['{"code":"1","a/b~c":1}', "/a~1b~0c", "there is no such field here"],
  ])("%s is refused at %j", async (text, pointer, message) => {
    const { status, body } = await server.send("/v1/sandbox/runs", {
      body: text,
      method: "POST",
      headers: { "content-type": "application/json" },
    });
    expect([status, body.code]).toEqual([400, "invalid_request"]);
    expect(body.errors).toContainEqual({ pointer, message });
  });

  it("all faults of a body are named at once", async () => {
    const { body } = await server.send("/v1/sandbox/runs", { body: { code: 1, wait: 2, more: 3 } });
    expect(body.errors.map(({ pointer }: { pointer: string }) => pointer).toSorted()).toEqual([
      "/code",
      "/more",
      "/wait",
    ]);
  });

  it.each([
    ["POST", "/v1/sandbox/check", { code: "1", input: 1 }],
    ["POST", "/v1/tools/files/list", { args: {} }],
    [
      "POST",
      "/v1/mcp/tool/execute",
      { id: "c", type: "function", function: { name: "a", arguments: "{}" }, args: 1 },
    ],
    ["DELETE", "/v1/sandbox/runs/run_x", { reason: "no" }],
    ["POST", "/v1/sandbox/check", '{"code":"1","__proto__":{"a":1}}'],
    ["POST", "/v1/tools/files/list", '{"\\u005f_proto__":1}'],
    ["DELETE", "/v1/sandbox/runs/run_x", '{"__proto__":null}'],
  ])("%s %s refuses fields it does not know", async (method, path, body) => {
    const answer = await server.send(path, { method, body });
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer.body)).toContain("there is no such field here");
  });

  it.each([
    ["deeper than a program could return", "[".repeat(20_000) + "]".repeat(20_000), "/input"],
    ["so deep that it is not even read", "[".repeat(100_000) + "]".repeat(100_000), ""],
    ["so deep, and cut short", '{"a":'.repeat(100_000), ""],
    ["and cut short", '{"a":'.repeat(10_000), ""],
  ])("a value nested %s is refused, not a crash", async (_, deep, pointer) => {
    const { status, body } = await server.send("/v1/sandbox/runs", {
      body: `{"code":"return 1","input":${deep}}`,
    });
    expect([status, body.errors[0].pointer]).toEqual([400, pointer]);
  });

  it("a large body that is not JSON is refused with the place of the fault", async () => {
    const { status, body } = await server.send("/v1/sandbox/runs", {
      body: `{"code":"return 1",\n"input":["${"x".repeat(100_000)}" 1]}`,
    });
    expect([status, body.detail]).toEqual([400, "The body is not valid JSON at line 2, column 100013."]);
  });

  it("a body with many faults is refused with the first of them, and one with too many values is not parsed", async () => {
    const faults = await server.send("/v1/sandbox/runs", {
      body: {
        code: "return 1",
        ...Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`k${n}`, n])),
      },
    });
    expect([faults.status, faults.body.errors.length]).toEqual([400, 100]);
    expect(faults.body.detail).toContain("(and 4999 more)");
    const many = await server.send("/v1/sandbox/runs", {
      body: `{"code":"return 1","input":[${"1,".repeat(300_000)}1]}`,
    });
    expect([many.status, many.body.code]).toEqual([413, "body_too_large"]);
    expect(many.body.detail).toContain("as one string of JSON");
  });

  it("a __proto__ field is named by its pointer like any unknown one", async () => {
    const { body } = await server.send("/v1/sandbox/runs", { body: '{"code":"return 1","__proto__":{}}' });
    expect(body.errors).toEqual([{ pointer: "/__proto__", message: "there is no such field here" }]);
  });

  it("a __proto__ key inside a value is dropped", async () => {
    const { body } = await server.send("/v1/sandbox/runs", {
      body: '{"code":"return input","input":{"a":1,"__proto__":{"b":2}}}',
    });
    expect(body.result).toEqual({ a: 1 });
  });

  it("a body over the limit is 413 in both shapes, with and without a length; chat has a limit of its own", async () => {
    const big = JSON.stringify({ code: "x".repeat(1_200_000) });
    const native = await server.send("/v1/sandbox/runs", { body: big });
    expect([native.status, native.body.code]).toEqual([413, "body_too_large"]);
    expect(native.body.detail).toContain("1048576");

    const streamed = await fetch(`${server.url}/v1/sandbox/runs`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: new Blob([big]).stream(),
      duplex: "half",
    } as RequestInit);
    expect(streamed.status).toBe(413);

    const underChat = await server.send("/v1/chat/completions", { body: big });
    expect(underChat.status).toBe(400);
    const chat = await server.send("/v1/chat/completions", {
      body: JSON.stringify({ model: "x".repeat(2_200_000) }),
    });
    expect([chat.status, chat.body.error.code]).toEqual([413, "body_too_large"]);
  });

  it("a client that still sends a body far over the limit gets the response, and its connection stays open", async () => {
    const big = JSON.stringify({ code: "x".repeat(9_000_000) });
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const { status, headers, body } = await server.send("/v1/sandbox/runs", { body: big });
      expect([status, body.code]).toEqual([413, "body_too_large"]);
      expect(headers.get("connection")).toBe("keep-alive");
    }
  });

  it("DELETE and a tool call need no body, also when the client announces JSON", async () => {
    const headers = { "content-type": "application/json" };
    const gone = await server.send("/v1/sandbox/runs/run_x", { method: "DELETE", headers });
    expect(gone.status).toBe(404);
    const called = await server.send("/v1/tools/files/list", { method: "POST", headers });
    expect(called.body).toEqual({ result: ["a.txt", "b.txt"] });
  });
});

describe("an unexpected error", () => {
  it("is answered without details; the log has them", () => {
    const refusal = toRefusal(
      new Error("connect to db.internal failed: password hunter22 at /srv/gateway/x.ts:1:1"),
    );
    const problem = toProblem(refusal);
    expect(problem).toMatchObject({ status: 500, code: "internal_error" });
    expect(JSON.stringify(problem)).not.toMatch(/hunter22|srv|db\.internal/);
    expect(refusal.cause).toBeInstanceOf(Error);
  });
});
