/** What the benchmarks share: percentiles, the machine's line, a table row. Figures are for ratios taken in one run. */
import { arch, availableParallelism, cpus, loadavg, platform } from "node:os";

export interface Sample {
  readonly p50: number;
  readonly p99: number;
  readonly runs: number;
}

/** Times `act` alone, one after the other; `pauseMs` between two makes it idle cadence. The first tenth warms up. */
export async function sample(runs: number, act: () => Promise<unknown>, pauseMs = 0): Promise<Sample> {
  const times: number[] = [];
  const warmUp = Math.ceil(runs / 10);
  for (let i = 0; i < runs + warmUp; i++) {
    const startedAt = performance.now();
    await act();
    if (i >= warmUp) times.push(performance.now() - startedAt);
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return { ...percentiles(times), runs };
}

export function percentiles(times: readonly number[]): { readonly p50: number; readonly p99: number } {
  const sorted = [...times].sort((one, other) => one - other);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}

export function machineLine(): string {
  const load = loadavg()[0]?.toFixed(2);
  return `Node ${process.version}, ${platform()} ${arch()}, ${availableParallelism()} cores (${cpus()[0]?.model.trim()}), load ${load}`;
}

export function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 3 : 1)} ms`;
}
