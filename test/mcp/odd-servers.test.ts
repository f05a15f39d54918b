/** Servers of older revisions, and servers that hold to none: they are taken as they are. */
import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import { initialize, tool } from "../fixtures/mcp/json-rpc.ts";
import {
  type Answer,
  accept,
  body,
  cut,
  events,
  keepSilent,
  type RawServer,
  reply,
  startRaw,
} from "../fixtures/mcp/raw-http.ts";
import { until } from "../helpers/until.ts";
import { call, openHub, remote, stateOf, stdio, toolNames } from "./hubs.ts";

describe("a server that answers the question about revisions with", () => {
  const silentStream: Answer = (res) =>
    void res.writeHead(200, { "content-type": "text/event-stream" }).write(": hi\n\n");
  const answers: readonly (readonly [string, Answer])[] = [
    ["silence", keepSilent],
    ["a stream without end", silentStream],
    ["a stream without an answer", events(() => ": bye")],
    ["HTTP 500", body("oops", "text/plain", 500)],
    ["HTTP 500 and a JSON-RPC error", reply({ error: { code: -32_603, message: "oops" } }, 500)],
    ["HTTP 501", body("", "text/plain", 501)],
    ["HTTP 400 and a page", body("<html></html>", "text/html", 400)],
    ["HTTP 404", body("", "text/plain", 404)],
    ["an empty 200", body("")],
    ["202", accept],
    ["204", (res) => void res.writeHead(204).end()],
    ["a page", body("<!doctype html><html></html>", "text/html")],
    ["half of a JSON text", body('{"jsonrpc"')],
    ["a cut connection", cut],
    ["an error for nobody", reply({ id: null, error: { code: -32_601, message: "?" } })],
    ["an empty result", reply({ result: {} })],
    ["result: null", reply({ result: null })],
  ];

  test("nothing that is an answer is initialised the old way, soon", async () => {
    const servers = await Promise.all(answers.map(([, answer]) => startRaw({ "server/discover": answer })));
    await using stack = new AsyncDisposableStack();
    for (const server of servers) stack.use(server);
    const startedAt = performance.now();
    await using hub = openHub(servers.map(({ url }, at) => remote(url, { name: `s${at}` })));
    await hub.settled;

    expect(performance.now() - startedAt).toBeLessThan(4_000);
    const states = answers.map(([what], at) => [
      what,
      stateOf(hub, `s${at}`).state,
      stateOf(hub, `s${at}`).lastError,
    ]);
    expect(states).toEqual(answers.map(([what]) => [what, "ready", null]));
    const outcomes = await Promise.all(answers.map((_, at) => call(hub, `s${at}`, "go", { n: at })));
    expect(outcomes).toEqual(answers.map((_, at) => ({ ok: true, value: { arguments: { n: at } } })));
  });

  test("silence over stdio is initialised the old way as soon as it answers anything", async () => {
    const name = "ignores-what-it-does-not-know";
    await using hub = openHub([stdio(name, [], { startTimeoutMs: 60_000 })]);
    await until("the server is ready", () => stateOf(hub, name).state === "ready", 8_000);
    expect(await call(hub, name, "go")).toEqual({ ok: true, value: "went" });
  });

  test("a refusal of its credentials is asked nothing more", async () => {
    await using server = await startRaw({ "server/discover": body("", "text/plain", 401) });
    await using hub = openHub([remote(server.url)]);
    await hub.settled;
    expect(stateOf(hub, "remote").lastError).toBe("it refused the credentials (HTTP 401)");
    expect(server.received).toEqual(["server/discover"]);
  });
});

describe("a server that says of itself", () => {
  const { serverInfo, capabilities, protocolVersion } = initialize;
  test.each<[string, Answer, object?]>([
    ["no name", reply({ result: { protocolVersion, capabilities } }), { serverInfo: null }],
    ["a name that is null", reply({ result: { ...initialize, serverInfo: null } }), { serverInfo: null }],
    [
      "no version",
      reply({ result: { ...initialize, serverInfo: { name: "n" } } }),
      { serverInfo: { name: "n", version: "" } },
    ],
    [
      "a title that is null",
      reply({ result: { ...initialize, serverInfo: { ...serverInfo, title: null, icons: null } } }),
      { serverInfo },
    ],
    ["no capabilities", reply({ result: { protocolVersion, serverInfo } })],
    ["capabilities: null", reply({ result: { ...initialize, capabilities: null } })],
    ["tools: null", reply({ result: { ...initialize, capabilities: { tools: null, logging: null } } })],
    ["tools: true", reply({ result: { ...initialize, capabilities: { tools: true } } })],
    ["no revision", reply({ result: { capabilities, serverInfo } }), { protocolVersion: "2025-11-25" }],
    ["a revision that is null", reply({ result: { ...initialize, protocolVersion: null } })],
    ["instructions: null", reply({ result: { ...initialize, instructions: null } })],
    ["_meta: null", reply({ result: { ...initialize, _meta: null } })],
    ["all of it under error: null", reply({ result: initialize, error: null })],
    ["all of it without an id", reply({ id: undefined, result: initialize })],
    ["nothing at all", reply({ result: {} }), { serverInfo: null }],
  ])("%s is taken", async (_what, answer, state = {}) => {
    await using server = await startRaw({ initialize: answer });
    await using hub = openHub([remote(server.url)]);
    await hub.settled;
    expect(stateOf(hub, "remote")).toMatchObject({ state: "ready", lastError: null, tools: 2, ...state });
  });

  test.each<[string, Answer]>([
    ["404", body("", "text/plain", 404)],
    ["405", body("", "text/plain", 405)],
    ["400 and an error", reply({ error: { code: -32_600, message: "no id" } }, 400)],
    ["200", body("{}")],
    ["204", (res) => void res.writeHead(204).end()],
  ])("and answers the notice that it is initialised with HTTP %s is taken", async (_what, answer) => {
    await using server = await startRaw({ "notifications/initialized": answer });
    await using hub = openHub([remote(server.url)]);
    await hub.settled;
    expect(stateOf(hub, "remote").state).toBe("ready");
    await until("its event stream was asked for", () => server.received.includes("GET"));
  });
});

describe("a server that fails its start", () => {
  test.each<[string, { readonly [method: string]: Answer }, string]>([
    [
      "with a JSON-RPC error",
      { initialize: reply({ error: { code: -32_603, message: "no licence" } }) },
      'it answered "no licence"',
    ],
    [
      "with a JSON-RPC error and HTTP 500",
      { initialize: reply({ error: { code: -32_603, message: "no licence" } }, 500) },
      "it answered HTTP 500: no licence",
    ],
    [
      "with HTTP 400, and refuses everything by SSE, too",
      { initialize: reply({ id: null, error: { code: -32_000, message: "an API key is missing" } }, 400) },
      "it answered HTTP 400: an API key is missing",
    ],
    [
      "with a dump of issues",
      {
        initialize: reply({
          error: { code: -32_602, message: '[{"path":["params","a"],"message":"Required"}]' },
        }),
      },
      'it answered "params.a: Required"',
    ],
    ["with a page", { initialize: body("<html></html>", "text/html") }, "it answered with a web page"],
    [
      "with an object for its message",
      { initialize: reply({ error: { code: -1, message: { en: "no" } } }) },
      'it answered "the server reports an error without saying which"',
    ],
    [
      "when it is asked for its tools",
      { "tools/list": reply({ error: "the database is away" }) },
      'it answered "the database is away"',
    ],
    [
      "by a redirect to another server",
      { initialize: (res) => void res.writeHead(307, { location: "http://127.0.0.2:9/" }).end() },
      "it redirects to another address (HTTP 307)",
    ],
  ])("%s says why in a sentence", async (_what, answers, reason) => {
    await using server = await startRaw(answers);
    await using hub = openHub([remote(server.url)]);
    await hub.settled;
    expect(stateOf(hub, "remote")).toMatchObject({ state: "failed", lastError: reason });
  });
});

test("an SSE server that streams on POST, too, is found by its first event, and that is remembered", async () => {
  await using server = await startStreamingSse();
  await using hub = openHub([remote(server.url)]);
  await hub.settled;
  expect(stateOf(hub, "remote")).toMatchObject({ state: "ready", lastError: null });
  expect(toolNames(hub, "remote")).toEqual(["go"]);
  expect(await call(hub, "remote", "go")).toEqual({ ok: true, value: "by SSE" });
  const byPost = server.received.filter((method) => method === "misdirected").length;

  server.drop();
  await until("the server is failed", () => stateOf(hub, "remote").state === "failed");
  expect(await call(hub, "remote", "go")).toEqual({ ok: true, value: "by SSE" });
  expect(server.received.filter((method) => method === "misdirected").length).toBe(byPost);
});

test("such a server that must not be reached by SSE is told as what it is", async () => {
  await using server = await startStreamingSse();
  await using hub = openHub([remote(server.url, { fallbackToSse: false })]);
  await hub.settled;
  expect(stateOf(hub, "remote").lastError).toBe("it speaks the older SSE transport");
});

/** Any request at its address opens an event stream; messages go where the first event says. */
async function startStreamingSse(): Promise<RawServer & { drop(): void }> {
  const received: string[] = [];
  let stream: ServerResponse | undefined;
  const open: Answer = (res) => {
    res.writeHead(200, { "content-type": "text/event-stream" });
    res.write("event: endpoint\ndata: /messages\n\n");
  };
  const byStream =
    (message: object): Answer =>
    (res, { id, ...rest }) => {
      received.push(res.req.url === "/messages" ? rest.method : "misdirected");
      if (res.req.url !== "/messages") return open(res, { id, ...rest });
      res.writeHead(202).end();
      stream?.write(`data: ${JSON.stringify({ jsonrpc: "2.0", id, ...message })}\n\n`);
    };
  const server = await startRaw({
    GET: (res, message) => {
      stream = res;
      return open(res, message);
    },
    "server/discover": byStream({ error: { code: -32_601, message: "?" } }),
    initialize: byStream({ result: initialize }),
    "tools/list": byStream({ result: { tools: [tool("go")] } }),
    "tools/call": byStream({ result: { content: [{ type: "text", text: "by SSE" }] } }),
  });
  return { ...server, received, drop: () => void stream?.destroy() };
}
