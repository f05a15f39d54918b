/**
 * The disk takes nothing more while programs run: what they did is in the file of a server that outlives the gateway,
 * and what their clients were told is compared with what the gateway says of them afterwards.
 *
 * The limit on the size of files (RLIMIT_FSIZE, set from outside by `prlimit`) makes every write of the process fail,
 * as a full disk does, without a file system of its own.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { until } from "../helpers/until.ts";
import { startWorld } from "../helpers/world.ts";
import { type Cli, startServer } from "./cli-process.ts";

const ROUNDS = process.env["SOAK"] === "1" ? 40 : 1;

const call = z.object({ tool: z.string(), status: z.string(), id: z.string() });
const report = z.object({ id: z.string(), status: z.string(), result: z.unknown(), calls: z.array(call) });
const problem = z.object({
  code: z.string(),
  detail: z.string(),
  run: z.object({ id: z.string(), status: z.string(), effects: z.string() }).optional(),
});

type Told = { readonly status: number; readonly retryAfter: string | null; readonly body: unknown };

/** `k` effects one after the other, then all tokens. */
const program = (name: string, k: number): string => `
  const done = [];
  for (let i = 1; i <= ${k}; i++) { done.push(await world.add({ token: "${name}:" + i })); await sleep(2); }
  return done`;

async function post(url: string, body: unknown): Promise<Told> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const retryAfter = response.headers.get("retry-after");
  return { status: response.status, retryAfter, body: await response.json() };
}

const start = (url: string, code: string): Promise<Told> => post(`${url}/v1/sandbox/runs`, { code });

const statusOf = async (url: string, run: string): Promise<number> =>
  (await fetch(`${url}/v1/sandbox/runs/${run}`)).status;

async function get(url: string, run: string): Promise<z.infer<typeof report>> {
  const response = await fetch(`${url}/v1/sandbox/runs/${run}`);
  expect(response.status, run).toBe(200);
  return report.parse(await response.json());
}

const setLimit = ({ process }: Cli, fsize: string): void => {
  execFileSync("prlimit", [`--pid=${process.pid}`, `--fsize=${fsize}`]);
};
const fillDisk = (gateway: Cli): void => setLimit(gateway, "0:unlimited");
const freeDisk = (gateway: Cli): void => setLimit(gateway, "unlimited:unlimited");

const readiness = async (url: string): Promise<number> => (await fetch(`${url}/readyz`)).status;
const becomesReady = (url: string): Promise<unknown> =>
  until("the gateway is ready again", async () => (await readiness(url)) === 200, 60_000);

/** What the client of each run was told, by the run's id: its status, or that nothing is known but whether it had effects. */
function byRun(answers: readonly Told[]): ReadonlyMap<string, string> {
  return new Map(
    answers.map(({ status, retryAfter, body }) => {
      if (status === 200) {
        const { id, status: said } = report.parse(body);
        return [id, said];
      }
      expect({ status, retryAfter }).toEqual({ status: 503, retryAfter: "1" });
      const { code, run } = problem.parse(body);
      expect(code).toBe("store_unavailable");
      return [run?.id ?? "", run?.effects === "none" ? "unknown, without effects" : "unknown"];
    }),
  );
}

async function inWorld() {
  const folder = mkdtempSync(join(tmpdir(), "toolarium-outage-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const world = await startWorld(join(folder, "effects"));
  onTestFinished(() => world[Symbol.asyncDispose]());
  const config = {
    mcpServers: { world: { url: world.url } },
    tools: { autoExecute: ["world/*"], readOnly: ["world/look"] },
    sandbox: { workers: 1 },
    agent: { maxTurns: 200 },
    store: { path: "./runs.db" },
  };
  const file = join(folder, "toolarium.json");
  writeFileSync(file, JSON.stringify(config));
  const serve = (): Promise<Cli & { readonly url: string }> =>
    startServer(["--config", file], { env: { TOOLARIUM_LOG: "silent" } });
  return { world, serve };
}

const NAMES = ["a", "b", "c", "d", "e", "f"];

test(`programs on a disk that fills are suspended, and end as they were told once it has room (${ROUNDS} rounds)`, {
  timeout: 120_000 * ROUNDS,
}, async () => {
  const { world, serve } = await inWorld();
  const gateway = await serve();
  const { url } = gateway;
  for (let round = 1; round <= ROUNDS; round++) {
    const before = world.effects().length;
    const names = NAMES.map((name) => `${round}${name}`);
    const running = names.map((name) => start(url, program(name, 20)));
    await until("some effects have happened", () => world.effects().length > before + 6 * (round % 12));
    fillDisk(gateway);
    const told = byRun(await Promise.all(running));
    expect(told.size).toBe(names.length);
    expect([...told.values()]).toContain("unknown");

    // Nothing new begins, and nothing happens any more.
    expect(await readiness(url)).toBe(503);
    const refused = await start(url, program("late", 1));
    expect(refused).toMatchObject({ status: 503, retryAfter: "1", body: { code: "store_unavailable" } });
    expect(problem.parse(refused.body).run).toBeUndefined();
    for (const run of told.keys()) expect((await get(url, run)).status).toMatch(/queued|running|completed/);
    const models = await fetch(`${url}/v1/models`);
    expect(models.status).toBe(200);

    freeDisk(gateway);
    await becomesReady(url);
    for (const [run, said] of told) {
      const end = await until("it has ended", async () => {
        const now = await get(url, run);
        return now.status === "completed" || now.status === "failed" ? now : undefined;
      });
      if (!said.startsWith("unknown")) expect(end.status).toBe(said);
      expect(end.status).toBe("completed");
      expect(end.calls.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => "ok"));
    }
    const expected = names.flatMap((name) => Array.from({ length: 20 }, (_, i) => `add ${name}:${i + 1}`));
    expect(world.effects().slice(before).toSorted()).toEqual(expected.toSorted());
  }
  expect(world.effects().filter((line) => line.includes("late"))).toEqual([]);
});

test(`a gateway that is killed while its disk is full goes on from what it kept (${ROUNDS} rounds)`, {
  timeout: 120_000 * ROUNDS,
}, async () => {
  const { world, serve } = await inWorld();
  for (let round = 1; round <= ROUNDS; round++) {
    const before = world.effects().length;
    const names = NAMES.map((name) => `${round}${name}`);
    const gateway = await serve();
    const running = names.map((name) => start(gateway.url, program(name, 20)));
    await until("some effects have happened", () => world.effects().length > before + 6 * (round % 12));
    fillDisk(gateway);
    const told = byRun(await Promise.all(running));
    // What is read then is what a restart finds, too.
    const read = new Map<string, string>();
    for (const run of told.keys()) {
      const now = await get(gateway.url, run);
      for (const { id, status } of now.calls) if (status === "ok") read.set(id, run);
    }
    gateway.process.kill("SIGKILL");
    await gateway.exited;

    const next = await serve();
    await becomesReady(next.url);
    const gone = new Set<string | undefined>();
    for (const [index, [run, said]] of [...told].entries()) {
      // The disk took nothing of it, and nothing had come of it.
      if (said === "unknown, without effects" && (await statusOf(next.url, run)) === 404) {
        gone.add(names[index]);
        continue;
      }
      const end = await until("it has ended", async () => {
        const now = await get(next.url, run);
        // Nobody knows of the call that was under way: it happened.
        for (const { id, status } of now.calls)
          if (status === "in_doubt") await settle(next.url, run, id, world.effects());
        return now.status === "completed" ? now : undefined;
      });
      if (!said.startsWith("unknown")) expect(end.status).toBe(said);
      for (const { id, status } of end.calls) if (read.get(id) === run) expect(status).toBe("ok");
      expect(end.calls).toHaveLength(20);
    }
    const expected = names.flatMap((name) =>
      gone.has(name) ? [] : Array.from({ length: 20 }, (_, i) => `add ${name}:${i + 1}`),
    );
    expect(world.effects().slice(before).toSorted()).toEqual(expected.toSorted());
    next.process.kill("SIGTERM");
    expect(await next.exited).toBe(0);
  }
});

const completion = z.object({
  choices: z.array(z.object({ finish_reason: z.string(), message: z.object({ content: z.string() }) })),
  toolarium: z.object({ run_id: z.string(), stop_reason: z.string() }),
});

test("a chat whose record cannot be kept says so: after calls as its end, before them as 503; explicit calls too", {
  timeout: 120_000,
}, async () => {
  const { world, serve } = await inWorld();
  const gateway = await serve();
  const { url } = gateway;
  const chat = (name: string, calls: number): Promise<Told> => {
    const steps = Array.from({ length: calls }, (_, i) => ({
      tool: "world/add",
      arguments: { token: `${name}:${i}` },
    }));
    const content = ["```json", JSON.stringify(steps), "```"].join("\n");
    const messages = [{ role: "user", content }];
    return post(`${url}/v1/chat/completions`, { model: "builtin/script", mode: "agent", messages });
  };
  const answer = chat("chat", 150);
  await until("some effects have happened", () => world.effects().length > 3);
  fillDisk(gateway);
  const { status, body } = await answer;
  expect(status).toBe(200);
  const { choices, toolarium } = completion.parse(body);
  expect(toolarium.stop_reason).toBe("store_unavailable");
  expect(choices[0]).toMatchObject({ finish_reason: "stop" });
  expect(choices[0]?.message.content).toMatch(/The store cannot be written/);
  const count = world.effects().length;

  const refused = { status: 503, retryAfter: "1" };
  expect(await chat("late", 1)).toMatchObject({ ...refused, body: { error: { code: "store_unavailable" } } });
  const explicit = await post(`${url}/v1/tools/world/add`, { arguments: { token: "late" } });
  expect(explicit).toMatchObject({ ...refused, body: { code: "store_unavailable" } });
  // What needs no record is served.
  const plain = { model: "builtin/script", messages: [{ role: "user", content: "hello" }] };
  expect((await post(`${url}/v1/chat/completions`, plain)).status).toBe(200);

  freeDisk(gateway);
  await becomesReady(url);
  const end = await until("it has ended", async () => {
    const now = await get(url, toolarium.run_id);
    return now.status === "running" ? undefined : now;
  });
  expect(["cancelled", "failed"]).toContain(end.status);
  expect(world.effects()).toHaveLength(count);
  const tokens = end.calls.filter(({ status: said }) => said === "ok");
  expect(tokens.length).toBeGreaterThanOrEqual(count - 1);
  expect(tokens.length).toBeLessThanOrEqual(count);
});

const pending = z.object({ pending: z.array(z.object({ call: z.string(), arguments: z.unknown() })) });

/** A person looks whether it happened, and says what came of it, or lets it be made. */
async function settle(url: string, run: string, id: string, effects: readonly string[]): Promise<void> {
  const body = pending.parse(await (await fetch(`${url}/v1/sandbox/runs/${run}`)).json());
  const asked = body.pending.find(({ call: question }) => question.startsWith(id.slice(0, 27)));
  if (asked === undefined) return;
  const { token } = z.object({ token: z.string() }).parse(asked.arguments);
  const decision = effects.includes(`add ${token}`)
    ? { decision: "result", result: token }
    : { decision: "approve" };
  const { status } = await post(`${url}/v1/runs/${run}/calls/${asked.call}?wait=false`, decision);
  expect([202, 409]).toContain(status);
}
