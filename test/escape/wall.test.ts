/** More time on the clock than allowed, with hardly any CPU; and waits that nothing could ever end. */
import { expect } from "vitest";
import { openArena } from "./helpers/arena.ts";

const { attack } = openArena();

const limits = { wallMs: 60 };

function linger(how: string, code: string, more: { readonly toolCalls?: number } = {}): void {
  attack({
    claim: `a program that ${how} ends with wall_timeout`,
    code,
    limits: { ...limits, ...more },
    expect: { ends: "wall_timeout" },
    also: ({ outcome }) => expect(outcome.usage.wallMs).toBeGreaterThanOrEqual(limits.wallMs - 1),
  });
}

linger("sleeps for ever", "await sleep(Infinity)");
linger("sleeps again and again", "for (;;) await sleep(1)");
linger("waits for a tool that never answers", "await lab.never({})");
linger(
  "waits for many tools of which one never answers",
  "await Promise.all([lab.never({}), ...Array.from({ length: 30 }, () => lab.echo({}))])",
);
linger(
  "has more calls open than may be in flight",
  "await Promise.all(Array.from({ length: 200 }, () => lab.never({})))",
);
linger(
  "arms as many timers as it may",
  "for (let i = 0; i < 1_000; i++) setTimeout(() => {}, 1e6); await lab.never({})",
);
linger(
  "makes a storm of timers",
  "const storm = () => { setTimeout(storm, 0); }; for (let i = 0; i < 50; i++) storm(); await lab.never({})",
);
linger(
  "arms and clears timers in turn",
  "for (;;) { clearTimeout(setTimeout(() => {}, 1e6)); await sleep(0) }",
);
linger("hides a pending call behind a race", "await Promise.race([lab.never({}), new Promise(() => {})])");
linger("sleeps in a finally", "try { return 1 } finally { await sleep(1e9) }");
linger("returns a promise of a sleep", "return sleep(1e9)");
linger("keeps itself busy with quick tools", "for (;;) await lab.echo({})", { toolCalls: 10_000 });
linger(
  "waits in an async iterator",
  "for await (const _ of { [Symbol.asyncIterator]: () => ({ next: () => sleep(1e9) }) });",
);

function wait(how: string, code: string): void {
  attack({
    claim: `a program that ${how} ends at once with pending_forever`,
    code,
    limits: { wallMs: 10_000 },
    expect: { ends: "pending_forever" },
    also: ({ outcome }) => expect(outcome.usage.wallMs).toBeLessThan(5_000),
  });
}

wait("awaits a promise that nothing can settle", "await new Promise(() => {})");
wait(
  "awaits such a promise after a tool call and a timer",
  "await lab.echo({}); await sleep(1); await new Promise(() => {})",
);
wait(
  "clears the timer it waits for",
  "await new Promise((resolve) => { clearTimeout(setTimeout(resolve, 1e6)) })",
);
wait("returns a thenable that never settles", "return { then() {} }");
wait("waits for itself", "let all; all = (async () => { await null; await all })(); await all");

attack({
  claim: "timers that were armed when a program ended never fire",
  code: "setTimeout(() => lab.echo({ late: true }), 1); setTimeout(() => console.log('late'), 0); return 'done'",
  expect: { result: "done" },
  also: ({ calls, logs }) => expect([calls, logs]).toEqual([[], []]),
});

attack({
  claim: "a call that is in flight when the time is over is aborted",
  code: "await lab.watched({})",
  limits,
  tools: { watched: (_args, signal) => new Promise((resolve) => signal.addEventListener("abort", resolve)) },
  expect: { ends: "wall_timeout" },
  also: ({ calls }) => expect(calls).toHaveLength(1),
});
