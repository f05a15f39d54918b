/** Programs that do their worst, and how a gateway answers meanwhile whoever watches it. */
import { readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { setTimeout } from "node:timers/promises";
import type { House } from "./house.ts";

const ASK_EVERY_MS = 20;

/** Each costs the gateway's own process something: compiling, checking, many small calls, large texts, a killed worker. */
const attacks: readonly { readonly code: string; readonly typecheck?: string }[] = [
  { code: "for (;;);" },
  { code: "const all = []; for (;;) all.push(new Array(1e6).fill(all.length));" },
  {
    code: "await Promise.all(Array.from({ length: 200 }, (_, k) => world.look({ token: 't' + k })));",
    typecheck: "off",
  },
  { code: `return ${"[".repeat(90)}${"]".repeat(90)}` },
  { code: `return ${"(".repeat(20_000)}1${")".repeat(20_000)}` },
  { code: `const a = ${JSON.stringify("x".repeat(60_000))}; return a.repeat(15)` },
  {
    code: "type T<N extends number, A extends 0[] = []> = A['length'] extends N ? A : T<N, [...A, 0]>; const x: T<9999> = 1; return x",
  },
  { code: "for (let k = 0; k < 5_000; k++) console.log('x'.repeat(500));" },
  { code: "return await world.look({ token: 'x'.repeat(900_000) })", typecheck: "off" },
];

/** How `/livez` and, at the same moments, a process that does nothing else answer. */
export interface Liveliness {
  readonly p99Ms: number;
  readonly idleP99Ms: number;
  /** What the gateway's own thread computed while somebody waited: whatever else the machine does, this is ours. */
  readonly ownP99Ms: number;
  readonly runs: number;
  /** For people. */
  readonly summary: string;
}

export async function measureLiveliness(house: House, durationMs: number): Promise<Liveliness> {
  const over = new AbortController();
  const load = { runs: 0 };
  const attackers = attacks.map((attack) =>
    keepAttacking(`${house.url}/v1/sandbox/runs`, attack, over.signal, load),
  );
  const [gateway, idle] = await Promise.all([
    askOften(`${house.url}/livez`, house.pid, durationMs),
    askOften(house.world.url.replace(/mcp$/, "nothing"), house.world.pid, durationMs),
  ]);
  over.abort();
  await Promise.allSettled(attackers);
  const waits = gateway.map(({ waitedMs }) => waitedMs);
  const p99Ms = percentile(waits, 0.99);
  const idleP99Ms = percentile(
    idle.map(({ waitedMs }) => waitedMs),
    0.99,
  );
  const own = gateway.map(({ computedMs }) => computedMs);
  const ownP99Ms = percentile(own, 0.99);
  const summary =
    `/livez: p50 ${percentile(waits, 0.5)} ms, p99 ${p99Ms} ms of ${gateway.length} answers beside ${load.runs} hostile runs; ` +
    `of that the gateway's thread computed: p99 ${ownP99Ms} ms, at most ${percentile(own, 1)} ms; ` +
    `an idle process at the same time: p99 ${idleP99Ms} ms; load ${loadavg()[0]?.toFixed(1)}`;
  return { p99Ms, idleP99Ms, ownP99Ms, runs: load.runs, summary };
}

async function keepAttacking(
  url: string,
  attack: object,
  signal: AbortSignal,
  load: { runs: number },
): Promise<void> {
  const body = JSON.stringify({ ...attack, limits: { wallMs: 2_000, cpuMs: 1_000, memoryMb: 32 } });
  const headers = { "content-type": "application/json" };
  while (!signal.aborted) {
    const answer = await fetch(url, { method: "POST", headers, body, signal });
    await answer.arrayBuffer();
    load.runs += 1;
  }
}

interface Wait {
  readonly waitedMs: number;
  readonly computedMs: number;
}

async function askOften(url: string, pid: number | undefined, durationMs: number): Promise<readonly Wait[]> {
  const answers: Wait[] = [];
  const end = performance.now() + durationMs;
  while (performance.now() < end) {
    const [asked, cpuMs] = [performance.now(), threadCpuMs(pid)];
    await (await fetch(url)).arrayBuffer();
    answers.push({ waitedMs: performance.now() - asked, computedMs: threadCpuMs(pid) - cpuMs });
    await setTimeout(ASK_EVERY_MS);
  }
  return answers;
}

/** Of the first thread of a process. */
function threadCpuMs(pid: number | undefined): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ", 1)[0]) / 1e6;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return Math.ceil(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
}
