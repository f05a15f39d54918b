/**
 * Nothing that a provider sends holds the thread: megabytes of anything are read in turns with other work and in linear
 * time, or refused. Measured through all that stands between a provider's bytes and those that a client gets.
 */
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import type { ChatEvent } from "../../../src/chat/events.ts";
import { takeTurn } from "../../../src/chat/turns/turn.ts";
import { ToolariumError } from "../../../src/errors.ts";
import { createEnvelope, toChunks, toCompletion } from "../../../src/http/openai/openai-answer.ts";
import type { ChatModel } from "../../../src/upstream/model.ts";
import { readAnswer } from "../../../src/upstream/reading/answer.ts";
import { hello } from "../helpers/answers.ts";

const MIB = 1_048_576;
/** Of one piece, and of many small ones. */
const HUGE = 8 * MIB;
const LARGE = 2 * MIB;
const SMALL = MIB / 2;
const CHUNK_BYTES = 64 * 1024;

const provider = { name: "test", secrets: [] };
const event = (delta: string): string => `data: {"choices":[{"index":0,"delta":{${delta}}}]}\n\n`;
const call = (fields: string): string => event(`"tool_calls":[{${fields}}]`);
const end = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';
const fill = (text: string, bytes: number): string => text.repeat(Math.ceil(bytes / text.length));
const many = (bytes: number, each: (at: number) => string): string => {
  const length = Math.ceil(bytes / each(0).length);
  return Array.from({ length }, (_, at) => each(at)).join("");
};

type Payload = (bytes: number) => string;

/** What is read to its end, in many pieces. */
const read: readonly (readonly [string, Payload])[] = [
  ["deltas of one character", (bytes) => fill(event('"content":"x"'), bytes)],
  ["empty payloads", (bytes) => fill("data: {}\n\n", bytes)],
  ["comments", (bytes) => fill(":\n", bytes) + event('"content":"x"')],
  ["lines of nothing", (bytes) => fill("\r", bytes) + event('"content":"x"')],
  [
    "large arguments, then thousands of deltas that name their call again",
    (bytes) =>
      call(`"function":{"name":"add","arguments":"{${fill("x", bytes)}"}`) +
      fill(call('"function":{"name":"add","arguments":"x"}'), bytes / 8),
  ],
  [
    "whole arguments, then thousands of blanks",
    (bytes) =>
      call(`"index":0,"function":{"name":"add","arguments":"{${fill(" ", bytes)}}"}`) +
      fill(call('"index":0,"function":{"arguments":" "}'), bytes / 8),
  ],
  [
    "calls in turns",
    (bytes) =>
      many(bytes, (at) =>
        call(`"index":${at % 256},"id":"c${at % 256}","function":{"name":"add","arguments":"x"}`),
      ),
  ],
  ["a field of its own in each delta", (bytes) => many(bytes, (at) => event(`"field${at}":"x"`))],
  ["one list that grows", (bytes) => fill(event('"details":[{"text":"x"}]'), bytes)],
  ["one object that grows", (bytes) => many(bytes, (at) => event(`"audio":{"field${at}":1,"data":"x"}`))],
  [
    "probabilities of each token",
    (bytes) =>
      fill(
        'data: {"choices":[{"index":0,"delta":{"content":"x"},"logprobs":{"content":[{"token":"x"}]}}]}\n\n',
        bytes,
      ),
  ],
  [
    "fields of the whole answer",
    (bytes) => many(bytes, (at) => `data: {"choices":[],"field${at}":1}\n\n`) + event('"content":"x"'),
  ],
  [
    "usage in each chunk",
    (bytes) => fill('data: {"choices":[{"index":0,"delta":{}}],"usage":{"prompt_tokens":1}}\n\n', bytes),
  ],
  [
    "the text again and again",
    (bytes) =>
      event(`"content":"${fill("x", bytes / 2)}"`) +
      fill('data: {"choices":[{"message":{"content":"x"}}]}\n\n', bytes / 2),
  ],
  ["lines of bare JSON", (bytes) => fill('{"choices":[{"delta":{"content":"x"}}]}\n', bytes)],
  [
    "a payload on many lines",
    (bytes) => `data: {"choices":[{"delta":{"content":\n${fill("data:\n", bytes)}data: "x"}}]}\n\n`,
  ],
];

/** What is read though it comes in one piece. */
const huge: readonly (readonly [string, Payload])[] = [
  ["one delta of text", (bytes) => event(`"content":"${fill("x", bytes)}"`)],
  ["one delta of line ends", (bytes) => event(`"content":"${fill("\\n", bytes)}"`)],
  [
    "one delta of arguments",
    (bytes) => call(`"index":0,"function":{"name":"add","arguments":"${fill("x", bytes)}"}`),
  ],
];

/** What is more than a model means. */
const refused: readonly (readonly [string, Payload, RegExp])[] = [
  [
    "calls without number",
    (bytes) =>
      many(bytes, (at) => call(`"index":${at},"id":"c${at}","function":{"name":"add","arguments":"{}"}`)),
    /more than 256 tools/,
  ],
  [
    "calls in one delta",
    (bytes) => event(`"tool_calls":[${fill('{"function":{"name":"add"}},', bytes)}{}]`),
    /more than \d+ values/,
  ],
  ["a name", (bytes) => call(`"index":0,"function":{"name":"${fill("x", bytes)}"}`), /name of more than/],
  [
    "a name in pieces",
    (bytes) =>
      fill(call('"index":0,"function":{"name":"xy"}') + call('"index":0,"function":{"name":"z"}'), bytes),
    /name of more than/,
  ],
  ["lists in lists", (bytes) => event(`"x":${fill("[", bytes / 2)}${fill("]", bytes / 2)}`), /levels deep/],
  [
    "objects in objects",
    (bytes) => event(`"x":${fill('{"a":', bytes)}1${fill("}", bytes / 5)}`),
    /levels deep/,
  ],
  ["choices", (bytes) => `data: {"choices":[${fill("{},", bytes)}{}]}\n\n`, /more than \d+ values/],
  ["fields", (bytes) => event(`${many(bytes, (at) => `"f${at}":1,`)}"x":1`), /more than \d+ values/],
  ["a line without end", (bytes) => `data: ${fill("x", bytes * 3)}`, /more than can be read/],
  [
    "a body of calls",
    (bytes) => `{"choices":[{"message":{"tool_calls":[${fill('{"function":{"name":"add"}},', bytes)}{}]}}]}`,
    /more than \d+ values/,
  ],
  ["a body of choices", (bytes) => `{"choices":[${fill("{},", bytes)}{}]}`, /more than \d+ values/],
  [
    "a body of long numbers",
    (bytes) => `{"choices":[${fill("12345678901234567,", bytes)}{}]}`,
    /more than \d+ values/,
  ],
  [
    "an error in errors",
    (bytes) => `{"error":${fill('{"error":', bytes)}1${fill("}", bytes / 9)}}`,
    /levels deep/,
  ],
  ["an error of text", (bytes) => `{"error":"${fill("<a", bytes)}"}`, /<a<a/],
];

interface Measured {
  /** Milliseconds of work of this thread in the longest turn of the event loop. */
  readonly longestMs: number;
  readonly workMs: number;
  readonly failure: unknown;
}

test.each(read)("%s: read in turns, in time that grows as it does", async (_, payload) => {
  const small = await measure(payload(SMALL) + end);
  const large = await measure(payload(LARGE) + end);
  expect([small.failure, large.failure]).toEqual([undefined, undefined]);
  const factor = await slowness();
  // Four times as much, with room for what is compiled and collected meanwhile.
  expect(large.workMs).toBeLessThan(small.workMs * 8 + 200 * factor);
  expect(large.longestMs).toBeLessThan(100 * factor);
});

test.each(huge)("%s: read with other work between", async (_, payload) => {
  const { longestMs, failure } = await measure(payload(HUGE) + end);
  expect(failure).toBeUndefined();
  expect(longestMs).toBeLessThan(100 * (await slowness()));
});

test.each(refused)("%s: refused at once, in words", async (_, payload, told) => {
  const { longestMs, failure } = await measure(payload(HUGE));
  expect(failure).toBeInstanceOf(ToolariumError);
  expect(failure).toMatchObject({ code: "upstream_error", message: expect.stringMatching(told) });
  expect(longestMs).toBeLessThan(100 * (await slowness()));
});

test("a whole completion of the same sizes is put together in turns, too", async () => {
  for (const [, payload] of [...read.slice(0, 1), ...huge]) {
    let failure: unknown;
    const { longestMs } = await watch(async () => {
      await toCompletion(turnOf(Buffer.from(payload(LARGE) + end)), options.envelope).catch(
        (error: unknown) => {
          failure = error;
        },
      );
    });
    expect(failure).toBeUndefined();
    expect(longestMs).toBeLessThan(100 * (await slowness()));
  }
});

async function measure(text: string): Promise<Measured> {
  const bytes = Buffer.from(text);
  let failure: unknown;
  const onFailure = (error: unknown): void => {
    failure = error;
  };
  const work = await watch(async () => {
    for await (const chunk of toChunks(turnOf(bytes), { ...options, onFailure })) void chunk;
  });
  return { ...work, failure };
}

/** The work of this thread alone: others that keep the machine busy count for nothing. */
async function watch(work: () => Promise<void>): Promise<Omit<Measured, "failure">> {
  const spentMs = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  };
  await setImmediate();
  const startMs = spentMs();
  let lastMs = startMs;
  let longestMs = 0;
  let isOver = false;
  const turn = (): void => {
    const nowMs = spentMs();
    longestMs = Math.max(longestMs, nowMs - lastMs);
    lastMs = nowMs;
  };
  const watching = (async () => {
    for (; !isOver; turn()) await setImmediate();
  })();
  await work();
  isOver = true;
  await watching;
  return { longestMs, workMs: spentMs() - startMs };
}

const options = { envelope: createEnvelope("test/m"), includeUsage: true, includeSteps: false };

async function* turnOf(bytes: Buffer): AsyncGenerator<ChatEvent> {
  const model: ChatModel = {
    name: "test/m",
    stream: (request) => readAnswer({ contentType: "", chunks: inChunks(bytes) }, provider, request),
  };
  yield { type: "started", mode: "plain", runId: null };
  const turn = yield* takeTurn(model, hello, {
    said: { hasText: false },
    passes: () => true,
    signal: new AbortController().signal,
  });
  yield {
    type: "finish",
    reason: turn?.reason ?? "",
    stopReason: null,
    usage: null,
    response: {},
    auto: null,
  };
}

/** As they come from a connection: each in a turn of its own. */
async function* inChunks(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += CHUNK_BYTES) {
    await setImmediate();
    yield bytes.subarray(at, at + CHUNK_BYTES);
  }
}

/** How many times slower than an ordinary machine this one is now; 1 at least. */
async function slowness(): Promise<number> {
  const { workMs } = await watch(async () => {
    for (let sum = 0; sum < 2e7; sum += 1);
  });
  return Math.max(1, workMs / 15);
}
