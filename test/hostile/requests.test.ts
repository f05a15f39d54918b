/**
 * Whatever clients send, no turn of the gateway's event loop takes long: others are answered in between. The measure is
 * the thread's own time, in multiples of what this machine takes for 8 MB of plain JSON.
 */
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { z } from "zod";
import { startServer, tempFile } from "../e2e/cli-process.ts";
import { until } from "../helpers/until.ts";

const COUNTER = fileURLToPath(new URL("../helpers/count-turns.ts", import.meta.url));
const DIGITS = fileURLToPath(new URL("../fixtures/mcp/keeps-digits.ts", import.meta.url));
const SIZE = 8_000_000;
const HEADER_SIZE = 15_000;

const fill = (text: string, size = SIZE): string => text.repeat(Math.floor(size / text.length));
const keys = (count: number): string => Array.from({ length: count }, (_, at) => `"k${at}":1`).join(",");

type Hostile = readonly [
  what: string,
  path: string,
  body?: string | undefined,
  headers?: Record<string, string>,
];

/** JSON values of 8 MB. */
const values = {
  "deep nesting": `${fill("[", SIZE / 2)}${fill("]", SIZE / 2)}`,
  "deep objects, cut short": fill('{"a":'),
  "many keys": `{${keys(600_000)}}`,
  "one key again and again": `{${fill('"a":1,')}"a":2}`,
  "a text of escapes": `"${fill("\\u0041")}"`,
  "a text of quotes": `"${fill('\\"')}"`,
  "a text of blanks": `"${fill(" ")}"`,
  "a number of 8 MB": fill("9"),
  "numbers that a double cannot hold": `[${fill("12345678901234567890,")}1]`,
  "numbers beyond all doubles": `[${fill("1e400,")}1]`,
  "empty objects": `[${fill('{"a":{}},')}1]`,
  "keys named __proto__": `[${fill('{"__proto__":1},')}1]`,
};

const message = '{"role":"user","content":"a"}';
const chat = (model: string, more: string): string => `{"model":"builtin/script${model}",${more}}`;
const messages = `"messages":[${message}]`;

const bodies: readonly Hostile[] = [
  ...Object.entries(values).flatMap(([what, value]): readonly Hostile[] => [
    [`as input, ${what}`, "/v1/sandbox/runs", `{"code":"return 1","input":${value}}`],
    [`as an unknown field, ${what}`, "/v1/sandbox/runs", `{"code":"return 1","other":${value}}`],
    [`as arguments, ${what}`, "/v1/tools/local/none", `{"arguments":{"a":${value}}}`],
    [
      `as content, ${what}`,
      "/v1/chat/completions",
      chat("", `"messages":[{"role":"user","content":${value}}]`),
    ],
  ]),
  ["a program of 8 MB", "/v1/sandbox/runs", `{"code":"${fill("a;")}"}`],
  ["a program of 8 MB to check", "/v1/sandbox/check", `{"code":"${fill("a;")}"}`],
  ["a program of fences", "/v1/sandbox/runs", `{"code":"${fill("```\\n")}"}`],
  ["unknown fields", "/v1/sandbox/runs", `{"code":"return 1",${keys(600_000)}}`],
  ["unknown limits", "/v1/sandbox/runs", `{"code":"return 1","limits":{${keys(600_000)}}}`],
  ["many patterns", "/v1/sandbox/runs", `{"code":"return 1","tools_filter":[${fill('"a*/b",')}"x"]}`],
  ["patterns that are none", "/v1/sandbox/runs", `{"code":"return 1","tools_filter":[${fill("1,")}1]}`],
  ["a pattern of stars", "/v1/sandbox/runs", `{"code":"return 1","tools_filter":["t/${fill("*a")}"]}`],
  ["many messages", "/v1/chat/completions", chat(":agent", `"messages":[${fill(`${message},`)}${message}]`)],
  ["messages that are none", "/v1/chat/completions", chat("", `"messages":[${fill("1,")}1]`)],
  [
    "many tools",
    "/v1/chat/completions",
    chat(":code", `${messages},"tools":[${fill('{"type":"function","function":{"name":"f"}},')}{}]`),
  ],
  ["a model of colons", "/v1/chat/completions", chat(fill(":a"), messages)],
  ["blanks in place of JSON", "/v1/sandbox/runs", `${fill(" ")}x`],
  ["lines in place of JSON", "/v1/sandbox/runs", `${fill("\n")}x`],
];

/** Stands for the address of a call that waits for a person, another one each time. */
const WAITING = "/v1/runs/RUN/calls/CALL";

const decisions: readonly Hostile[] = Object.entries(values).flatMap(([what, value]): readonly Hostile[] => [
  [`edited arguments, ${what}`, WAITING, `{"decision":"approve","arguments":{"a":${value}}}`],
  [`a result, ${what}`, WAITING, `{"decision":"result","result":${value}}`],
  [`a reason, ${what}`, WAITING, `{"decision":"deny","reason":${value}}`],
]);

const filling = (text: string): string => fill(text, HEADER_SIZE);
const header = (name: string, value: string): Hostile => [
  `the header ${name}`,
  "/v1/tools",
  undefined,
  { [name]: value },
];

/** What is not a body is bounded by the parser of HTTP, at 16 KB. */
const heads: readonly Hostile[] = [
  ["?tools= of stars", `/v1/declarations?tools=t/${filling("*a")}`],
  ["?tools= of many", `/v1/declarations?tools=${filling("a*,")}`],
  ["?servers=", `/v1/tools?servers=${filling("a,")}`],
  ["?run=", `/v1/audit?run=${filling("r")}`],
  ["the tool of the audit", `/v1/audit?tool=${filling("*a")}`],
  ["a date of the audit", `/v1/audit?from=${filling("9")}`],
  ["a cursor of the audit", `/v1/audit?cursor=${filling("A")}`],
  ["a cursor of runs", `/v1/sandbox/runs?cursor=${filling("A")}`],
  ["a cursor of approvals", `/v1/approvals?cursor=${filling("A")}`],
  ["a cursor of tools", `/v1/tools?cursor=${filling("A")}`],
  ["many fields of a query", `/v1/sandbox/runs?${filling("a=1&")}`],
  ["percent signs", `/v1/sandbox/runs?a=${filling("%4")}`],
  ["the id of a run", `/v1/sandbox/runs/${filling("r")}`],
  ["slashes", filling("/")],
  header("x-mcp-include-tools", filling("a*/b*,")),
  header("x-mcp-include-servers", filling("a,")),
  header("x-toolarium-mode", filling("k")),
  header("x-toolarium-user", filling("u")),
  header("authorization", `Bearer ${filling("a ")}`),
  header("traceparent", filling("00-")),
  header("origin", `http://${filling("a.")}`),
  header("idempotency-key", filling("k")),
  header("x-request-id", filling("a")),
];

function send(url: string, [, path, body, headers = {}]: Hostile): Promise<number> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        hostname,
        port,
        path,
        agent: false,
        method: body === undefined ? "GET" : "POST",
        headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
      },
      (answer) => answer.resume().on("end", () => resolve(answer.statusCode ?? 0)),
    );
    asked.on("error", reject);
    asked.end(body);
  });
}

const waitingRun = z.object({ id: z.string(), pending: z.tuple([z.object({ call: z.string() })]) });

async function waitingCall(url: string): Promise<string> {
  const answer = await fetch(`${url}/v1/sandbox/runs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ code: "return await digits.odd({})", typecheck: "off" }),
  });
  const { id, pending } = waitingRun.parse(await answer.json());
  return WAITING.replace("RUN", id).replace("CALL", pending[0].call);
}

/** Of this thread's own time, for 8 MB of plain JSON. */
function unitMs(): number {
  const startedAt = process.threadCpuUsage();
  JSON.stringify(JSON.parse(JSON.stringify(Array(800_000).fill("eightyyy"))));
  const { user, system } = process.threadCpuUsage(startedAt);
  return (user + system) / 1_000;
}

async function worstTurns(inputs: readonly Hostile[]): Promise<Record<string, number>> {
  const file = tempFile("turns", "0");
  const config = tempFile(
    "toolarium.json",
    JSON.stringify({
      store: { path: ":memory:" },
      sandbox: { workers: 1 },
      mcpServers: { digits: { command: process.execPath, args: [DIGITS] } },
    }),
  );
  const env = { TURNS_FILE: file, NODE_OPTIONS: `--import=${COUNTER}` };
  const server = await startServer(["--config", config], { env });
  const turn = (): number => Number(readFileSync(file, "utf8"));
  const plain = '{"code":"return 1"}';
  for (let n = 0; n < 3; n += 1) await send(server.url, ["", "/v1/sandbox/runs", plain]);
  const worst: Record<string, number> = {};
  for (const [what, address, body, headers = {}] of inputs) {
    const path = address === WAITING ? await waitingCall(server.url) : address;
    server.process.kill("SIGUSR2");
    await until("it counts anew", () => turn() < 30);
    const status = await send(server.url, [what, path, body, headers]);
    expect(status, what).toBeLessThan(500);
    // The turn that answered is counted by the next.
    await send(server.url, ["", "/livez"]);
    worst[what] = Math.round(turn());
  }
  const slowest = Object.entries(worst).toSorted(([, one], [, other]) => other - one);
  console.log(
    `longest turns, in ms: ${JSON.stringify(slowest.slice(0, 5))}; load ${loadavg()[0]?.toFixed(1)}`,
  );
  return worst;
}

const unit = unitMs();

const inputs: readonly (readonly [string, readonly Hostile[], number])[] = [
  ["bodies of 8 MB", bodies, 6],
  ["decisions of 8 MB", decisions, 6],
  ["addresses and headers", heads, 2],
];

test.for(inputs)("no turn is long for %s", { timeout: 180_000 }, async ([, hostile, units]) => {
  const worst = await worstTurns(hostile);
  const slow = Object.entries(worst).filter(([, ms]) => ms > Math.max(100, units * unit));
  expect(Object.fromEntries(slow)).toEqual({});
});
