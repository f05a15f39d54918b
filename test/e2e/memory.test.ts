/** What the gateway holds for others at once stays within `server.memoryBudgetMb`, and nothing is lost to that. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { body, events, startRaw } from "../fixtures/mcp/raw-http.ts";
import { until } from "../helpers/until.ts";
import { startServer, tempFile } from "./cli-process.ts";
import { watch } from "./watched-gateway.ts";

const FIXTURE = fileURLToPath(new URL("../fixtures/mcp/answers-at-length.ts", import.meta.url));

/** A gateway in front of the fixture; `effects` counts what its tool `write` did. */
async function start({
  mcpServers,
  ...settings
}: {
  readonly mcpServers?: object;
  readonly [key: string]: unknown;
} = {}) {
  const file = tempFile("effects", "");
  const config = tempFile(
    "toolarium.json",
    JSON.stringify({
      mcpServers: { long: { command: process.execPath, args: [FIXTURE, file] }, ...mcpServers },
      store: { path: ":memory:" },
      tools: { autoExecute: ["*"], readOnly: ["long/read"] },
      sandbox: { workers: 1 },
      ...settings,
    }),
  );
  const server = await startServer(["--config", config]);
  const effects = (): number => (existsSync(file) ? readFileSync(file, "utf8").split("\n").length - 1 : 0);
  return { ...server, effects };
}

async function post(url: string, sent: object): Promise<{ readonly status: number; readonly body: unknown }> {
  const headers = { "content-type": "application/json", connection: "close" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(sent) });
  return { status: answer.status, body: await answer.json() };
}

/** Gives what each call gave: the length of its value, or the kind of its failure and whether it was made. */
const calling = (tool: string): string => `
  const told = [];
  for (let n = 0; n < 30; n += 1)
    told.push(await long.${tool}({ bytes: 2_000_000 }).then((text) => text.length, (e) => \`\${e.kind}: \${e.message}\`));
  return told;`;

test("results that runs hold stay within the budget: nothing is called whose result would be lost", async () => {
  const server = await start({ server: { memoryBudgetMb: 96 } });
  const runs = `${server.url}/v1/sandbox/runs`;
  const limits = { wallMs: 60_000 };

  const changed = await post(runs, { code: calling("write"), typecheck: "off", limits });
  const told = (changed.body as { result: readonly unknown[] }).result;
  const given = told.filter((each) => each === 2_000_000);
  expect(given.length).toBeGreaterThan(10);
  expect(given.length).toBeLessThan(25);
  expect(new Set(told.filter((each) => each !== 2_000_000))).toEqual(
    new Set([expect.stringMatching(/^unavailable: .*server\.memoryBudgetMb.*the call was not made/)]),
  );
  expect(server.effects()).toBe(given.length);

  const read = await post(runs, { code: calling("read"), typecheck: "off", limits });
  const readTold = (read.body as { result: readonly unknown[] }).result;
  const kinds = new Set(readTold.map((each) => String(each).replace(/:.*/, "")));
  expect(kinds).toEqual(new Set(["2000000", "too_large"]));
});

test("beside a run that holds much new large runs are refused, small ones are served, and its end makes room", async () => {
  const server = await start({ server: { memoryBudgetMb: 48 } });
  const runs = `${server.url}/v1/sandbox/runs`;
  const code = "for (let n = 0; n < 12; n += 1) await long.write({ bytes: 2_000_000 }); await sleep(60_000)";
  const started = await post(runs, { code, typecheck: "off", wait: false });
  const { id } = started.body as { id: string };
  const large = { code: "return input.length", input: "x".repeat(1_500_000) };
  const refused = await until("there is no room", async () => {
    const answer = await post(runs, large);
    return answer.status === 503 ? answer : undefined;
  });
  expect(refused.body).toMatchObject({ code: "overloaded" });
  expect(await post(runs, { code: "return 1" })).toMatchObject({ status: 200, body: { result: 1 } });
  await fetch(`${runs}/${id}`, { method: "DELETE" });
  await until("there is room", async () => (await post(runs, large)).status === 200);
});

describe("an answer of 60 MB in many parts, where a result may have 1 MB,", () => {
  const parts = 6_000;
  const answer = { content: Array(parts).fill({ type: "text", text: "x".repeat(10_000) }) };
  const message = (id: unknown): string => JSON.stringify({ jsonrpc: "2.0", id, result: answer });

  test.each([
    ["HTTP", { "tools/call": body(message) }],
    ["SSE", { "tools/call": events((id) => `event: message\ndata: ${message(id)}`) }],
    ["stdio", undefined],
  ])("is too large and held no more than a few times over %s", async (transport, answers) => {
    await using raw = await startRaw(answers);
    const server = await start({ mcpServers: { remote: { type: "http", url: raw.url } } });
    const call =
      answers === undefined ? `long.read({ bytes: 60_000_000, parts: ${parts} })` : "remote.go({})";
    const code = `return await ${call}.catch((error) => error.kind + ": " + error.message)`;
    const limits = { toolResultBytes: 1_048_576, wallMs: 60_000 };
    const { value, peakMb, beforeMb } = await watch(`60 MB over ${transport}`, server, () =>
      post(`${server.url}/v1/sandbox/runs`, { code, limits, typecheck: "off" }),
    );
    expect(value.body).toMatchObject({
      result: expect.stringMatching(/^too_large: .*at most 1048576 are allowed/),
    });
    expect(peakMb - beforeMb).toBeLessThan(330);
  });
});

test("40 inputs of 7 MB at once: those within the budget are run, the others can be sent again", async () => {
  const server = await start();
  const large = { code: "return input.length", input: "x".repeat(7_000_000), limits: { wallMs: 60_000 } };
  const { value, peakMb, worstMs } = await watch("40 inputs of 7 MB at once", server, () =>
    Promise.all(Array.from({ length: 40 }, () => post(`${server.url}/v1/sandbox/runs`, large))),
  );
  const served = value.filter(({ status }) => status === 200);
  expect(served.length).toBeGreaterThan(3);
  for (const answer of served) expect(answer.body).toMatchObject({ result: 7_000_000 });
  expect(new Set(value.map(({ status }) => status))).toEqual(new Set([200, 503]));
  expect(peakMb).toBeLessThan(1_000);
  expect(worstMs).toBeLessThan(2_500);
}, 60_000);

test("32 calls at once whose arguments a backtracking pattern would not be done with", async () => {
  const server = await start();
  const call = { arguments: { text: `${"a".repeat(100_000)}!` } };
  const { value, worstMs } = await watch("32 calls with a hostile pattern", server, () =>
    Promise.all(Array.from({ length: 32 }, () => post(`${server.url}/v1/tools/long/match`, call))),
  );
  expect(value.map(({ status }) => status)).toEqual(Array(32).fill(422));
  expect(worstMs).toBeLessThan(2_500);
}, 60_000);
