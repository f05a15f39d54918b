/**
 * How much slower this machine is now than the one the times in these tests were written on. Every bound in
 * milliseconds is multiplied by it: a busy machine gets time, an idle one gets no excuse.
 */

/** What `work` takes on an idle core of the machine the bounds were chosen on. */
const NOMINAL_MS = 4;
const ROUNDS = 7;

let measured: number | undefined;

/** At least 1; measured once per test file. */
export function slack(): number {
  measured ??= Math.max(1, median(Array.from({ length: ROUNDS }, timeWork)) / NOMINAL_MS);
  return measured;
}

function timeWork(): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

/** A fixed amount of integer arithmetic, nothing an optimizer can drop. */
function work(): number {
  let state = 1;
  for (let i = 0; i < 4_000_000; i++) state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
  return state;
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}
