/** More CPU time than allowed: in loops, after awaits, in code that others call, and in builtins that V8 cannot stop. */
import { expect, it } from "vitest";
import { codeOf, runProgram } from "../helpers/engine.ts";
import { openArena } from "./helpers/arena.ts";
import { isAlive } from "./helpers/processes.ts";

const { attack, unharmed } = openArena({ memoryMb: 64 });

const limits = { cpuMs: 50, wallMs: 10_000, memoryMb: 64, toolCalls: 10_000 };

function spin(where: string, code: string): void {
  attack({
    claim: `a program that spins ${where} ends with cpu_timeout`,
    code,
    limits,
    expect: { ends: "cpu_timeout" },
    also: ({ outcome }) => expect(outcome.usage.cpuMs).toBeGreaterThanOrEqual(limits.cpuMs),
  });
}

spin("in an empty loop", "for (;;);");
spin(
  "in a loop that catches everything",
  "for (;;) { try { for (;;) { try { null.x } catch {} finally { continue } } } finally { continue } }",
);
spin("after an await", "await sleep(1); for (;;);");
spin("after a tool call", "await lab.echo({}); for (;;);");
spin("in a timer", "setTimeout(() => { for (;;); }, 1); await sleep(60_000)");
spin(
  "in many short entries",
  "for (;;) { await lab.echo({}); let n = 0; for (let i = 0; i < 1e6; i++) n += i }",
);
spin(
  "in microtasks that beget each other",
  "const again = () => Promise.resolve().then(again); again(); await new Promise(() => {})",
);
spin(
  "in async recursion",
  "const again = async () => { await null; return again() }; const forget = async () => { for (;;) await null }; await forget(); await again()",
);
spin("in an async generator", "async function* drip() { for (;;) yield 1 } for await (const _ of drip());");
spin("while its error is handled", "try { await lab.fail({}) } catch { for (;;); }");
spin("in a finally after its return", "try { return 1 } finally { for (;;); }");
spin("in a regular expression that backtracks", "return /^(a+)+$/.test('a'.repeat(40) + '!')");
spin("in a getter of its arguments", "await lab.echo({ get value() { for (;;); } })");
spin("in a getter of its result", "return { get value() { for (;;); } }");
spin("in a toJSON of its log", "console.log({ toJSON() { for (;;); } })");
spin(
  "in the message of what it throws",
  "throw { get message() { for (;;); }, toString() { for (;;); }, toJSON() { for (;;); } }",
);
spin("in a comparator", "new Array(10).fill(0).map(Math.random).sort(() => { for (;;); })");
spin("in a replacer", "'x'.replace(/x/, () => { for (;;); })");
spin("in a proxy's traps", "return Object.keys(new Proxy({}, { ownKeys() { for (;;); } }))");
spin("in a valueOf that the engine reads", "await sleep({ valueOf() { for (;;); } })");
spin("in a thenable that it returns", "return { then() { for (;;); } }");
spin(
  "in an iterator that never ends",
  "return Math.max(...{ *[Symbol.iterator]() { for (;;) yield* []; } })",
);
spin(
  "in JSON of a huge value",
  "const part = {}; let all = part; for (let i = 0; i < 30; i++) all = { a: all, b: all, toJSON: undefined }; for (;;) { try { JSON.stringify(all, (key, value) => key === 'b' ? 0 : value) } catch {} }",
);
spin(
  "in a class made again and again",
  "for (;;) void class extends Object { static #own = 1; static { this.#own += 1 } }",
);

/** V8 checks for a stop at loops and calls of JavaScript, not in these: only the end of the process ends them. */
function stick(where: string, code: string): void {
  attack({
    claim: `a program stuck ${where} ends with cpu_timeout, and its process with it`,
    code,
    limits,
    expect: { ends: "cpu_timeout" },
    replaced: true,
  });
}

stick("writing a BigInt", "return String(2n ** 30_000_000n).length");
stick("multiplying BigInts", "const big = (1n << 60_000_000n) / 3n; return String((big * big) % 7n)");
stick("searching a sparse array", "const sparse = []; sparse[2 ** 32 - 2] = 1; return sparse.indexOf(2)");
stick(
  "comparing by collation",
  "const text = '\\u00e4\\u0323'.repeat(1e6); const { compare } = new Intl.Collator('de'); let n = 0; for (let i = 0; i < 40; i++) n += compare(text + 'a', text + 'b'); return n",
);
stick(
  "sorting a typed array",
  `const numbers = new Float64Array(4_000_000);
  for (let i = 0; i < 1_000; i++) numbers[i] = (i * 7_919) % 1_009;
  for (let have = 1_000; have < numbers.length; have *= 2) numbers.copyWithin(have, 0, have);
  return numbers.sort()[0]`,
);
stick(
  "splitting and joining",
  "const text = 'x'.repeat(4e6); let n = 0; for (;;) n += text.split('').join('-').length",
);
stick(
  "searching a text for itself",
  "const text = 'a'.repeat(4e6); for (;;) text.lastIndexOf('a'.repeat(2e6) + 'b' + 'a'.repeat(1e6))",
);
stick("normalizing a text", "const text = '\\u0344\\u0323'.repeat(2e6); for (;;) text.normalize('NFD')");

it("a program that is cancelled while it is stuck in a builtin leaves no core busy, and its process is gone", async () => {
  let present: readonly number[] = [];
  await unharmed(async (pool) => {
    present = pool.stats().pids;
    const abort = new AbortController();
    const run = await runProgram(pool, "await lab.go({}); return String(2n ** 30_000_000n).length", {
      tools: { go: () => void setTimeout(() => abort.abort(), 50) },
      limits: { ...limits, cpuMs: 60_000 },
      signal: abort.signal,
    });
    expect(codeOf(run)).toBe("cancelled");
    return run;
  });
  expect(present.every(isAlive), "its process lives on").toBe(false);
});
