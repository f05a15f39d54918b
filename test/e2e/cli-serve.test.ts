import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { until } from "../helpers/until.ts";
import { descendantsOf, isRunning, runCli, startCli, startServer, tempFile } from "./cli-process.ts";

async function runOver(url: string, code: string): Promise<unknown> {
  const answer = await fetch(`${url}/v1/sandbox/runs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ code }),
  });
  return await answer.json();
}

async function untilInFlight(url: string): Promise<void> {
  await until("the run is in flight", async () => {
    const answer = await fetch(`${url}/v1/sandbox/runs?status=running`);
    return z.object({ data: z.array(z.unknown()) }).parse(await answer.json()).data.length > 0;
  });
}

/** A configuration with one server that starts and never says a word. */
function withMuteServer({ readyWaitMs }: { readyWaitMs: number }): string {
  const mute = { command: process.execPath, args: ["-e", "process.stdin.resume()"] };
  const config = { mcpServers: { mute }, mcp: { readyWaitMs }, store: { path: ":memory:" } };
  return tempFile("toolarium.json", JSON.stringify(config));
}

const bare = (): string => tempFile("toolarium.json", '{ "store": { "path": ":memory:" } }');

test("without a configuration it serves the demo and the page, prints one line, and leaves nothing on SIGTERM", async () => {
  const server = await startServer();
  expect(server.stdout).toMatch(/^toolarium listening on http:\/\/127\.0\.0\.1:\d+\n$/);

  const report = await runOver(
    server.url,
    `const { total } = await shop.list_customers({});
     const { content } = await filesystem.list_directory({ path: "." });
     return await calculator({ operation: "add", a: total, b: content.includes("suppliers.csv") ? 1 : 0 });`,
  );
  expect(report).toMatchObject({ status: "completed", result: 121 });
  expect(await (await fetch(server.url)).text()).toContain("<title>Toolarium</title>");

  const children = descendantsOf(server.process.pid ?? 0);
  expect(children.length).toBeGreaterThanOrEqual(3);
  server.process.kill("SIGTERM");

  expect(await server.exited).toBe(0);
  expect(children.filter(isRunning)).toEqual([]);
  expect(server.stdout.trim().split("\n").length).toBe(1);
});

test("a server that never answers does not hold back the ready line, and a run in flight at SIGTERM still answers", async () => {
  const server = await startServer(["--config", withMuteServer({ readyWaitMs: 100 })]);
  const report = runOver(server.url, 'await sleep(400); return "done"');
  await untilInFlight(server.url);
  const children = descendantsOf(server.process.pid ?? 0);

  server.process.kill("SIGTERM");

  expect(await report).toMatchObject({ status: "completed", result: "done" });
  expect(await server.exited).toBe(0);
  expect(children.filter(isRunning)).toEqual([]);
});

test("a second signal ends it at once with 130, and its children with it", async () => {
  const server = await startServer(["--config", bare()]);
  const cut = runOver(server.url, "await sleep(50_000)").catch(() => "cut");
  await untilInFlight(server.url);
  const children = descendantsOf(server.process.pid ?? 0);

  server.process.kill("SIGTERM");
  await until("the first signal was heard", () => server.stderr.includes("shutting down"));
  server.process.kill("SIGINT");

  expect(await server.exited).toBe(130);
  expect(await cut).toBe("cut");
  await until("no child runs", () => !children.some(isRunning));
});

test("a port in use ends with 3 and the way out", async () => {
  const occupant = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void occupant.close());
  const address = await until("the port is taken", () => occupant.address());
  const port = String(typeof address === "object" ? address.port : 0);

  const { code, stdout, stderr } = await runCli(["serve", "--config", bare(), "--port", port]);

  expect(stderr).toMatch(new RegExp(`^toolarium: .*${port}.*--port`, "m"));
  expect(stdout).toBe("");
  expect(code).toBe(3);
});

test("it does not listen beyond loopback without keys", async () => {
  const { code, stdout, stderr } = await runCli(["--host", "0.0.0.0", "--port", "0"]);
  expect(stderr).toMatch(/^toolarium: .*keys/m);
  expect(stdout).toBe("");
  expect(code).toBe(3);
});

test("a wrong TOOLARIUM_LOG ends with 2 and the levels there are", async () => {
  const { code, stderr } = await runCli(["--port", "0"], { env: { TOOLARIUM_LOG: "loud" } });
  expect(stderr).toBe(
    'toolarium: TOOLARIUM_LOG is "loud"; it can be trace, debug, info, warn, error, fatal, silent.\n',
  );
  expect(code).toBe(2);
});

test("SIGTERM during the start ends it with 0 and leaves nothing", async () => {
  const cli = startCli(["--config", withMuteServer({ readyWaitMs: 60_000 }), "--port", "0"]);
  const children = await until("its children run", () => {
    const running = descendantsOf(cli.process.pid ?? 0);
    return running.length >= 2 ? running : undefined;
  });

  cli.process.kill("SIGTERM");

  expect(await cli.exited).toBe(0);
  expect(cli.stdout).toBe("");
  expect(children.filter(isRunning)).toEqual([]);
});
