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

test("a server that never answers holds up requests no longer than mcp.readyWaitMs, and a run in flight at SIGTERM still answers", async () => {
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

test.each([
  [
    "an address of another machine",
    { server: { host: "203.0.113.9" } },
    3,
    "203.0.113.9 is not an address of this machine. Use 127.0.0.1, or 0.0.0.0 for all of them.",
  ],
  [
    "a wrapper that is not there",
    { sandbox: { wrapper: ["/no/such"] } },
    70,
    'Programs cannot run here, and there is no other engine to fall back to: a worker process could not be started: the command "/no/such" of sandbox.wrapper was not found (ENOENT)',
  ],
])("%s ends the start with one sentence", async (_what, settings, exit, sentence) => {
  const keys = [{ name: "a", key: "0123456789abcdef" }];
  const config = { keys, store: { path: ":memory:" }, ...settings };
  const file = tempFile("toolarium.json", JSON.stringify(config));
  const { code, stdout, stderr } = await runCli(["--config", file, "--port", "0"]);
  expect(stderr).toBe(`toolarium: ${sentence}\n`);
  expect([code, stdout]).toEqual([exit, ""]);
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

test("it says that it listens before its servers are connected; requests for tools wait, and SIGTERM ends it all", async () => {
  const server = await startServer(["--config", withMuteServer({ readyWaitMs: 60_000 })]);
  const readiness = await fetch(`${server.url}/readyz`);
  expect(readiness.status).toBe(503);
  expect(await readiness.json()).toMatchObject({ detail: "MCP servers are still connecting: mute." });

  const run = runOver(server.url, "return 1");
  const tools = fetch(`${server.url}/v1/tools`);
  expect((await fetch(`${server.url}/v1/sandbox/runs`)).status).toBe(200);
  const children = descendantsOf(server.process.pid ?? 0);
  server.process.kill("SIGTERM");

  expect(await run).toMatchObject({ code: "not_ready" });
  expect((await tools).status).toBe(503);
  expect(await server.exited).toBe(0);
  expect(children.filter(isRunning)).toEqual([]);
});

test("SIGTERM during the start ends it with 0 and leaves nothing", async () => {
  const cli = startCli(["--config", withMuteServer({ readyWaitMs: 60_000 }), "--port", "0"]);
  const children = await until("its children run", () => {
    const running = descendantsOf(cli.process.pid ?? 0);
    return running.length >= 1 ? running : undefined;
  });

  cli.process.kill("SIGTERM");

  expect(await cli.exited).toBe(0);
  expect(children.filter(isRunning)).toEqual([]);
});

test("one line says which servers are ready, and the first telling line of those that are not", async () => {
  const script = `
    console.error("npm warn deprecated inflight@1.0.6: This module is not supported");
    console.error("db-server 1.2.3 starting");
    throw new Error("DB_URL is not set");`;
  const config = {
    mcpServers: {
      db: { command: process.execPath, args: ["-e", script] },
      off: { command: "nowhere", disabled: true },
      gone: { command: "/no/such/command" },
    },
    store: { path: ":memory:" },
  };
  const server = await startServer(["--config", tempFile("toolarium.json", JSON.stringify(config))]);
  const line = await until("the servers have settled", () => /"msg":"(\d of \d [^"]*)"/.exec(server.stderr));
  expect(line[1]).toBe(
    "0 of 2 servers ready; db: cannot start (its process exited with code 1; it wrote: Error: DB_URL is not set); " +
      "gone: cannot start (the command \\",
  );
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
});

test("signals that ask for a reload are ignored with a line; Ctrl+C, which npm doubles, lets a run finish", async () => {
  const server = await startServer(["--config", bare()]);
  for (const signal of ["SIGHUP", "SIGUSR1", "SIGUSR2"] as const) {
    server.process.kill(signal);
    await until(`${signal} is logged`, () => server.stderr.includes(`${signal} is ignored`));
  }
  const report = runOver(server.url, 'await sleep(400); return "done"');
  await untilInFlight(server.url);
  server.process.kill("SIGINT");
  server.process.kill("SIGINT");
  expect(await report).toMatchObject({ status: "completed", result: "done" });
  expect(await server.exited).toBe(0);
});

test("it goes on when whoever read its output is gone", async () => {
  const server = await startServer(["--config", bare()]);
  server.process.stdout.destroy();
  server.process.stderr.destroy();
  server.process.kill("SIGHUP");
  server.process.kill("SIGUSR2");
  expect(await runOver(server.url, "return 1")).toMatchObject({ status: "completed" });
  server.process.kill("SIGTERM");
  expect(await server.exited).toBe(0);
});
