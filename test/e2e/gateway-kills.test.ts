/**
 * The gateway is killed again and again, wherever it is, and started again on the same store. What its runs did is in
 * the file of a server that outlives it; what it says of them is in its journals.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import type { JournalEvent } from "../../src/journal.ts";
import { createLog } from "../../src/log.ts";
import { toQuestionId } from "../../src/runs/record/ids.ts";
import { readState } from "../../src/runs/record/run-state.ts";
import { listRunsIn } from "../../src/store/all-runs.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import type { StoredRun } from "../../src/store/store.ts";
import { createRandom, type Random } from "../helpers/random.ts";
import { until } from "../helpers/until.ts";
import { startWorld, type World } from "../helpers/world.ts";
import { type Cli, startCli } from "./cli-process.ts";

const KILLS = process.env["SOAK"] === "1" ? 500 : 102;
/** Gateways side by side, each with a store of its own: starting one keeps about one core busy. */
const LANES = 3;
/** Runs that a life of a gateway begins at most, and answers that it gives at most. */
const RUNS_PER_LIFE = 8;
const ANSWERS_PER_LIFE = 40;

/** Everything they call is told to them, so that they say at their end what they believe has happened. */
const PROGRAMS = [
  `const [b, c] = [await told(add(1)), await Promise.all([told(put(2)), told(look(3))])];
   await sleep(10);
   return [b, ...c, await told(order(4)), await told(add(5))]`,
  `const out = [];
   for (let k = 1; k <= 5; k++) { out.push(await told(add(k))); await sleep(k); }
   return out`,
  `const both = await Promise.all([told(order(1)), told(order(2)), told(add(3))]);
   return [...both, await told(put(4))]`,
  `const late = new Promise((resolve) => { setTimeout(() => resolve(told(add(1))), 15); });
   const first = await told(order(2));
   return [await late, first, await told(order(3))]`,
].map(
  (body) => `
   const tokenOf = (k) => ({ token: input + ":" + k });
   const [add, put, look, order] = ["add", "put", "look", "order"].map((name) => (k) => world[name](tokenOf(k)));
   const told = (call) => call.catch((error) => error.kind);
   ${body}`,
);

interface Acknowledged {
  /** The id under which it was asked: a call in doubt is another question. */
  readonly call: string;
  readonly decision: "approve" | "deny" | "result";
}

interface Lane {
  readonly random: Random;
  readonly args: readonly string[];
  readonly storePath: string;
  /** By call and decision: of two who say the same, both are answered that it is so. */
  readonly acknowledged: Map<string, Acknowledged>;
  readonly inputs: string[];
}

const approvals = z.object({ data: z.array(z.object({ run: z.string(), call: z.string() })) });
const runList = z.object({ data: z.array(z.unknown()) });

test(`whatever happens to the gateway, no effect is lost from its journals and none happens twice (${KILLS} kills)`, {
  timeout: 1_200_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "toolarium-kills-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  await using world = await startWorld(join(folder, "effects"));
  const lanes = Array.from({ length: LANES }, (_, index) => openLane(folder, index, world));
  await Promise.all(lanes.map((lane) => liveThrough(lane, KILLS / LANES)));
  for (const lane of lanes) await expectWhole(lane, world);
});

function openLane(folder: string, index: number, world: World): Lane {
  const config = {
    mcpServers: { world: { url: world.url } },
    tools: {
      autoExecute: ["world/add", "world/put", "world/look"],
      readOnly: ["world/look"],
      idempotent: ["world/put"],
    },
    sandbox: { workers: 1 },
    store: { path: `./${index}.db` },
  };
  const path = join(folder, `${index}.json`);
  writeFileSync(path, JSON.stringify(config));
  const args = ["serve", "--port", "0", "--config", path];
  const random = createRandom(index + Date.now());
  return {
    random,
    args,
    storePath: join(folder, `${index}.db`),
    acknowledged: new Map(),
    inputs: [],
  };
}

async function liveThrough(lane: Lane, kills: number): Promise<void> {
  for (let life = 0; life < kills; life++) {
    const gateway = start(lane);
    // Some do not live to see their first request.
    if (lane.random.chance(0.3)) await setTimeout(lane.random.below(1_000));
    else await useUntilKilled(lane, gateway);
    gateway.process.kill("SIGKILL");
    await gateway.exited;
  }
  const last = start(lane);
  const url = await ready(last);
  await until(
    "every run has ended",
    async () => (await decideOnce(lane, url, 1)) === 0 && (await isIdle(url)),
    120_000,
  );
  last.process.kill("SIGTERM");
  expect(await last.exited).toBe(0);
}

const start = ({ args }: Lane): Cli => startCli(args, { env: { TOOLARIUM_LOG: "error" } });

async function ready(gateway: Cli): Promise<string> {
  const line = await until(
    "the ready line",
    () => {
      if (gateway.process.exitCode !== null) throw new Error(`the gateway did not start: ${gateway.stderr}`);
      return /^toolarium listening on (http:\S+)\n/.exec(gateway.stdout);
    },
    60_000,
  );
  return line[1] ?? "";
}

/** Begins runs and decides their calls, until the gateway dies in the middle of it: a moment after some answer of its. */
async function useUntilKilled(lane: Lane, gateway: Cli): Promise<void> {
  const { random } = lane;
  const url = await ready(gateway);
  let answersLeft = random.below(ANSWERS_PER_LIFE);
  const isAlive = (): boolean => !gateway.process.killed;
  const answered = (): void => {
    answersLeft -= 1;
    if (answersLeft === 0) void setTimeout(random.below(40)).then(() => gateway.process.kill("SIGKILL"));
  };
  const startRuns = async (): Promise<void> => {
    for (let i = 0; i < RUNS_PER_LIFE && isAlive(); i++) {
      await startRun(lane, url);
      answered();
    }
  };
  const decide = async (): Promise<void> => {
    while (isAlive()) {
      await decideOnce(lane, url, 0.6, answered);
      await setTimeout(random.below(30));
      answered();
    }
  };
  if (answersLeft === 0) return;
  // Every request may find the gateway gone.
  await Promise.allSettled([startRuns(), decide(), decide()]);
}

async function startRun({ random, inputs }: Lane, url: string): Promise<void> {
  const input = `${random.below(1_000_000_000)}`;
  inputs.push(input);
  const code = random.pick(PROGRAMS as [string, ...string[]]);
  await post(`${url}/v1/sandbox/runs`, { code, input, wait: false, typecheck: "off" });
}

/** Decides some of what is pending. Returns how many there were. */
async function decideOnce(
  { random, acknowledged }: Lane,
  url: string,
  share: number,
  answered: () => void = () => undefined,
): Promise<number> {
  const { data } = approvals.parse(await (await fetch(`${url}/v1/approvals`)).json());
  for (const { run, call } of data) {
    if (!random.chance(share)) continue;
    const decision = random.pick(["approve", "approve", "approve", "deny", "result"] as const);
    const body = decision === "result" ? { decision, result: "given" } : { decision };
    const { status } = await post(`${url}/v1/runs/${run}/calls/${call}?wait=false`, body);
    // The other one who decides may have been faster.
    if (status === 202) acknowledged.set(`${call} ${decision}`, { call, decision });
    else expect(status).toBe(409);
    answered();
  }
  return data.length;
}

async function isIdle(url: string): Promise<boolean> {
  for (const status of ["queued", "running", "waiting"]) {
    const answer = await fetch(`${url}/v1/sandbox/runs?limit=1&status=${status}`);
    if (runList.parse(await answer.json()).data.length > 0) return false;
  }
  return true;
}

function post(url: string, body: unknown): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

async function expectWhole(lane: Lane, world: World): Promise<void> {
  const { acknowledged, storePath, inputs } = lane;
  await using store = await openSqliteStore({ path: storePath, log: createLog("silent") });
  for await (const { broken } of store.verify()) expect(broken).toEqual([]);
  expect(await listRunsIn(store, "queued", "running", "waiting", "failed", "cancelled")).toEqual([]);
  const runs = await listRunsIn(store, "completed");

  const effects = world.effects();
  const known = new Set<string>();
  const decided: Acknowledged[] = [];
  for (const run of runs) {
    const events = await store.readJournal(run.id);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    for (const call of callsIn(events)) {
      known.add(`${call.name} ${call.token}`);
      expectOnce(call, effects, run);
      decided.push(...call.decisions);
    }
  }
  // Every effect of these runs was announced: none came from nowhere.
  const own = new Set(inputs);
  const effectsOfLane = effects.filter((line) => own.has(/ (\d+):/.exec(line)?.[1] ?? ""));
  expect(effectsOfLane.filter((line) => !known.has(line))).toEqual([]);
  // What was answered with 202 is there.
  for (const one of acknowledged.values()) {
    const at = decided.findIndex(({ call, decision }) => call === one.call && decision === one.decision);
    expect(at, JSON.stringify(one)).toBeGreaterThanOrEqual(0);
    decided.splice(at, 1);
  }
  // It was a life worth killing.
  expect(effectsOfLane.length).toBeGreaterThan(KILLS / LANES);
  expect(acknowledged.size).toBeGreaterThan(KILLS / LANES / 2);
}

const saidAs = { approved: "approve", denied: "deny", result: "result" } as const;

interface CallInJournal {
  readonly id: string;
  readonly name: string;
  readonly token: string;
  readonly events: readonly JournalEvent[];
  readonly decisions: readonly Acknowledged[];
}

function callsIn(events: readonly JournalEvent[]): readonly CallInJournal[] {
  return events.flatMap((requested) => {
    if (requested.type !== "requested") return [];
    const own = events.filter((event) => "call" in event && event.call === requested.call);
    const decisions = own.flatMap((event, index): readonly Acknowledged[] => {
      if (event.type !== "decided" || event.by === "policy") return [];
      const call = toQuestionId(
        event.call,
        readState(own.slice(0, index)).call(event.call)?.doubts.length ?? 0,
      );
      return [{ call, decision: saidAs[event.decision as keyof typeof saidAs] }];
    });
    const { token } = z.object({ token: z.string() }).parse(JSON.parse(requested.args));
    return [
      { id: requested.call, name: requested.tool.replace("world/", ""), token, events: own, decisions },
    ];
  });
}

function expectOnce(
  { id, name, token, events, decisions }: CallInJournal,
  effects: readonly string[],
  run: StoredRun,
): void {
  const what = `${run.id} ${id} ${name} ${token}`;
  const happened = effects.filter((line) => line === `${name} ${token}`).length;
  const started = events.filter(({ type }) => type === "started").length;
  expect(happened, what).toBeLessThanOrEqual(started);
  // One answer to one question, in turn.
  const asked = events.filter((event) => event.type === "decided" && event.decision === "ask").length;
  expect(decisions.length, what).toBe(asked);
  const settled = events.flatMap((event) => (event.type === "settled" ? [event.outcome] : []));
  expect(settled, what).toHaveLength(1);
  if (name === "put" || name === "look") expect(asked, what).toBe(0);
  else {
    const approved = decisions.filter(({ decision }) => decision === "approve").length;
    const automatic = name === "add" ? 1 : 0;
    expect(started, what).toBeLessThanOrEqual(automatic + approved);
  }
  const [outcome] = settled;
  if (name !== "look" && outcome?.ok && outcome.value === JSON.stringify(token))
    expect(happened, what).toBeGreaterThan(0);
}
