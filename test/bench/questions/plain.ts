/** What a gateway adds to a provider's answer in plain mode, where it only passes bytes on, beside a peer that does. */
import { Agent, request } from "undici";
import { type RunningGateway, startPortkey, startToolarium, startUpstream } from "../gateways/start.ts";
import { ask, type Extent, interleave, median, ms, percentiles, tell, timed, times } from "../measure.ts";
import { cpuMsOf } from "../processes.ts";
import { keep } from "../tables.ts";

interface Load {
  readonly name: string;
  readonly stream: boolean;
  /** Requests of one burst. */
  readonly requests: number;
}

const loads: readonly Load[] = [
  { name: "JSON", stream: false, requests: 1_000 },
  { name: "200-chunk stream", stream: true, requests: 300 },
];
const AT_ONCE = 16;

export async function plainMode(extent: Extent): Promise<void> {
  await using open = new AsyncDisposableStack();
  const upstream = open.use(await startUpstream());
  const toolarium = open.use(await startToolarium(upstream));
  const peers = extent.peers ? [open.use(await startPortkey(upstream))] : [];
  const agent = open.adopt(new Agent({ connections: AT_ONCE }), (each) => each.close());
  for (const load of loads) {
    const all = [upstream, toolarium, ...(await thoseThatAnswer(peers, load, agent))];
    ask(`What does a gateway add to one answer? (${load.name}, one at a time, in turn)`);
    await compareLatency(all, load, agent, extent.short ? 20 : 500);
    ask(`How many answers a second go through it? (${load.name}, ${AT_ONCE} at once, in turn)`);
    await compareThroughput(all, load, agent, extent.short ? 1 : 7);
  }
}

/** What cannot do it at all is named, and left out. */
async function thoseThatAnswer(
  peers: readonly RunningGateway[],
  load: Load,
  agent: Agent,
): Promise<readonly RunningGateway[]> {
  const able: RunningGateway[] = [];
  for (const peer of peers) {
    const failure = await send(peer, load, agent).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure === undefined) able.push(peer);
    else console.log(`\n${load.name}, left out: ${failure}`);
  }
  return able;
}

async function compareLatency(
  all: readonly RunningGateway[],
  load: Load,
  agent: Agent,
  rounds: number,
): Promise<void> {
  const acts = all.map((gateway) => () => timed(() => send(gateway, load, agent)));
  const samples = (await interleave(rounds, acts, async () => {})).map(percentiles);
  const direct = samples[0] ?? { p50: 0, p99: 0 };
  for (const [index, { name }] of all.entries()) {
    const { p50, p99 } = samples[index] ?? direct;
    const added = index === 0 ? [] : [`adds p50 ${ms(p50 - direct.p50)}`, `p99 ${ms(p99 - direct.p99)}`];
    tell(name, `p50 ${ms(p50)}`, `p99 ${ms(p99)}`, ...added);
    if (index > 0) keep("plain mode", name, `${load.name}: adds`, `${ms(p50 - direct.p50)} p50`);
  }
}

/** Bursts in turn; of each gateway the median burst counts. */
async function compareThroughput(
  all: readonly RunningGateway[],
  load: Load,
  agent: Agent,
  rounds: number,
): Promise<void> {
  const cpuMs = all.map((): number[] => []);
  const acts = all.map((gateway, index) => async () => {
    const before = cpuMsOf(gateway.pid);
    const took = await timed(() => burst(gateway, load, agent));
    cpuMs[index]?.push((cpuMsOf(gateway.pid) - before) / load.requests);
    return took;
  });
  const samples = await interleave(rounds, acts, async () => {});
  const rates = samples.map((bursts) => (load.requests / median(bursts)) * 1_000);
  const own = rates[1] ?? 0;
  for (const [index, { name }] of all.entries()) {
    const rate = rates[index] ?? 0;
    const cpu = `${ms(median(cpuMs[index] ?? []))} CPU each`;
    tell(name, `${rate.toFixed(0)}/s`, cpu, index < 2 ? "" : `toolarium: ${times(own, rate)}`);
    if (index > 0) keep("plain mode", name, `${load.name}: answers a second`, rate.toFixed(0));
  }
}

async function burst(gateway: RunningGateway, load: Load, agent: Agent): Promise<void> {
  let left = load.requests;
  const work = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await send(gateway, load, agent);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

async function send({ url, headers, model, name }: RunningGateway, load: Load, agent: Agent): Promise<void> {
  const messages = [{ role: "user", content: "Hello" }];
  const body = JSON.stringify({ model, messages, stream: load.stream });
  const response = await request(url, { method: "POST", headers: { ...headers }, body, dispatcher: agent });
  const text = await response.body.text();
  const isWhole = load.stream ? text.endsWith("data: [DONE]\n\n") : text.includes('"chat.completion"');
  if (response.statusCode !== 200 || !isWhole)
    throw new Error(`${name} answered ${response.statusCode} with ${text.slice(0, 200)}`);
}
