/** More memory than allowed: counted by V8, not counted, or so much at once that V8 gives up the whole process. */
import { expect } from "vitest";
import { openArena } from "./helpers/arena.ts";

const { attack } = openArena({ memoryMb: 16 });

/** Memory ends each of these; the clocks are there so that a failure is seen as one. */
const limits = { memoryMb: 16, cpuMs: 5_000, wallMs: 10_000 };

function hoard(what: string, code: string): void {
  attack({
    claim: `a program that hoards ${what} ends with memory_exceeded`,
    code,
    limits,
    expect: { ends: "memory_exceeded" },
    replaced: true,
  });
}

// Counted by V8 against the limit of the isolate.
hoard("objects", "const kept = []; for (;;) kept.push({ a: 1, b: { c: [] } })");
hoard(
  "strings",
  "const kept = []; for (let i = 0; ; i++) kept.push(`text ${i} `.repeat(50).split('').join('-'))",
);
hoard(
  "one growing string that is read",
  "let text = 'x'; for (;;) { text += text; text.charCodeAt(0); /y$/.test(text) }",
);
hoard("entries of a Map", "const kept = new Map(); for (let i = 0; ; i++) kept.set(i, { i })");
hoard("members of a Set", "const kept = new Set(); for (let i = 0; ; i++) kept.add(`${i}`)");
hoard("properties of one object", "const kept = {}; for (let i = 0; ; i++) kept[`key${i}`] = i");
hoard("closures", "const kept = []; for (let i = 0; ; i++) { const big = [i, i, i]; kept.push(() => big) }");
hoard("promises", "const kept = []; for (;;) kept.push(new Promise(() => {}).then(() => 1))");
hoard(
  "regular expressions",
  "const kept = []; for (let i = 0; ; i++) { const re = new RegExp(`(a|b${i})+`); re.test('ab'); kept.push(re) }",
);
hoard("BigInts", "const kept = []; for (let i = 1n; ; i++) kept.push(i << 20_000n)");
hoard("symbols", "const kept = []; for (let i = 0; ; i++) kept.push(Symbol.for(`${i}`.repeat(20)))");
hoard("pending microtasks", "for (;;) Promise.resolve().then(() => 1)");
hoard(
  "errors with stacks",
  "const kept = []; const deep = (n) => n === 0 ? kept.push(new Error('x'.repeat(99))) : deep(n - 1); for (;;) deep(50)",
);
hoard(
  "memory after an await",
  "await sleep(1); const kept = []; for (;;) kept.push(new Array(100).fill({}))",
);
hoard(
  "memory in a getter of its result",
  "return { get value() { const kept = []; for (;;) kept.push({}) } }",
);
hoard(
  "generators",
  "const kept = []; function* g() { const own = new Array(50).fill(1); yield own } for (;;) { const it = g(); it.next(); kept.push(it) }",
);

// Outside the heap that V8 counts: buffers are refused by the allocator, the rest only the watch on the process sees.
hoard("typed arrays", "const kept = []; for (;;) kept.push(new Uint8Array(1e6).fill(1))");
hoard("buffers that were never written", "const kept = []; for (;;) kept.push(new ArrayBuffer(1e6))");
hoard("filled arrays", "const kept = []; for (;;) kept.push(new Array(1_000).fill(1))");
hoard(
  "arguments spread into a builtin",
  "const many = new Array(60_000).fill(1); const kept = []; for (;;) kept.push([].concat(many, many), Math.max.apply(null, many))",
);
hoard("arrays by concat", "let kept = [1, 2, 3, 4]; for (;;) kept = kept.concat(kept)");
hoard(
  "formatters",
  "const kept = []; for (;;) kept.push(new Intl.NumberFormat('de-u-nu-arab', { style: 'currency', currency: 'EUR' }), new Intl.DateTimeFormat('ar-EG', { dateStyle: 'full' }), new Intl.Collator('de'))",
);
hoard(
  "segments of text",
  "const kept = []; for (;;) kept.push(new Intl.Segmenter('th').segment('ก'.repeat(1e4))[Symbol.iterator]())",
);

// V8 gives up the process at once.
hoard("one array of four thousand million", "return Array.from({ length: 2 ** 32 - 1 }).length");
hoard("one array filled to the brim", "return new Array(2 ** 27).fill(0).length");
hoard(
  "the JSON of a shared part",
  "let part = 'x'.repeat(1e5); for (let i = 0; i < 30; i++) part = [part, part]; return JSON.stringify(part).length",
);
hoard(
  "a result that unfolds",
  "let part = 'x'.repeat(1e4); for (let i = 0; i < 40; i++) part = [part, part]; return part",
);
hoard("a padded string that is flattened", "return encodeURIComponent('\\u{1F600}'.repeat(2 ** 24)).length");

attack({
  claim:
    "a program that keeps more than its limit, but less than makes its process suspect, ends all the same",
  code: "const kept = []; for (let i = 0; i < 1e6; i++) kept.push({ i, own: [i] }); return kept.length",
  limits: { ...limits, memoryMb: 64 },
  expect: { ends: "memory_exceeded" },
});

attack({
  claim: "a program that asked for more memory than is usual has it",
  code: "const kept = []; for (let i = 0; i < 3e5; i++) kept.push({ i, own: [i] }); return kept.length",
  limits: { ...limits, memoryMb: 64 },
  expect: { result: 300_000 },
});

attack({
  claim: "a program that catches what an oversized buffer throws, for ever, ends at the first limit it meets",
  code: "const kept = []; for (;;) { try { kept.push(new Uint8Array(2 ** 20).fill(1)) } catch { kept.push({}) } }",
  limits: { ...limits, cpuMs: 300 },
  expect: { ends: ["memory_exceeded", "cpu_timeout"] },
});

attack({
  claim: "a program that uses half of its memory again and again is left alone",
  code: `let sum = 0;
    for (let round = 0; round < 40; round += 1) { const kept = []; for (let i = 0; i < 4e4; i += 1) kept.push({ i }); sum += kept.length }
    return sum`,
  limits,
  expect: { result: 1_600_000 },
  also: ({ outcome }) => {
    expect(outcome.usage.peakHeapBytes).toBeGreaterThan(256 * 1024);
    expect(outcome.usage.peakHeapBytes).toBeLessThan(16 * 1024 * 1024);
  },
});
