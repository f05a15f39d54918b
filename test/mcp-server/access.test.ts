/** Who may use the MCP server, and for what; and what those try who may not. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sendRaw, startServer, type TestServer } from "../http/helpers/server.ts";
import { connectLegacy, revisions } from "./helpers/clients.ts";

let open: TestServer;
let server: TestServer;
beforeAll(async () => {
  server = await startServer({
    keys: [
      { name: "ada", key: "ada-secret", principal: "ada" },
      { name: "ada-too", key: "ada-too-secret", principal: "ada" },
      { name: "bob", key: "bob-secret", principal: "bob", tools: { allow: ["files/*"], autoExecute: [] } },
      { name: "runner", key: "runner-secret", principal: "ada", may: ["run"] },
      { name: "looker", key: "looker-secret", principal: "ada", may: ["decide"] },
    ],
  });
  open = await server.alongside({});
});
afterAll(async () => {
  await open[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const write = `return await files.write({ path: "x" })`;
const approve = () => ({ action: "accept", content: { decision: "approve" } }) as const;

describe.each(revisions)("with a client of revision %s", (_revision, connect) => {
  test("a wrong key, or none, is refused", async () => {
    await expect(connect(server.url, { key: "guessed" })).rejects.toThrow();
    await expect(connect(server.url)).rejects.toThrow();
  });

  test("a key sees its own tools only, and calls no others", async () => {
    await using client = await connect(server.url, { key: "bob-secret" });
    const [runCode] = await client.list();
    expect(runCode.description).not.toContain("slow");
    expect(await client.read("toolarium://declarations")).not.toContain("hold");
    const answer = await client.call("run_code", { code: `return await tools["slow"]["hold"]({})` });
    expect(answer).toMatchObject({ isError: true });
    expect((await client.call("search_tools", { query: "hold" })).content[0].text).not.toContain("slow/hold");
  });

  test("a key without the right to run runs nothing", async () => {
    await using client = await connect(server.url, { key: "looker-secret" });
    const answer = await client.call("run_code", { code: "return 1" });
    expect(JSON.parse(answer.content[0].text).error.code).toBe("forbidden");
    expect(JSON.parse((await client.call("resume_run")).content[0].text).error.code).toBe("forbidden");
  });

  test("a key without the right to decide approves nothing, however its client answers", async () => {
    await using client = await connect(server.url, { key: "runner-secret", onForm: approve });
    const before = server.tools.calls.length;
    const answer = await client.call("run_code", { code: write });
    expect(answer.structuredContent.status).toBe("waiting");
    expect(answer.content[0].text).toContain("whose key has the right `decide`");
    expect(server.tools.calls.length).toBe(before);
  });

  test("a run of somebody else is none, also where they are asked", async () => {
    await using ada = await connect(server.url, { key: "ada-secret" });
    const { run } = (await ada.call("run_code", { code: write })).structuredContent;
    const before = server.tools.calls.length;
    await using bob = await connect(server.url, { key: "bob-secret", onForm: approve });
    const refused = await bob.call("resume_run", { run });
    expect(JSON.parse(refused.content[0].text).error.code).toBe("not_found");
    expect(server.tools.calls.length).toBe(before);

    // Another key of the same principal finds it.
    await using too = await connect(server.url, { key: "ada-too-secret", onForm: approve });
    expect((await too.call("resume_run", { run })).structuredContent.status).toBe("completed");
  });

  test("an address filters tools and servers", async () => {
    await using one = await connect(open.url, { path: "/mcp?servers=slow" });
    expect((await one.list())[0].description).not.toContain("declare const files");
    await using none = await connect(open.url, { path: "/mcp?tools=" });
    expect((await none.list())[0].description).toContain("No tools are available");
    await expect(connect(open.url, { path: "/mcp?tool=files/*" })).rejects.toThrow();
  });
});

const initialize = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: {
    protocolVersion: "2025-11-25",
    capabilities: { elicitation: {} },
    clientInfo: { name: "t", version: "1" },
  },
};
const accept = { accept: "application/json, text/event-stream" };

function post(url: string, body: unknown, headers: Record<string, string>, signal?: AbortSignal) {
  return fetch(`${url}/mcp`, {
    method: "POST",
    headers: { "content-type": "application/json", ...accept, ...headers },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
}

async function openSession(key: string): Promise<string> {
  const response = await post(server.url, initialize, { authorization: `Bearer ${key}` });
  await response.text();
  return response.headers.get("mcp-session-id") ?? "";
}

test("a key in an address is refused, and said why, before it is looked at", async () => {
  for (const name of ["key", "api_key", "token", "access_token", "Authorization"]) {
    const answer = await server.send(`/mcp?${name}=ada-secret`, { body: initialize });
    expect(answer.status).toBe(400);
    expect(answer.body.detail).toContain("never stands in an address");
    expect(answer.body.detail).not.toContain("ada-secret");
  }
});

test("Host and Origin are looked at as everywhere", async () => {
  const body = JSON.stringify(initialize);
  const headers = { "content-type": "application/json", ...accept, "content-length": String(body.length) };
  const { port } = open;
  const rebound = await sendRaw({
    port,
    path: "/mcp",
    method: "POST",
    headers: { ...headers, host: "evil.example" },
    body,
  });
  expect([rebound.status, JSON.parse(rebound.body).code]).toEqual([403, "host_not_allowed"]);
  const crossed = { ...headers, host: `127.0.0.1:${port}`, origin: "https://evil.example" };
  const foreign = await sendRaw({ port, path: "/mcp", method: "POST", headers: crossed, body });
  expect([foreign.status, JSON.parse(foreign.body).code]).toEqual([403, "origin_not_allowed"]);
});

test("a session is its key's: guessed, foreign and closed ids are all unknown", async () => {
  const session = await openSession("ada-secret");
  expect(session).toMatch(/^[0-9a-f-]{36}$/);
  const list = { jsonrpc: "2.0", id: 2, method: "tools/list" };
  const as = async (key: string, id: string) => {
    const response = await post(server.url, list, { authorization: `Bearer ${key}`, "mcp-session-id": id });
    await response.text();
    return response.status;
  };
  expect(await as("ada-secret", session)).toBe(200);
  expect(await as("bob-secret", session)).toBe(404);
  expect(await as("ada-too-secret", session)).toBe(404);
  expect(await as("ada-secret", crypto.randomUUID())).toBe(404);
  const closing = { authorization: "Bearer bob-secret", "mcp-session-id": session };
  expect((await fetch(`${server.url}/mcp`, { method: "DELETE", headers: closing })).status).toBe(404);
  expect(await as("ada-secret", session)).toBe(200);
});

test("a question is answered by the session that was asked, and by no other", async () => {
  const authorization = "Bearer ada-secret";
  const asked = await openSession("ada-secret");
  const other = await openSession("ada-too-secret");
  const before = server.tools.calls.length;
  const call = {
    jsonrpc: "2.0",
    id: 7,
    method: "tools/call",
    params: { name: "run_code", arguments: { code: write } },
  };
  const response = await post(server.url, call, { authorization, "mcp-session-id": asked });
  const reader = (response.body as ReadableStream<Uint8Array>)
    .pipeThrough(new TextDecoderStream())
    .getReader();
  let text = "";
  const readTo = async (words: string): Promise<void> => {
    while (!text.includes(words)) {
      const { done, value } = await reader.read();
      if (done) throw new Error(`the stream ended without ${words}: ${text}`);
      text += value;
    }
  };
  await readTo("elicitation/create");
  const { id } = JSON.parse(/^data: (.*elicitation\/create.*)$/m.exec(text)?.[1] ?? "{}");

  const answer = { jsonrpc: "2.0", id, result: { action: "accept", content: { decision: "approve" } } };
  for (const headers of [
    { authorization: "Bearer ada-too-secret", "mcp-session-id": other },
    { authorization: "Bearer bob-secret", "mcp-session-id": asked },
    { authorization: "Bearer bob-secret" },
  ])
    await (await post(server.url, answer, headers)).text();
  expect(server.tools.calls.length).toBe(before);

  await post(server.url, answer, { authorization, "mcp-session-id": asked });
  await readTo('"completed"');
  await reader.cancel();
  expect(server.tools.calls.length).toBe(before + 1);
});

test("what came back of a question of somebody else's run starts and decides nothing", async () => {
  await using ada = await connectLegacy(server.url, { key: "ada-secret" });
  const { run, pending } = (await ada.call("run_code", { code: write })).structuredContent;
  const before = server.tools.calls.length;
  const retry = {
    jsonrpc: "2.0",
    id: 3,
    method: "tools/call",
    params: {
      name: "run_code",
      arguments: { code: write },
      requestState: run,
      inputResponses: { [pending[0].call]: { action: "accept", content: { decision: "approve" } } },
      _meta: {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { name: "t", version: "1" },
        "io.modelcontextprotocol/clientCapabilities": { elicitation: {} },
      },
    },
  };
  const headers = {
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/call",
    "mcp-name": "run_code",
  };
  const send = async (key: string) => {
    const response = await post(server.url, retry, { ...headers, authorization: `Bearer ${key}` });
    return await response.text();
  };
  expect(await send("bob-secret")).toContain("not_found");
  expect(await send("runner-secret")).toContain("forbidden");
  expect(server.tools.calls.length).toBe(before);
  expect(await send("ada-secret")).toContain("completed");
  expect(server.tools.calls.length).toBe(before + 1);
});

test("10 MB of arguments are refused, and the next request is served", async () => {
  const code = `return ${JSON.stringify("x".repeat(10 * 1024 * 1024))}`;
  const call = {
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: { name: "run_code", arguments: { code } },
  };
  const answer = await open.send("/mcp", { body: call, headers: accept });
  expect(answer.status).toBe(413);
  await using client = await connectLegacy(open.url);
  expect((await client.call("run_code", { code: "return 1" })).structuredContent.result).toBe(1);
});

test("a client that opens sessions without end holds a hundred, and its living ones answer", async () => {
  await using living = await connectLegacy(open.url);
  const first = (await post(open.url, initialize, {})).headers.get("mcp-session-id") ?? "";
  for (let n = 0; n < 110; n += 1) {
    await (await post(open.url, initialize, {})).text();
    if (n % 50 === 0) await living.list();
  }
  const list = { jsonrpc: "2.0", id: 2, method: "tools/list" };
  expect((await post(open.url, list, { "mcp-session-id": first })).status).toBe(404);
  expect(await living.list()).toHaveLength(4);
});
