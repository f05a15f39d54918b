import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createFrameReader, encodeFrame, MAX_TEXT_BYTES } from "../../sandbox/frames.ts";
import { parseFromWorker } from "../../sandbox/protocol.ts";
import { parsePosts } from "../../sandbox/session/guest-posts.ts";
import { isDeeper } from "../../sandbox/session/json-depth.ts";

const noText: readonly unknown[] = [undefined, null, 1, true, [], {}];
const noCount: readonly unknown[] = [undefined, null, -1, 1.5, 2 ** 53, "1", "1e999", true, [], {}];
const noAmount: readonly unknown[] = [undefined, null, -1, "1", "1e999", true, [], {}];
const noName: readonly unknown[] = [...noText, "x".repeat(1_025)];

type Faults = { readonly [field: string]: readonly unknown[] };

/** What a worker may say, and what may not stand in each field. */
const headers: readonly (readonly [right: object, faults: Faults])[] = [
  [
    { type: "ready", preludeVersion: "v", rssBytes: 1 },
    { preludeVersion: noText, rssBytes: noCount },
  ],
  [{ type: "posts", lease: 1 }, { lease: noCount }],
  [
    { type: "entered", lease: 1, k: 1, cpuMs: 1.5, heapBytes: 1, rejection: "", rejectedAt: "1:2" },
    {
      lease: noCount,
      k: noCount,
      cpuMs: noAmount,
      heapBytes: noCount,
      rejection: noText,
      rejectedAt: noText,
    },
  ],
  [
    { type: "broken", lease: 1, code: "cpu_timeout", message: "", cpuMs: 1.5, at: "" },
    {
      ...{ lease: noCount, code: [...noText, "cancelled", "completed"] },
      ...{ message: noText, cpuMs: noAmount, at: noText },
    },
  ],
  [{ type: "stopped", lease: 1 }, { lease: noCount }],
];

const failure = { code: "guest_error", message: "m", stack: "s" };
const tool = { server: "s", tool: "t", kind: "denied" };
const failuresWith = (field: string, values: readonly unknown[]): unknown[] =>
  values.map((value) => ({ ...failure, [field]: value }));
const toolsWith = (field: string, values: readonly unknown[]): unknown[] =>
  values.map((value) => ({ ...failure, tool: { ...tool, [field]: value } }));

const inner = [["cause", "m", "s"]];
const innerWith = (values: readonly unknown[]): unknown[] =>
  values.map((value) => ({ ...failure, inner: value, left: 0 }));

const posts: readonly (readonly [right: readonly unknown[], faults: Faults])[] = [
  [["call", 1, "server", "tool", "{}"], { 1: noCount, 2: noName, 3: noName, 4: noText }],
  [["call", 1, "server", "tool", "null", "why"], { 5: noText.slice(1) }],
  [["timer", 1, 5], { 1: noCount, 2: [...noCount, 2 ** 31] }],
  [["clear", 1], { 1: noCount }],
  [["log", "warn", "text"], { 1: [...noText, "fatal"], 2: noText }],
  [["log", "log", "begin", 5, "end"], { 2: noText, 3: noCount, 4: noText }],
  [["skip", 1, 5], { 1: noCount, 2: noCount }],
  [["remark", "why"], { 1: noText }],
  [["done", "1"], { 1: noText }],
  [["at", "3:7"], { 1: noText }],
  [
    ["done", "1", [[1, "timer", "2:3"]], ["key"]],
    {
      1: noText,
      2: [1, "x", {}, [1], [[1, "timer"]], [[-1, "call", ""]], [[1, "other", ""]], [[1, "call", 5]]],
      3: [1, "x", {}],
    },
  ],
  [
    ["fail", { ...failure, tool, inner, left: 1 }],
    {
      1: [
        ...[undefined, null, 1, "x", []],
        ...failuresWith("code", [...noText, "cpu_timeout", "completed"]),
        ...failuresWith("message", noText),
        ...failuresWith("stack", noText),
        ...failuresWith("tool", [null, 1, "x", []]),
        ...innerWith([null, 1, "x", {}, [null], [1], ["text"], [["cause", "m"]], [["cause", "m", 1]]]),
        ...noCount.map((left) => ({ ...failure, inner, left })),
        ...toolsWith("server", noText),
        ...toolsWith("tool", noText),
        ...toolsWith("kind", [...noText, "none"]),
      ],
    },
  ],
];

describe("frames", () => {
  it("arrive whole and in order however the bytes are cut", () => {
    const message = fc.record({
      header: fc.dictionary(fc.string(), fc.integer()),
      text: fc.string({ unit: "binary" }),
    });
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 40 })),
        (messages, cuts) => {
          const bytes = Buffer.concat(messages.map(({ header, text }) => encodeFrame(header, text)));
          const got: [string, string][] = [];
          const reader = createFrameReader((header, text) => got.push([header, text]));
          let at = 0;
          for (const cut of [...cuts, bytes.length]) {
            if (at >= bytes.length) break;
            expect(reader.push(bytes.subarray(at, at + cut))).toBeUndefined();
            at += cut;
          }
          const decode = (text: string): string => Buffer.from(text).toString();
          expect(got).toEqual(
            messages.map(({ header, text }) => [decode(JSON.stringify(header)), decode(text)]),
          );
        },
      ),
    );
  });

  it("larger than allowed are refused before their body is kept", () => {
    const reader = createFrameReader(() => undefined);
    const lengths = Buffer.alloc(8);
    lengths.writeUInt32LE(2, 0);
    lengths.writeUInt32LE(MAX_TEXT_BYTES + 1, 4);
    expect(reader.push(lengths)).toBe("a frame is larger than allowed");
  });

  it("whose header alone is larger than any worker's are refused too", () => {
    const lengths = Buffer.alloc(8);
    lengths.writeUInt32LE(64 * 1024 + 1, 0);
    expect(createFrameReader(() => undefined).push(lengths)).toBe("a frame is larger than allowed");
  });
});

describe("what a worker says", () => {
  it("is parsed or refused, never thrown over, whatever it is", () => {
    const header = fc.oneof(
      fc.string(),
      fc.json(),
      fc.object().map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(header, fc.string(), (text, body) => {
        const parsed = parseFromWorker(text, body);
        if (!parsed.ok) expect(parsed.reason).not.toBe("");
      }),
    );
    fc.assert(fc.property(header, (text) => void parsePosts(text)));
  });

  it.each(headers)("is taken as `%j`, and refused when one field of it is another", (right, faults) => {
    expect(parseFromWorker(write(right), "")).toMatchObject({ ok: true });
    for (const [field, values] of Object.entries(faults))
      for (const value of values) {
        const header = write({ ...right, [field]: value });
        expect(parseFromWorker(header, ""), header).toMatchObject({ ok: false });
      }
  });

  it.each(posts)(
    "is taken as the post `%j`, and refused when one member of it is another",
    (right, faults) => {
      expect(parsePosts(write([right]))).toMatchObject({ ok: true });
      for (const [member, values] of Object.entries(faults))
        for (const value of values) {
          const text = write([right.with(Number(member), value)]);
          expect(parsePosts(text), text).toMatchObject({ ok: false });
        }
    },
  );

  it.each(["[]", "null", "1", "", "{", "{}", '{"type":"exec","lease":1}', '{"type":"__proto__","lease":1}'])(
    "is refused when it is %s",
    (header) => {
      expect(parseFromWorker(header, "")).toMatchObject({ ok: false });
    },
  );

  it.each(["]", "null", "1", '"x"', '{"0":["log","log","x"]}', "[1]", "[{}]", '[["exec","rm"]]', "[[]]"])(
    "is refused when its posts are %s",
    (text) => {
      expect(parsePosts(text)).toMatchObject({ ok: false });
    },
  );

  it("is refused when its posts are nested deeper, or more, than a program's can be", () => {
    const failure = {
      code: "guest_error",
      message: "",
      stack: "",
      tool: { server: "", tool: "", kind: [[]] },
    };
    expect(parsePosts(JSON.stringify([["fail", failure]]))).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/nested/),
    });
    const rows = (count: number): string => JSON.stringify(Array(count).fill(["clear", 1]));
    expect(parsePosts(rows(30_000))).toMatchObject({ ok: true });
    expect(parsePosts(rows(40_000))).toMatchObject({ ok: false, reason: expect.stringMatching(/too many/) });
  });

  it("has arguments that could not be written sent as none", () => {
    const parsed = parsePosts('[["call",1,"s","t","{\\"real\\":1}","!too large"]]');
    expect(parsed).toEqual({
      ok: true,
      value: [
        {
          ...{ type: "call", n: 1, server: "s", tool: "t", args: "null" },
          fault: { kind: "too_large", message: "too large" },
        },
      ],
    });
  });

  it("has long words cut", () => {
    const long = "m".repeat(1e5);
    const failure = { message: long, stack: long, tool: { server: long, tool: long, kind: "tool" } };
    const cut = "m".repeat(4_096);
    expect(
      parsePosts(
        JSON.stringify([
          ["fail", { code: "guest_error", ...failure }],
          ["call", 1, "s", "t", "null", long],
        ]),
      ),
    ).toMatchObject({
      value: [
        { message: cut, stack: cut, tool: { server: "m".repeat(256), tool: "m".repeat(256) } },
        { fault: { message: cut } },
      ],
    });
    const entered = {
      type: "entered",
      lease: 1,
      k: 1,
      cpuMs: 1,
      heapBytes: 1,
      rejection: long,
      rejectedAt: "",
    };
    expect(parseFromWorker(write(entered), "")).toMatchObject({ value: { rejection: cut } });
    const broken = { type: "broken", lease: 1, code: "engine_crashed", message: long, cpuMs: 1, at: "" };
    expect(parseFromWorker(write(broken), "")).toMatchObject({ value: { message: cut } });
  });
});

describe("the depth of JSON", () => {
  it("is known before it is parsed, whatever stands in its strings", () => {
    const depthOf = (value: unknown): number =>
      typeof value !== "object" || value === null
        ? 0
        : 1 + Math.max(0, ...Object.entries(value).map(([, item]) => depthOf(item)));
    const value = fc.oneof(fc.jsonValue(), fc.array(fc.constantFrom('"', "\\", '\\"[', "]", '"}')));
    fc.assert(
      fc.property(value, (value) => {
        const text = JSON.stringify(value);
        expect(isDeeper(text, depthOf(value))).toBe(false);
        if (depthOf(value) > 0) expect(isDeeper(text, depthOf(value) - 1)).toBe(true);
      }),
    );
  });
});

/** JSON, with a number that JSON can write and that is none. */
function write(message: unknown): string {
  return JSON.stringify(message).replaceAll('"1e999"', "1e999");
}
