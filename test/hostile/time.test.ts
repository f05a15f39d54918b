/**
 * Whatever servers, workers and clients send, reading it takes time that grows with its size alone. The measure is what
 * this machine takes to read and write 8 MB of JSON: nothing here may take many times that.
 */
import { expect, test } from "vitest";
import { createFrameReader } from "../../sandbox/frames.ts";
import { renderDeclarations } from "../../src/code/declare/declarations.ts";
import { showDeclarations } from "../../src/code/declare/shown-declarations.ts";
import { parseJson } from "../../src/json.ts";
import { listTools } from "../../src/mcp/tool-list.ts";
import { createAnswerReader } from "../../src/mcp/wire/answer-reader.ts";
import { rewriteEvents } from "../../src/mcp/wire/event-lines.ts";
import { createMemoryBudget } from "../../src/memory-budget.ts";
import { buildCatalog, type Catalog } from "../../src/tools/catalog.ts";
import { explainRefusal } from "../../src/tools/explain-refusal.ts";
import { matchesGlob, patternMatcher } from "../../src/tools/patterns.ts";
import { createToolSearch } from "../../src/tools/search.ts";

/** Milliseconds of this thread, so that a busy machine counts for nothing. */
async function timeOf(work: () => unknown): Promise<number> {
  const startedAt = process.threadCpuUsage();
  await work();
  const { user, system } = process.threadCpuUsage(startedAt);
  return (user + system) / 1_000;
}

const unit = await timeOf(() => JSON.stringify(JSON.parse(JSON.stringify(Array(800_000).fill("eightyyy")))));
const atMost = (units: number): number => Math.max(100, units * unit);

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at));
const named = (count: number, make: (index: number) => unknown): object =>
  Object.fromEntries(times(count, (at) => [`k${at}`, make(at)]));
const object = (properties: object): object => ({ type: "object", properties });
const chain = (length: number, link: (next: object) => object): object => ({
  type: "object",
  properties: { a: { $ref: "#/$defs/d0" } },
  $defs: Object.fromEntries(
    times(length, (at) => [`d${at}`, at === length - 1 ? {} : link({ $ref: `#/$defs/d${at + 1}` })]),
  ),
});
const twice = (next: object): object => object({ a: next, b: next });
const either = (next: object): object => ({ anyOf: [next, { type: "array", items: next }] });
const nest = (depth: number): object =>
  depth === 0 ? {} : { anyOf: [nest(depth - 1), { allOf: [nest(depth - 1)] }] };

const tool = (inputSchema: object, more: object = {}): object => ({ name: "t", inputSchema, ...more });

const lists: readonly (readonly [string, readonly object[]])[] = [
  [
    "long names of which only the end differs",
    times(1_000, (at) => ({ name: "n".repeat(150) + at, inputSchema: chain(3, twice) })),
  ],
  [
    "names that are cleaned to the same",
    times(2_000, (at) => ({ name: `${String.fromCharCode(0x4e00 + at)}-`, inputSchema: {} })),
  ],
  ["a name of 8 MB", [{ name: "aB1_".repeat(2_000_000), inputSchema: {} }]],
  ...["ab cd* ", " ", "*/", "\n \t", "`{@link "].map(
    (text) =>
      [
        `a description of 8 MB of ${JSON.stringify(text)}`,
        [tool({}, { description: text.repeat(8_000_000 / text.length) })],
      ] as const,
  ),
  ["100,000 properties", [tool(object(named(100_000, () => ({ type: "string" }))))]],
  [
    "8,000 required properties",
    [
      tool({
        ...object(named(8_000, () => ({ type: "string" }))),
        required: Object.keys(named(8_000, () => 1)),
      }),
    ],
  ],
  ["300,000 values", [tool(object({ a: { enum: times(300_000, (at) => `value ${at}`) } }))]],
  ["30,000 values", [tool(object({ a: { enum: times(30_000, (at) => `value ${at}`) } }))]],
  ["8,000 alternatives", [tool(object({ a: { anyOf: times(8_000, (at) => object({ [`a${at}`]: {} })) } }))]],
  ["8,000 parts", [tool(object({ a: { allOf: times(8_000, (at) => object({ [`a${at}`]: {} })) } }))]],
  [
    "parts of alternatives that multiply",
    [tool(object({ a: { allOf: times(30, () => ({ anyOf: [object({ a: {} }), object({ b: {} })] })) } }))],
  ],
  [
    "references that double",
    [tool(chain(40, twice)), tool(chain(40, either), { name: "u", outputSchema: chain(40, either) })],
  ],
  ["references in a row", [tool(chain(2_000, twice)), tool(chain(2_000, either), { name: "u" })]],
  ["nested alternatives", [tool(object({ a: nest(12) }))]],
];

test.for(lists)("a list of tools with %s is read, declared and searched in time", async ([, tools]) => {
  const text = JSON.stringify({ tools });
  const spent: Record<string, number> = {};
  let catalog: Catalog | undefined;
  spent["list"] = await timeOf(async () => {
    const listing = await listTools(async () => JSON.parse(text), { trustAnnotations: false });
    catalog = buildCatalog([{ server: "s", tools: listing.tools }], { readOnly: [], idempotent: [] });
  });
  const known = catalog as Catalog;
  spent["declare"] = await timeOf(() => renderDeclarations(known.tools));
  spent["show"] = await timeOf(() => showDeclarations(known.tools, 4_000));
  spent["search"] = await timeOf(() => createToolSearch(known.tools).search("ab cd ".repeat(200)));
  const wanted = `${known.tools[0]?.id.slice(0, 180) ?? "s/t"}x`;
  spent["refuse"] = await timeOf(() =>
    explainRefusal(wanted, { catalog: known, policy: { layers: [] } }, "program"),
  );
  for (const [step, ms] of Object.entries(spent)) expect(ms, step).toBeLessThan(atMost(8));
});

/** A frame of 4 MB, an event of 4 MB, in pieces of one byte. */
test("a frame of a worker that comes byte by byte is read in time, and held once", async () => {
  const frame = Buffer.alloc(4_000_000, "x");
  frame.writeUInt32LE(2, 0);
  frame.writeUInt32LE(frame.length - 10, 4);
  const seen: number[] = [];
  const reader = createFrameReader((_, text) => void seen.push(text.length));
  const heapBefore = process.memoryUsage().heapUsed;
  const spent = await timeOf(() => {
    for (let at = 0; at < frame.length; at += 1) reader.push(frame.subarray(at, at + 1));
  });
  expect(seen).toEqual([frame.length - 10]);
  expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(200_000_000);
  expect(spent).toBeLessThan(atMost(16));
});

test("an event that comes in small pieces is read in time, and each of many lines once", async () => {
  const line = `data: ${"x".repeat(2_000_000)}\n`;
  const text = Buffer.from(`${line}${"data: y\n".repeat(50_000)}\n`);
  const bounds = { maxBytes: 8_000_000, budget: createMemoryBudget(512) };
  const pieces = function* (): Generator<Uint8Array> {
    for (let at = 0; at < text.length; at += 50) yield text.subarray(at, at + 50);
  };
  let chars = 0;
  const read = async (): Promise<void> => {
    const rewrite = ({ data }: { readonly data: string }): [] => {
      chars += data.length;
      return [];
    };
    const events = rewriteEvents(ReadableStream.from(pieces()), { rewrite, refuse: () => [], bounds });
    for await (const _ of events) expect(_).toBeDefined();
  };
  expect(await timeOf(read)).toBeLessThan(atMost(16));
  expect(chars).toBe(2_000_000 + 2 * 50_000);
});

test.for([
  ["*a".repeat(20_000), "a".repeat(4_000_000)],
  [`*${"a".repeat(1_000)}b*c`, `${"a".repeat(4_000_000)}c`],
  ["**".repeat(100_000), "a".repeat(4_000_000)],
] as const)("a filter of many stars over a name of 4 MB is answered in time", async ([glob, name]) => {
  expect(await timeOf(() => matchesGlob(glob, name))).toBeLessThan(atMost(8));
  expect(await timeOf(() => patternMatcher([`s/${glob}`])(`s/${name}`))).toBeLessThan(atMost(8));
});

const fill = (text: string): string => text.repeat(Math.floor(8_000_000 / text.length));
const listOf = (item: string): string => `[${fill(item)}1]`;
const names = (count: number, value: string): string => times(count, (at) => `"k${at}":${value}`).join(",");
const answering = (result: string): string => `{"jsonrpc":"2.0","id":1,"result":{"a":${result}}}`;

test.for([
  ["blanks", fill(" ")],
  ["braces", fill("{")],
  ["brackets", fill("[")],
  ["words", fill("a ")],
  ["an id that never comes", `{"id":${fill(" ")}`],
  ["an id without end", `{"id":"${fill("a")}`],
  ["ends of objects", `{"result":1}${fill("},")}`],
  ["a number of 8 MB", answering(fill("9"))],
  ["a fraction of 8 MB", answering(`0.${fill("0")}1`)],
  ["numbers of 20 digits", answering(listOf("12345678901234567890,"))],
  ["numbers beyond all doubles", answering(listOf("1e400,"))],
  ["numbers that doubles hold", answering(listOf("1e10,"))],
  ["fractions of 19 digits", answering(listOf("0.1234567890123456789,"))],
  ["names and a long number", answering(`{${names(600_000, "1")},"long":1e400}`)],
  ["names of long numbers", answering(`{${names(300_000, "12345678901234567")}}`)],
  ["one name of long numbers", answering(`{${fill('"a":1e400,')}"a":1}`)],
  [
    "nested arrays and a long number",
    answering(`[${fill("[]").replaceAll("[]", "[")}1e400${fill("[]").replaceAll("[]", "]")},1e400]`),
  ],
  ["long numbers deep down", answering(`${"[".repeat(2_000)}${listOf("1e400,")}${"]".repeat(2_000)}`)],
  ["quotes and a long number", answering(`["${fill('\\"')}",1e400]`)],
  ["empty objects and a long number", answering(`[${fill("{},")}1e400]`)],
  ["nested arrays", answering(fill("[]").replaceAll("[]", "[") + fill("[]").replaceAll("[]", "]"))],
  ["many notices at once", `[${fill('{"method":"a"},')}1]`],
  ["many answers at once", `[${fill('{"id":1,"result":{}},')}1]`],
  ["an error of 8 MB", `{"jsonrpc":"2.0","id":1,"error":{"message":"${fill("a")}"}}`],
] as const)("a line of a server of %s is read in time", async ([, line]) => {
  const reader = createAnswerReader();
  reader.sent({ jsonrpc: "2.0", id: 1, method: "tools/call", params: {} });
  const read = timeOf(() => reader.read(line));
  const refuse = timeOf(() => reader.refuse({ head: line.slice(0, 256), tail: line }, "It is too large."));
  expect(await read).toBeLessThan(atMost(10));
  expect(await refuse).toBeLessThan(atMost(4));
});

test.for([
  ["nothing but such numbers", listOf("12345678901234567890,"), 4],
  ["nothing but numbers beyond all doubles", listOf("1e400,"), 9],
  ["600,000 names beside one", `{${names(600_000, "1")},"long":1e400}`, 3],
  ["4,000,000 numbers beside one", `[${fill("1,")}1e400]`, 5],
  [
    "deep nesting beside one",
    `[${fill("[]").replaceAll("[]", "[")}${fill("[]").replaceAll("[]", "]")},1e400]`,
    5,
  ],
  ["an early number of a name that comes again", `{"a":1e400,${names(600_000, "1")},"a":1}`, 8],
] as const)(
  "numbers keep their digits at little more than what JSON.parse takes: %s",
  async ([, text, most]) => {
    const plain = await timeOf(() => JSON.parse(text));
    const exact = await timeOf(() => parseJson(text));
    console.log(
      `JSON.parse ${plain.toFixed(0)} ms, parseJson ${exact.toFixed(0)} ms, unit ${unit.toFixed(0)} ms`,
    );
    expect(exact - plain).toBeLessThan(most * unit);
  },
);

test("many messages at once are no answer", () => {
  const reader = createAnswerReader();
  reader.sent({ jsonrpc: "2.0", id: 1, method: "tools/call", params: {} });
  expect(reader.read(`[${'{"method":"a"},'.repeat(2_000)}1]`)).toMatchObject([
    { id: 1, error: { message: "it answered with 2001 messages at once" } },
  ]);
});
