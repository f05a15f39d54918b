/** Large bodies at the same time: those that do not fit are refused at once as retryable, and others are served. */
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createMemoryBudget } from "../../src/memory-budget.ts";
import { until } from "../helpers/until.ts";
import { startServer, type TestServer } from "./helpers/server.ts";

let gateway: TestServer;
let server: TestServer;
beforeAll(async () => {
  gateway = await startServer();
  server = await gateway.alongside({
    server: { bodyLimitBytes: 8_388_608 },
    // Enough for about 6 MB of bodies.
    replace: { memory: createMemoryBudget(32) },
  });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await gateway[Symbol.asyncDispose]();
});

const run = (bytes: number) => ({ code: "return input.length", input: "x".repeat(bytes), wait: false });

/** Sends `bytes` of a body that never ends. Resolves when the gateway has read them or has responded. */
async function hold(bytes: number, headers: string, chunked = false): Promise<{ readonly end: () => void }> {
  const socket = connect(server.port, "127.0.0.1").on("error", () => {});
  socket.write(
    `POST /v1/sandbox/runs HTTP/1.1\r\nhost: 127.0.0.1:${server.port}\r\ncontent-type: application/json\r\n${headers}\r\n\r\n`,
  );
  const text = Buffer.alloc(bytes, " ");
  const sent = chunked
    ? Buffer.concat([Buffer.from(`${bytes.toString(16)}\r\n`), text, Buffer.from("\r\n")])
    : text;
  await new Promise<void>((resolve) => socket.write(sent, () => resolve()));
  return { end: () => void socket.destroy() };
}

test.for([
  ["announced", 1_000, "content-length: 6000000", false],
  ["that comes in pieces", 6_000_000, "transfer-encoding: chunked", true],
] as const)(
  "beside a large body %s another large one is refused, small ones are served, and its end makes room",
  async ([, bytes, headers, chunked]) => {
    const held = await hold(bytes, headers, chunked);
    const refused = await until("it is refused", async () => {
      const answer = await server.send("/v1/sandbox/runs", { body: run(2_000_000) });
      return answer.status === 503 ? answer : undefined;
    });
    expect(refused.body).toMatchObject({
      code: "overloaded",
      detail: expect.stringContaining("server.memoryBudgetMb"),
    });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await server.send("/v1/sandbox/runs", { body: run(10_000) })).toMatchObject({ status: 202 });
    held.end();
    await until(
      "there is room",
      async () => (await server.send("/v1/sandbox/runs", { body: run(2_000_000) })).status === 202,
    );
  },
);

test("chats are refused in OpenAI's form, as retryable", async () => {
  const held = await hold(1_000, "content-length: 6000000");
  const body = { model: "builtin/script", messages: [{ role: "user", content: "x".repeat(1_000_000) }] };
  const refused = await until("it is refused", async () => {
    const answer = await server.send("/v1/chat/completions", { body });
    return answer.status === 503 ? answer : undefined;
  });
  expect(refused.body.error).toMatchObject({ type: "overloaded_error", code: "overloaded" });
  held.end();
});

test("a single body is read even if it exceeds the budget", async () => {
  await until(
    "nothing else is held",
    async () => (await server.send("/v1/sandbox/runs", { body: run(7_500_000) })).status === 202,
  );
});
