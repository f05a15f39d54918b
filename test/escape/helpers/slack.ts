/**
 * How much slower this machine is now than the one the times in these tests were written on. Every bound in
 * milliseconds is multiplied by it: a busy machine gets time, an idle one gets no excuse.
 */

/** What `work` takes on an idle core of the machine the bounds were chosen on. */
const NOMINAL_MS = 4;
/** Longer than a thread that has rested computes before others get their turn: their part of the core has to show. */
const ROUNDS = 15;
/** Others come and go. */
const LASTS_MS = 2_000;

let measured: { readonly slack: number; readonly at: number } | undefined;

/** At least 1; measured anew every few seconds. */
export function slack(): number {
  if (measured === undefined || performance.now() - measured.at > LASTS_MS) {
    const meanMs = Array.from({ length: ROUNDS }, timeWork).reduce((sum, ms) => sum + ms, 0) / ROUNDS;
    measured = { slack: Math.max(1, meanMs / NOMINAL_MS), at: performance.now() };
  }
  return measured.slack;
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
