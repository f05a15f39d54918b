/** Machines that lack something: what a start says then, and what becomes of a gateway that serves already. */
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { until } from "../helpers/until.ts";
import { type CliOptions, descendantsOf, isRunning, runCli, startServer, tempFile } from "./cli-process.ts";

const configOf = (settings: object = {}): string =>
  tempFile("toolarium.json", JSON.stringify({ store: { path: ":memory:" }, ...settings }));

const isWorker = (pid: number): boolean => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("/worker.");

test.each<[what: string, settings: object, options: CliOptions, exit: number, sentence: RegExp]>([
  [
    "too few file descriptors",
    {},
    { under: "ulimit -n 32" },
    70,
    /^This process may open only \d+ more files and connections, and Toolarium needs at least 40\. Raise the limit: `ulimit -n 4096`, or nofile of the service or container\.$/,
  ],
  [
    "a working directory that was removed",
    {},
    { under: 'gone=$(mktemp -d); cd "$gone"; rmdir "$gone"' },
    3,
    /^The working directory does not exist any more\. Start Toolarium in one that does\.$/,
  ],
  [
    "a store in a directory that does not exist",
    { store: { path: "/no/such/toolarium.db" } },
    {},
    3,
    /is in a directory that does not exist\. Create the directory, or choose another file\.$/,
  ],
  [
    "a wrapper that is no directory's",
    { sandbox: { wrapper: ["/etc/passwd/bwrap"] } },
    {},
    70,
    /the command "\/etc\/passwd\/bwrap" of sandbox\.wrapper was not found \(ENOTDIR\)$/,
  ],
  [
    "a wrapper that ends with a stack",
    {
      sandbox: {
        wrapper: [process.execPath, "-e", "throw new Error('no user namespaces: see sysctl')", "--"],
      },
    },
    {},
    70,
    /it ended with code 1; it said: Error: no user namespaces: see sysctl$/,
  ],
])(
  "%s ends the start with one sentence that says what to do",
  async (_what, settings, options, exit, sentence) => {
    const { code, stdout, stderr } = await runCli(["--config", configOf(settings), "--port", "0"], options);
    expect(stderr).toMatch(/^toolarium: [^\n]+\n$/);
    expect(stderr.slice("toolarium: ".length, -1)).toMatch(sentence);
    expect([code, stdout]).toEqual([exit, ""]);
  },
);

test("a program runs with no HOME, no locale, a TMPDIR that does not exist and its input closed", async () => {
  const file = tempFile("program.ts", "return 6 * 7");
  const options = { env: { TMPDIR: "/no/such" }, under: "unset HOME LANG; exec <&-" };
  const { code, stdout, stderr } = await runCli(["run", file, "--config", configOf()], options);
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "42\n", stderr: "" });
});

test("a gateway without a file descriptor left says so once, lives, and serves as before once it has some", async () => {
  const config = configOf({ sandbox: { workers: 1 }, server: { admin: true } });
  const server = await startServer(["--config", config], { under: "ulimit -n 64" });
  const { port } = new URL(server.url);
  expect(await runOver(server.url)).toMatchObject({ status: "completed", result: 1 });

  const sockets: Socket[] = [];
  const letGo = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(letGo);
  for (let n = 0; n < 80; n++) sockets.push(connect(Number(port), "127.0.0.1").on("error", () => {}));
  const said = (words: string): number => server.stderr.split(words).length - 1;
  await until("it says what it lacks", () => said("no file descriptor is left: new connections are dropped"));
  // Its workers are not replaced while there is no descriptor for one, and that ends nothing.
  const workers = descendantsOf(server.process.pid ?? 0).filter(isWorker);
  for (const pid of workers) process.kill(pid, "SIGKILL");
  await until("they are gone", () => !workers.some(isRunning));
  // Each that died has left a descriptor, and somebody waits for it.
  for (let n = 0; n < 20; n++) sockets.push(connect(Number(port), "127.0.0.1").on("error", () => {}));
  letGo();

  expect(await runOver(server.url)).toMatchObject({ status: "completed", result: 1 });
  await until("it says that it is over", () => said("file descriptors are free again"));
  expect(said("new connections are dropped")).toBe(1);
  expect(server.stderr).not.toMatch(/\bat .*:\d+:\d+/);
  server.process.kill("SIGTERM");
  expect(await server.exited).toBe(0);
});

async function runOver(url: string): Promise<unknown> {
  const answer = await fetch(`${url}/v1/sandbox/runs`, {
    method: "POST",
    headers: { "content-type": "application/json", connection: "close" },
    body: JSON.stringify({ code: "return 1" }),
  });
  return await answer.json();
}
