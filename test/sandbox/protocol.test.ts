import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createFrameReader, encodeFrame, MAX_TEXT_BYTES } from "../../sandbox/frames.ts";
import { parseFromWorker, parsePosts } from "../../sandbox/protocol.ts";

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

  it.each([
    '{"type":"entered","lease":1,"k":-1,"cpuMs":0,"heapBytes":0,"rejection":""}',
    '{"type":"entered","lease":1,"k":1.5,"cpuMs":0,"heapBytes":0,"rejection":""}',
    '{"type":"entered","lease":"1","k":1,"cpuMs":0,"heapBytes":0,"rejection":""}',
    '{"type":"entered","lease":1,"k":1,"cpuMs":0,"heapBytes":0}',
    '{"type":"broken","lease":1,"code":"cancelled","message":"","cpuMs":0}',
    '{"type":"exec","lease":1}',
    "[]",
    "null",
  ])("is refused when it is %s", (header) => {
    expect(parseFromWorker(header, "")).toMatchObject({ ok: false });
  });

  it.each([
    '[["call",0.5,"s","t","{}"]]',
    '[["call",1,"s",{},"{}"]]',
    '[["timer",1,-5]]',
    '[["timer",1,99999999999]]',
    '[["log","fatal","x"]]',
    '[["fail",{"code":"cpu_timeout","message":"","stack":""}]]',
    '[["fail",{"code":"guest_error","message":"","stack":"","tool":{"server":"s","tool":"t","kind":"none"}}]]',
    '[["exec","rm"]]',
    '{"0":["log","log","x"]}',
  ])("is refused when a post is %s", (text) => {
    expect(parsePosts(text)).toMatchObject({ ok: false });
  });

  it("has long words cut", () => {
    const text = JSON.stringify([["fail", { code: "guest_error", message: "m".repeat(1e5), stack: "" }]]);
    const parsed = parsePosts(text);
    expect(parsed.ok && parsed.value[0]?.type === "fail" && parsed.value[0].message.length).toBe(4096);
  });
});
