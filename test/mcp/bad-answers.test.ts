/** One bad answer costs one call: it fails at once with the reason, and the session and all else live on. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Hub } from "../../src/mcp/server.ts";
import { type Answer, body, cut, events, type RawServer, reply, startRaw } from "../fixtures/mcp/raw-http.ts";
import { call, openHub, remote, stateOf, stdio } from "./hubs.ts";

const not = (why: string): object => ({
  ok: false,
  failure: { kind: "unavailable", message: `The server "remote" is not available: ${why}.` },
});
const gives = (value: unknown): object => ({ ok: true, value });
const data =
  (message: object) =>
  (id: unknown): string =>
    `data: ${JSON.stringify({ jsonrpc: "2.0", id, ...message })}`;
const words = { content: [{ type: "text", text: "words" }] };

describe("over HTTP, a call that is answered with", () => {
  let server: RawServer;
  let hub: Hub;

  beforeAll(async () => {
    server = await startRaw();
    hub = openHub([remote(server.url)]);
    await hub.settled;
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
    await server.stop();
  });

  test.each<[string, Answer, object]>([
    // What has no meaning.
    ["a web page", body("<!DOCTYPE html><html>hi</html>", "text/html"), not("it answered with a web page")],
    ["a web page that says it is JSON", body("<html>hi</html>"), not("it answered with a web page")],
    ["an empty body", body(""), not("it answered with an empty body")],
    ["nothing but 202", body("", "text/plain", 202), not("it answered HTTP 202 and no result")],
    ["nothing but 204", (res) => void res.writeHead(204).end(), not("it answered HTTP 204 and no result")],
    [
      "half of a JSON text",
      body('{"jsonrpc":"2.0","id":1,"result":{"con'),
      not("its answer is not valid JSON"),
    ],
    ["plain text", body("all good", "text/plain"), not("its answer is not a JSON-RPC message")],
    ["JSON that is no message", body('{"status":"ok"}'), not("its answer is not a JSON-RPC message")],
    ["the number 7", body("7"), not("its answer is not a JSON-RPC message")],
    ["an empty list", body("[]"), not("its answer is not a JSON-RPC message")],
    ["neither a result nor an error", reply({}), not("its answer holds neither a result nor an error")],
    [
      "a result that is text",
      reply({ result: "done" }),
      not("its answer is not an MCP result: an object was expected, a string came"),
    ],
    [
      "a result that is a list",
      reply({ result: [1] }),
      not("its answer is not an MCP result: an object was expected, an array came"),
    ],
    [
      "the id of a request that was never made",
      reply({ id: 90_001, result: words }),
      not("it answered a request that nobody made"),
    ],
    [
      "a stream that ends without an answer",
      events(() => ": hi"),
      not("it ended the stream without an answer"),
    ],
    [
      "a stream of which the answer is cut short",
      events(() => 'data: {"jsonrpc":"2.0","resu'),
      not("its answer is not valid JSON"),
    ],
    [
      "a stream that has a foreign id",
      events((id) => data({ id: `${id}-x`, result: words })(id)),
      not("it answered a request that nobody made"),
    ],
    // What has a plain meaning.
    ["_meta: null", reply({ result: { ...words, _meta: null } }), gives("words")],
    [
      "_meta that holds null",
      reply({ result: { ...words, _meta: { progressToken: null } } }),
      gives("words"),
    ],
    ["error: null beside the result", reply({ result: words, error: null }), gives("words")],
    [
      "an empty error beside the result",
      reply({ result: words, error: { code: 0, message: "" } }),
      gives("words"),
    ],
    ["result: null", reply({ result: null }), gives(null)],
    ["the id as text", (res, m) => reply({ id: String(m.id), result: words })(res, m), gives("words")],
    ["no id", reply({ id: undefined, result: words }), gives("words")],
    ["id: null", reply({ id: null, result: words }), gives("words")],
    ["no jsonrpc field", reply({ jsonrpc: undefined, result: words }), gives("words")],
    ["a list of one message", body((id) => JSON.stringify([{ id, result: words }])), gives("words")],
    [
      "the wrong content type",
      body((id) => JSON.stringify({ id, result: words }), "text/html"),
      gives("words"),
    ],
    [
      "events of the wrong content type",
      body((id) => `${data({ result: words })(id)}\n\n`, "text/plain"),
      gives("words"),
    ],
    ["HTTP 201 and a result", reply({ result: words }, 201), gives("words")],
    ["content that is text", reply({ result: { content: "words" } }), gives("words")],
    [
      "content that is one block",
      reply({ result: { content: { type: "text", text: "words" } } }),
      gives("words"),
    ],
    ["content: null", reply({ result: { content: null } }), gives(null)],
    ["structuredContent that is a list", reply({ result: { structuredContent: [1, 2] } }), gives([1, 2])],
    [
      "a stream with noise, other events and CRLF",
      events(
        () => "event: ping\r\ndata: {}\r",
        () => "data: [DONE]",
        () => "data: null",
        (id) => `event: message\r\nid: 7\r\n${data({ result: words })(id)}\r`,
      ),
      gives("words"),
    ],
    [
      "a stream whose last event no blank line ends",
      (res, { id }) =>
        void res.writeHead(200, { "content-type": "text/event-stream" }).end(data({ result: words })(id)),
      gives("words"),
    ],
    [
      "an answer over several data lines",
      events((id) => `data: {"jsonrpc":"2.0",\ndata: "id":${id},\ndata: "result":${JSON.stringify(words)}}`),
      gives("words"),
    ],
  ])("%s", async (_what, answer, outcome) => {
    const held = Promise.withResolvers<() => void>();
    server.answer({
      "tools/call": (res, message) => {
        if (message.params["name"] === "go") return answer(res, message);
        held.resolve(() => void reply({ result: { structuredContent: { held: true } } })(res, message));
      },
    });
    const starts = server.received.filter((method) => method === "initialize").length;
    const beside = call(hub, "remote", "other");
    const release = await held.promise;

    expect(await call(hub, "remote", "go", {}, { timeoutMs: 3_000 })).toEqual(outcome);

    release();
    expect(await beside).toEqual(gives({ held: true }));
    expect(stateOf(hub, "remote")).toMatchObject({ state: "ready" });
    expect(server.received.filter((method) => method === "initialize").length).toBe(starts);
  });

  test.each<[string, Answer, object]>([
    [
      "an error without a code",
      reply({ error: { message: "the index is locked" } }),
      { kind: "tool", message: "the index is locked" },
    ],
    ["an error that is text", reply({ error: "no luck" }), { kind: "tool", message: "no luck" }],
    [
      "an error whose message is an object",
      reply({ error: { code: -32_000, message: { detail: "no luck" } } }),
      { kind: "tool", message: "no luck" },
    ],
    [
      "a result and an error",
      reply({ result: words, error: { code: -32_000, message: "no luck" } }),
      { kind: "tool", message: "no luck" },
    ],
    [
      "isError and content that is text",
      reply({ result: { isError: true, content: "no luck" } }),
      { kind: "tool", message: "no luck" },
    ],
    [
      "an error for nobody",
      reply({ id: null, error: { code: -32_700, message: "Parse error" } }),
      { kind: "tool", message: "Parse error" },
    ],
    [
      "a JSON-RPC error and HTTP 400",
      reply({ error: { code: -32_602, message: "a must be a number" } }, 400),
      { kind: "invalid_arguments", message: "a must be a number" },
    ],
    [
      "a JSON-RPC error and HTTP 500",
      reply({ error: { code: -32_603, message: "the disk is full" } }, 500),
      {
        kind: "unavailable",
        message: 'The server "remote" is not available: it answered HTTP 500: the disk is full.',
      },
    ],
    [
      "an error of validation that is a dump",
      reply(
        {
          error: {
            code: -32_603,
            message: `[\n {"code":"invalid_type","path":["a","b"],"message":"Required"}\n]`,
          },
        },
        500,
      ),
      {
        kind: "unavailable",
        message: 'The server "remote" is not available: it answered HTTP 500: a.b: Required.',
      },
    ],
    [
      "HTTP 503 and a page",
      body("<html>come back</html>", "text/html", 503),
      { kind: "unavailable", message: 'The server "remote" is not available: it answered HTTP 503.' },
    ],
    [
      "HTTP 429 and words of its own",
      body('{"error":"rate_limited","error_description":"ten calls a minute"}', "application/json", 429),
      {
        kind: "unavailable",
        message: 'The server "remote" is not available: it answered HTTP 429: ten calls a minute.',
      },
    ],
    [
      "a cut connection",
      cut,
      { kind: "unavailable", message: expect.stringContaining("it cannot be reached") },
    ],
    [
      "half of a body",
      (res) => {
        res.writeHead(200, { "content-type": "application/json", "content-length": "100" });
        res.write('{"jsonrpc"', () => res.destroy());
      },
      {
        kind: "unavailable",
        message: expect.stringContaining("the connection broke in the middle of the answer"),
      },
    ],
    [
      "half of a stream",
      (res) => {
        res.writeHead(200, { "content-type": "text/event-stream" });
        res.write('data: {"jsonrpc"', () => res.destroy());
      },
      { kind: "unavailable", message: expect.stringContaining("it ended the stream without an answer") },
    ],
  ])("%s fails with what the server says", async (_what, answer, failure) => {
    server.answer({ "tools/call": answer });
    expect(await call(hub, "remote", "go", {}, { timeoutMs: 3_000 })).toMatchObject({ ok: false, failure });
    server.answer({ "tools/call": reply({ result: words }) });
    expect(await call(hub, "remote", "go")).toEqual(gives("words"));
    expect(stateOf(hub, "remote").state).toBe("ready");
    expect(server.received.filter((method) => method === "initialize").length).toBe(1);
  });
});

describe("over stdio, a call that is answered with", () => {
  const name = "answers-badly";
  let hub: Hub;

  beforeAll(async () => {
    hub = openHub([stdio(name)]);
    await hub.settled;
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
  });
  const result = JSON.stringify(words);
  const notThis = (why: string): object => ({
    ok: false,
    failure: { kind: "unavailable", message: `The server "${name}" is not available: ${why}.` },
  });

  test.each([
    [
      "error: null beside the result",
      `{"jsonrpc":"2.0","id":$ID,"result":${result},"error":null}`,
      gives("words"),
    ],
    ["result: null", '{"jsonrpc":"2.0","id":$ID,"result":null}', gives(null)],
    ["_meta: null", '{"jsonrpc":"2.0","id":$ID,"result":{"_meta":null,"content":[]}}', gives(null)],
    ["no id", `{"jsonrpc":"2.0","result":${result}}`, gives("words")],
    ["the id as text", `{"jsonrpc":"2.0","id":"$ID","result":${result}}`, gives("words")],
    [
      "another id",
      `{"jsonrpc":"2.0","id":"x","result":${result}}`,
      notThis("it answered a request that nobody made"),
    ],
    [
      "half of a JSON text",
      '{"jsonrpc":"2.0","id":$ID,"result":{"co',
      notThis("its answer is not valid JSON"),
    ],
    ["neither", '{"jsonrpc":"2.0","id":$ID}', notThis("its answer holds neither a result nor an error")],
    ["a batch", `[{"jsonrpc":"2.0","id":$ID,"result":${result}}]`, gives("words")],
    [
      "an error that is text",
      '{"jsonrpc":"2.0","id":$ID,"error":"no"}',
      { ok: false, failure: { kind: "tool", message: "no" } },
    ],
  ])("%s", async (_what, line, outcome) => {
    expect(await call(hub, name, "line", { line }, { timeoutMs: 3_000 })).toEqual(outcome);
    expect(await call(hub, name, "fine")).toEqual(gives("fine"));
    expect(stateOf(hub, name)).toMatchObject({ state: "ready", lastError: null });
  });

  test("an answer that comes after its time takes no other call with it", async () => {
    const late = call(hub, name, "line", { line: "" }, { timeoutMs: 50 });
    expect(await late).toMatchObject({ ok: false, failure: { kind: "timeout" } });
    const pending = call(
      hub,
      name,
      "line",
      { line: `{"jsonrpc":"2.0","id":0,"result":{}}` },
      { timeoutMs: 300 },
    );
    expect(await pending).toMatchObject({ ok: false, failure: { kind: "timeout" } });
  });
});
