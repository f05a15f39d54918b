/** Logs a repeated message at once, and then once a minute with the number of times it was left out. */
export function createRareLog(
  say: (reason: string, unsaid: { readonly times?: number }) => void,
): (reason: string) => void {
  const known = new Map<string, { saidAt: number; unsaid: number }>();
  return (reason) => {
    const now = performance.now();
    const before = known.get(reason);
    if (before !== undefined && now - before.saidAt < EVERY_MS) {
      before.unsaid += 1;
      return;
    }
    known.delete(reason);
    known.set(reason, { saidAt: now, unsaid: 0 });
    for (const old of known.keys()) {
      if (known.size <= MAX_REASONS) break;
      known.delete(old);
    }
    say(reason, before === undefined || before.unsaid === 0 ? {} : { times: before.unsaid + 1 });
  };
}

const EVERY_MS = 60_000;
const MAX_REASONS = 50;
