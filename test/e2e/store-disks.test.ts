/**
 * Real disks in the way of a gateway's store while its programs run. After each: nothing leaves while it lasts, and in
 * the end what a server counted is what the journals say, and what clients were told is what is read.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { until } from "../helpers/until.ts";
import { startWorld, type World } from "../helpers/world.ts";
import { type Cli, runCli, startServer } from "./cli-process.ts";
import { type Fault, faults, readOnlyFolder } from "./disks.ts";

const EFFECTS = 25;
const NAMES = ["a", "b", "c", "d", "e", "f"];

const report = z.object({
  ...{ id: z.string(), status: z.string(), result: z.unknown() },
  calls: z.array(z.object({ status: z.string() })),
});
type Report = z.infer<typeof report>;
const problem = z.object({ code: z.string(), run: z.object({ id: z.string() }) });

interface Told {
  readonly status: number;
  readonly body: unknown;
}

const program = (name: string, paceMs: number): string => `
  for (let i = 1; i <= ${EFFECTS}; i++) { await world.add({ token: "${name}:" + i }); await sleep(${paceMs}); }
  return "${name}"`;

async function start(url: string, code: string): Promise<Told> {
  const response = await fetch(`${url}/v1/sandbox/runs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ code }),
  });
  return { status: response.status, body: await response.json() };
}

async function get(url: string, run: string): Promise<Report> {
  const response = await fetch(`${url}/v1/sandbox/runs/${run}`);
  expect(response.status, run).toBe(200);
  return report.parse(await response.json());
}

const readiness = async (url: string): Promise<number> => (await fetch(`${url}/readyz`)).status;

/** By run: how it ended, as its client was told; `unknown` when the client was told that this is not known. */
function readTold(answers: readonly Told[]): ReadonlyMap<string, string> {
  return new Map(
    answers.map(({ status, body }) => {
      if (status === 200) {
        const { id, status: said } = report.parse(body);
        return [id, said];
      }
      expect(status, JSON.stringify(body)).toBe(503);
      const { code, run } = problem.parse(body);
      expect(code).toBe("store_unavailable");
      return [run.id, "unknown"];
    }),
  );
}

async function inWorld(): Promise<{ readonly world: World; readonly folder: string; readonly file: string }> {
  const root = mkdtempSync(join(tmpdir(), "toolarium-disk-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const folder = join(root, "store");
  mkdirSync(folder);
  const world = await startWorld(join(root, "effects"));
  onTestFinished(() => world[Symbol.asyncDispose]());
  const config = {
    mcpServers: { world: { url: world.url } },
    tools: { autoExecute: ["world/*"] },
    sandbox: { workers: 1 },
    store: { path: join(folder, "runs.db") },
  };
  const file = join(root, "toolarium.json");
  writeFileSync(file, JSON.stringify(config));
  return { world, folder, file };
}

const serve = (file: string, under: string): Promise<Cli & { readonly url: string }> =>
  startServer(["--config", file], { under, env: { TOOLARIUM_LOG: "silent" } });

async function stop({ process, exited }: Cli): Promise<void> {
  process.kill("SIGTERM");
  expect(await exited).toBe(0);
}

const expectedEffects = NAMES.flatMap((name) =>
  Array.from({ length: EFFECTS }, (_, i) => `add ${name}:${i + 1}`),
);

for (const fault of faults)
  test(
    `${fault.title}: nobody is told what is not kept, nothing happens twice or unrecorded`,
    {
      timeout: 120_000,
    },
    () => survive(fault),
  );

async function survive({ prepare, lastsMs = 0, paceMs = 2 }: Fault): Promise<void> {
  const { world, folder, file } = await inWorld();
  const disk = await prepare(folder);
  let gateway = await serve(file, disk.under);
  const { url } = gateway;
  const pid = gateway.process.pid ?? 0;
  const running = NAMES.map((name) => start(url, program(name, paceMs)));
  await until("some effects have happened", () => world.effects().length > 12);
  await disk.begin(pid);
  const began = Date.now();
  await until("the gateway is not ready", async () => {
    await disk.begin(pid);
    return (await readiness(url)) === 503;
  });
  const told = readTold(await Promise.all(running));
  expect(told.size).toBe(NAMES.length);
  expect([...told.values()]).toContain("unknown");

  const late = await start(url, 'return await world.add({ token: "late" })');
  expect(late).toMatchObject({ status: 503, body: { code: "store_unavailable" } });
  expect(late.body).not.toHaveProperty("run");
  const count = world.effects().length;
  for (const [run, said] of told) {
    const { status } = await get(url, run);
    expect(["running", "queued", "completed"]).toContain(status);
    if (said !== "unknown") expect(status).toBe(said);
  }
  await until("it has lasted long enough", () => Date.now() - began > lastsMs, lastsMs + 1_000);
  expect(await readiness(url)).toBe(503);
  expect(world.effects()).toHaveLength(count);

  await disk.end(pid);
  await until("the gateway is ready again", async () => (await readiness(url)) === 200, 30_000);
  const ends = new Map<string, Report>();
  for (const [run, said] of told) {
    const end = await until("it has ended", async () => {
      const now = await get(url, run);
      return now.status === "completed" || now.status === "failed" ? now : undefined;
    });
    if (said !== "unknown") expect(end.status).toBe(said);
    expect(end.status).toBe("completed");
    expect(end.calls.map(({ status }) => status)).toEqual(Array.from({ length: EFFECTS }, () => "ok"));
    ends.set(run, end);
  }
  expect(world.effects().toSorted()).toEqual(expectedEffects.toSorted());
  await stop(gateway);

  gateway = await serve(file, disk.under);
  for (const [run, end] of ends) expect(await get(gateway.url, run)).toEqual(end);
  expect(world.effects()).toHaveLength(expectedEffects.length);
  await stop(gateway);
}

test("the file is deleted for good: no effect leaves any more, and the next start begins with an empty store", {
  timeout: 60_000,
}, async () => {
  const { world, folder, file } = await inWorld();
  const gateway = await serve(file, "");
  const running = NAMES.map((name) => start(gateway.url, program(name, 2)));
  await until("some effects have happened", () => world.effects().length > 12);
  rmSync(join(folder, "runs.db"));
  const told = readTold(await Promise.all(running));
  expect([...told.values()]).toContain("unknown");
  const ready = await fetch(`${gateway.url}/readyz`);
  expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining("its file is gone")]);
  const count = world.effects().length;
  expect(count).toBeLessThan(expectedEffects.length);
  for (const [run, said] of told)
    if (said !== "unknown") expect((await get(gateway.url, run)).status).toBe(said);
  await stop(gateway);

  const next = await serve(file, "");
  for (const run of told.keys()) expect((await fetch(`${next.url}/v1/sandbox/runs/${run}`)).status).toBe(404);
  expect(await start(next.url, "return 1")).toMatchObject({ status: 200, body: { status: "completed" } });
  // What was in the redo log beside it belongs to the store that is gone.
  expect(world.effects()).toHaveLength(count);
  await stop(next);
});

test("a chat in code mode that cannot keep its program's record ends in words that say so when something was called", {
  timeout: 60_000,
}, async () => {
  const { world, folder, file } = await inWorld();
  const gateway = await serve(file, "");
  using other = new DatabaseSync(join(folder, "runs.db"), { timeout: 2_000 });
  const ask = (code: string): Promise<Response> =>
    fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        ...{ model: "builtin/script", mode: "code" },
        messages: [{ role: "user", content: ["```ts", code, "```"].join("\n") }],
      }),
    });
  // What all programs share is kept with the first one.
  expect((await ask("return 1")).status).toBe(200);
  const answer = ask('await world.add({ token: "once" }); for (let i = 0; i < 400; i++) await sleep(20);');
  await until("its program has called something", () => world.effects().length > 0);
  other.exec("begin immediate");
  const response = await answer;
  expect([response.status, await response.json()]).toMatchObject([
    200,
    { choices: [{ finish_reason: "stop" }], toolarium: { stop_reason: "store_unavailable" } },
  ]);
  other.exec("rollback");
  await until("the gateway is ready again", async () => (await readiness(gateway.url)) === 200, 30_000);
  expect(world.effects()).toEqual(["add once"]);
  await stop(gateway);
});

const where = readOnlyFolder === null ? "a file in its place: nothing can be mounted here" : "a bind mount";

test(`a store in a folder that cannot be written (${where}) ends the start with one sentence`, async () => {
  const { folder, file } = await inWorld();
  const disk = await readOnlyFolder?.(folder);
  if (disk === undefined) {
    rmSync(folder, { recursive: true });
    writeFileSync(folder, "");
  }
  const { code, stderr } = await runCli(["--config", file, "--port", "0"], { under: disk?.under ?? ":" });
  expect(stderr).toMatch(
    /^toolarium: store\.path: "[^"]+" is (on a read-only file system|not inside a directory)[^\n]+\n$/,
  );
  expect(code).toBe(3);
});
