/** What the questions share: samples, percentiles, the printed line. Figures are for ratios taken in one run. */
import { arch, availableParallelism, cpus, loadavg, platform } from "node:os";

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

/** How much is measured: `short` only shows that the benchmark runs. */
export interface Extent {
  readonly short: boolean;
  /** Whether the peers of `peers.ts` are installed and take part. */
  readonly peers: boolean;
}

/** Resolves with the milliseconds it took, as `act` itself says or as measured around it. */
type Timed = () => Promise<number>;

/** Programs come from models, one by one: the machine has gone idle in between. */
export function idlePause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 8 + Math.random() * 4));
}

export async function timed(act: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await act();
  return performance.now() - startedAt;
}

/** `rounds` times `act`, one after the other at idle cadence; a tenth more goes first and does not count. */
export async function sample(
  rounds: number,
  act: Timed,
  pause: () => Promise<void> = idlePause,
): Promise<Percentiles> {
  const times = await interleave(rounds, [act], pause);
  return percentiles(times[0] ?? []);
}

/**
 * Rounds in which each of `acts` runs once: what the machine does besides hits all alike. Every round has another
 * order, so that none always follows the same neighbour. A tenth more rounds go first and do not count.
 */
export async function interleave(
  rounds: number,
  acts: readonly Timed[],
  pause: () => Promise<void> = idlePause,
): Promise<readonly (readonly number[])[]> {
  const times = acts.map((): number[] => []);
  const warmUp = Math.ceil(rounds / 10);
  for (let round = 0; round < rounds + warmUp; round++) {
    for (const [i, act] of shuffle([...acts.entries()])) {
      const ms = await act();
      if (round >= warmUp) times[i]?.push(ms);
      await pause();
    }
  }
  return times;
}

export function percentiles(times: readonly number[]): Percentiles {
  const sorted = [...times].sort((one, other) => one - other);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}

export function median(values: readonly number[]): number {
  return percentiles(values).p50;
}

function shuffle<T>(items: T[]): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    const [one, other] = [items[i], items[j]];
    if (one === undefined || other === undefined) continue;
    items[i] = other;
    items[j] = one;
  }
  return items;
}

export function machineLine(): string {
  const cores = `${availableParallelism()} cores (${cpus()[0]?.model.trim()})`;
  return `Node ${process.version}, ${platform()} ${arch()}, ${cores}, load ${loadavg()[0]?.toFixed(2)}`;
}

export function ask(question: string): void {
  console.log(`\n${question}   [load ${loadavg()[0]?.toFixed(2)}]`);
}

export function tell(name: string, ...cells: readonly string[]): void {
  console.log(`  ${name.padEnd(40)} ${cells.map((cell) => cell.padEnd(18)).join(" ")}`.trimEnd());
}

export function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ms`;
}

export function both({ p50, p99 }: Percentiles): readonly string[] {
  return [`p50 ${ms(p50)}`, `p99 ${ms(p99)}`];
}

/** How many times as long as the first of a table. */
export function times(value: number, base: number): string {
  return `${(value / base).toFixed(2)}×`;
}
