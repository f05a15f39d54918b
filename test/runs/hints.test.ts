/** What a program is told that reaches for something it has not: how to do without, not that undefined is no function. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Core } from "../../src/core.ts";
import { openCore, programRequest } from "../helpers/core.ts";

let core: Core;
beforeAll(async () => {
  core = await openCore([]);
});
afterAll(() => core[Symbol.asyncDispose]());

const WRITE_IT = /Code cannot be built from text here/;
const LEFT_OUT = /left out on purpose/;
const NO_NODE = /This is not Node\.js/;
const KEEPS = /keeps its memory here/;

describe("a program that uses what it has not is told the way out", () => {
  it.each<[code: string, way: RegExp]>([
    ["eval('1')", WRITE_IT],
    ["(0, eval)('1')", WRITE_IT],
    ["globalThis.eval('1')", WRITE_IT],
    ["new Function('return 1')()", WRITE_IT],
    ["globalThis.Function('return 1')", WRITE_IT],
    ["(() => 1).constructor('return 1')", WRITE_IT],
    ["new ((async () => 1).constructor)('return 1')", WRITE_IT],
    ["new WebAssembly.Module(new Uint8Array(8))", LEFT_OUT],
    ["new SharedArrayBuffer(8)", LEFT_OUT],
    ["new globalThis.SharedArrayBuffer(8)", LEFT_OUT],
    ["Atomics.load(new Int32Array(1), 0)", LEFT_OUT],
    ["new WeakRef({}).deref()", LEFT_OUT],
    ["new FinalizationRegistry(() => {})", LEFT_OUT],
    ["new ArrayBuffer(8, { maxByteLength: 16 }).resize(16)", KEEPS],
    ["new ArrayBuffer(8).transfer()", KEEPS],
    ["const buffer = new ArrayBuffer(8); buffer.transferToFixedLength()", KEEPS],
    ["Temporal.Now.instant()", /clock is that of the run/],
    ["await import('node:fs')", NO_NODE],
    ["require('fs')", NO_NODE],
    ["process.env.HOME", NO_NODE],
    ["await fetch('http://localhost')", /call a tool/],
  ])("%s", async (code, way) => {
    const request = programRequest(code, { typecheck: "off" });
    const { status, error } = await (await core.runner.start(request)).done;
    expect(status).toBe("failed");
    expect(`${error?.message} ${error?.hint}`).toMatch(way);
  });
});

describe("a program that fails by itself", () => {
  it.each([
    "const size = {}; size.grow(1)",
    "undefined.resize()",
    "throw new Error('x.eval is not a function')",
  ])("%s gets no such advice", async (code) => {
    const { error } = await (await core.runner.start(programRequest(code, { typecheck: "off" }))).done;
    expect(error?.hint).toBeUndefined();
  });
});
