/**
 * 9007199254740993, the first integer that a double does not hold, on every road through a gateway: from servers that
 * write their JSON as text, to the texts that clients, providers and servers are sent.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { configFrom } from "../../src/config/load.ts";
import { createGateway } from "../../src/gateway.ts";
import { createHttpServer } from "../../src/http/server.ts";
import { createLog } from "../../src/log.ts";
import { startDigits, startDigitsSse } from "../fixtures/mcp/http-servers.ts";
import { json, startProvider } from "../upstream/helpers/provider.ts";

const LONG = "9007199254740993";
const FIXTURE = join(import.meta.dirname, "../fixtures/mcp/keeps-digits.ts");

let folder: string;
const resources = new AsyncDisposableStack();
let url: string;
/** Bodies of the provider's requests, as the texts that came. */
const asked: string[] = [];
let turns: readonly string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "toolarium-digits-"));
  const [whole, stream, sse] = await Promise.all([
    startDigits("json"),
    startDigits("stream"),
    startDigitsSse(),
  ]);
  for (const fixture of [whole, stream, sse]) resources.use(fixture);
  const provider = resources.use(
    await startProvider((response, { text }) => {
      asked.push(text);
      json(response, 200, turns[asked.length - 1] ?? answer({ content: "done" }));
    }),
  );
  const { config } = configFrom({
    mcpServers: {
      stdio: { command: process.execPath, args: [FIXTURE] },
      whole: { url: whole.url },
      stream: { url: stream.url },
      sse: { type: "sse", url: sse.url },
    },
    tools: {
      autoExecute: ["*/orders", "*/orders_as_text", "*/failure", "whole/take", "stream/take", "sse/take"],
    },
    providers: { test: { baseUrl: provider.baseUrl, apiKey: "k", models: ["m"] } },
    sandbox: { workers: 1 },
    store: { path: join(folder, "store.db") },
    server: { port: 0 },
  });
  const gateway = resources.use(await createGateway({ config, log: createLog("silent") }));
  await gateway.hub.settled;
  const http = await createHttpServer(gateway);
  resources.defer(() => http.close(0));
  ({ url } = await http.listen());
});
afterAll(async () => {
  await resources.disposeAsync();
  rmSync(folder, { recursive: true, force: true });
});

/** Text in, text out: reading it as JavaScript does would lose what is asked about. */
async function post(path: string, body: string): Promise<string> {
  const init = { method: "POST", headers: { "content-type": "application/json" }, body };
  return (await fetch(`${url}${path}`, init)).text();
}

const get = async (path: string): Promise<string> => (await fetch(`${url}${path}`)).text();

/** A machine that is busy may not compile the first program in time; nothing has run then. */
async function run(code: string, more = ""): Promise<string> {
  for (let left = 5; ; left -= 1) {
    const report = await post("/v1/sandbox/runs", `{"code":${JSON.stringify(code)}${more}}`);
    if (left === 0 || !report.includes('"compile_timeout"')) return report;
  }
}

function answer(message: object): string {
  const choices = [{ index: 0, message: { role: "assistant", ...message }, finish_reason: "stop" }];
  return JSON.stringify({ id: "up", object: "chat.completion", created: 1, model: "m", choices });
}

const callOf = (name: string, args: string): string =>
  answer({
    content: null,
    tool_calls: [{ id: "up_1", type: "function", function: { name, arguments: args } }],
  });

const chat = (body: object): Promise<string> => {
  asked.length = 0;
  return post("/v1/chat/completions", JSON.stringify({ model: "test/m", mode: "agent", ...body }));
};

const servers = ["stdio", "whole", "stream", "sse"] as const;

for (const server of servers) {
  test(`${server}: a program is given the digits, structured and as text, with one note for each place`, async () => {
    const report = JSON.parse(
      await run(`return [(await ${server}.orders({})).rows, (await ${server}.orders_as_text({})).rows];`),
    );
    const rows = [
      { id: LONG, total: 7 },
      { id: 7, total: "-9223372036854775808" },
    ];
    expect(report).toMatchObject({ error: null, result: [rows, rows] });
    const notes = report.diagnostics.filter(({ path }: { path?: string }) => path !== undefined);
    expect(notes.map(({ severity, path }: { severity: string; path: string }) => [severity, path])).toEqual([
      ["note", "rows[].id"],
      ["note", "rows[].total"],
      ["note", "rows[].id"],
      ["note", "rows[].total"],
    ]);
    expect(notes[0].message).toContain(`${server}/orders: rows[].id`);
  });

  test(`${server}: what a program passes on, and what a client sends, arrives with its digits`, async () => {
    if (server !== "stdio") {
      const code = `const [{ id }] = (await ${server}.orders({})).rows; return await ${server}.take({ id });`;
      expect(JSON.parse(await run(code)).result).toBe(`got {"id":${LONG}}`);
    }
    expect(await post(`/v1/tools/${server}/take`, `{"arguments":{"id":${LONG}}}`)).toBe(
      JSON.stringify({ result: `got {"id":${LONG}}` }),
    );
  });

  test(`${server}: the result of a call is answered with its digits`, async () => {
    for (const tool of ["orders", "orders_as_text"])
      expect(await post(`/v1/tools/${server}/${tool}`, "{}")).toContain(`{"rows":[{"id":${LONG},"total":7}`);
  });

  test(`${server}: what a failure holds has its digits`, async () => {
    const code = `try { await ${server}.failure({}); } catch (error) { return error.data.rows[0].id; }`;
    expect(JSON.parse(await run(code)).result).toBe(LONG);
  });
}

test("a string of digits is no number where a number would do", async () => {
  const refused = await post("/v1/tools/whole/take", '{"arguments":{"id":"9007199254740991"}}');
  expect(JSON.parse(refused)).toMatchObject({
    code: "invalid_arguments",
    detail: expect.stringContaining('id: expected integer, got "9007199254740991"'),
  });
  expect(await post("/v1/tools/whole/take", `{"arguments":{"id":"${LONG}"}}`)).toContain(`:${LONG}}`);
});

test("a tool whose schema is none is listed with the reason, and gets what it is sent", async () => {
  const { data } = JSON.parse(await get("/v1/tools"));
  const odd = data.find(({ id }: { id: string }) => id === "whole/odd");
  expect(odd).toMatchObject({ allowed: true, available: true });
  expect(odd.notValidated).toMatch(/^\/properties\/id\/type must be one of object, .*, got "int"$/);
  for (const id of [LONG, '"x"', "null"])
    expect(JSON.parse(await post("/v1/tools/whole/odd", `{"arguments":{"id":${id}}}`)).result).toBe(
      `got {"id":${id}}`,
    );
});

test("the input of a program has its digits as text, and a note", async () => {
  const report = JSON.parse(await run("return input.ids[1];", `,"input":{"ids":[1,${LONG}]}`));
  expect(report.result).toBe(LONG);
  expect(report.diagnostics).toMatchObject([{ severity: "note", path: "input.ids[]" }]);
});

test("a call that waits is shown, edited, sent and recorded with its digits", async () => {
  const report = await run(`return await stdio.take({ id: "${LONG}" });`);
  expect(report).toContain(`"arguments":{"id":${LONG}}`);
  const { id, pending } = JSON.parse(report);
  expect(await get("/v1/approvals")).toContain(`"arguments":{"id":${LONG}}`);
  const edited = `{"decision":"approve","arguments":{"id":9007199254740995}}`;
  const done = JSON.parse(await post(`/v1/runs/${id}/calls/${pending[0].call}`, edited));
  expect(done.result).toBe('got {"id":9007199254740995}');
  // The same again is the same decision; another one is not.
  const other = edited.replace("995", "997");
  expect(JSON.parse(await post(`/v1/runs/${id}/calls/${pending[0].call}`, edited))).toMatchObject({ id });
  expect(JSON.parse(await post(`/v1/runs/${id}/calls/${pending[0].call}`, other))).toMatchObject({
    code: "decision_conflict",
  });
  expect(await get(`/v1/sandbox/runs/${id}/events`)).toContain(`"arguments":{"id":9007199254740995}`);
});

test("a supplied result keeps its digits", async () => {
  const report = JSON.parse(await run("const { id } = await stdio.take({ id: 1 }); return id;"));
  const done = await post(
    `/v1/runs/${report.id}/calls/${report.pending[0].call}`,
    `{"decision":"result","result":{"id":${LONG}}}`,
  );
  expect(JSON.parse(done).result).toBe(LONG);
});

test("an OpenAI tool call is executed with its digits, as text and as an object", async () => {
  for (const args of [JSON.stringify(`{"id":${LONG}}`), `{"id":${LONG}}`]) {
    const call = `{"id":"x","type":"function","function":{"name":"whole__take","arguments":${args}}}`;
    expect(JSON.parse(await post("/v1/mcp/tool/execute", call)).content).toBe(`got {"id":${LONG}}`);
  }
  const call = '{"id":"x","type":"function","function":{"name":"whole__orders","arguments":"{}"}}';
  expect(JSON.parse(await post("/v1/mcp/tool/execute", call)).content).toContain(`"id":${LONG}`);
});

test("agent mode: a model's arguments, a tool's result and the history upstream keep them", async () => {
  turns = [callOf("whole__take", `{"id":${LONG}}`), callOf("stream__orders", "{}")];
  const answered = JSON.parse(await chat({ messages: [{ role: "user", content: "go" }] }));
  expect(answered.choices[0].message.content).toBe("done");
  const history = JSON.parse(asked[2] ?? "").messages;
  const contents = history.map(({ content }: { content: unknown }) => content);
  expect(contents).toContain(`got {"id":${LONG}}`);
  expect(contents).toContainEqual(expect.stringContaining(`"id":${LONG},"total":7`));
  expect(asked[2]).toContain(JSON.stringify(`{"id":${LONG}}`));
  const events = await get(`/v1/sandbox/runs/${answered.toolarium.run_id}/events`);
  expect(events).toContain(`"arguments":{"id":${LONG}}`);
});

test("agent mode: a call that waits goes to the client and comes back with its digits", async () => {
  turns = [callOf("stdio__take", `{"id":${LONG}}`)];
  const messages: object[] = [{ role: "user", content: "go" }];
  const paused = JSON.parse(await chat({ messages }));
  const { message } = paused.choices[0];
  expect(message.tool_calls[0].function.arguments).toBe(`{"id":${LONG}}`);
  turns = [answer({ content: "done" })];
  const decision = {
    role: "tool",
    tool_call_id: message.tool_calls[0].id,
    content: '{"toolarium_decision":"approve"}',
  };
  await chat({ messages: [...messages, message, decision] });
  expect(asked[0]).toContain(JSON.stringify(`got {"id":${LONG}}`).slice(1, -1));
});

test("plain and agent mode: what the provider alone understands goes to it with its digits", async () => {
  for (const mode of ["plain", "agent"]) {
    turns = [];
    asked.length = 0;
    await post(
      "/v1/chat/completions",
      `{"model":"test/m","mode":"${mode}","messages":[{"role":"user","content":"hi","user_id":${LONG}}],"seed":${LONG}}`,
    );
    expect(asked[0]).toContain(`"seed":${LONG}`);
    expect(asked[0]).toContain(`"user_id":${LONG}`);
  }
});

test("a chat's program is told the digits, and so is the model", async () => {
  const code = JSON.stringify({ code: "return (await whole.orders({})).rows[0].id" });
  turns = [callOf("run_code", code)];
  await chat({ mode: "code", messages: [{ role: "user", content: "go" }] });
  expect(asked[1]).toContain(LONG);
  expect(asked[1]).toContain("note: whole/orders: rows[].id holds");
});
