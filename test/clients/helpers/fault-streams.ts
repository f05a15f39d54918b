/**
 * Streams as providers are seen to send them. Those whose name ends in `text` say "Hello there.", those in `call` call
 * `weather` for Bern once, those in `calls` twice.
 */
import { chunk, DONE } from "../../upstream/helpers/provider.ts";

const ARGS = '{"city":"Bern"}';
const usage = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };
const usageChunk = { ...chunk({}), choices: [], usage };
const calls = (...entries: readonly unknown[]): unknown => chunk({ tool_calls: entries });
const weather = (fields: object, args: unknown = ARGS): object => ({
  ...fields,
  function: { name: "weather", arguments: args },
});

export const faultStreams: { readonly [name: string]: readonly unknown[] } = {
  "well-formed text": [
    chunk({ role: "assistant", content: "" }),
    chunk({ content: "Hello " }),
    chunk({ content: "there." }),
    chunk({}, "stop"),
    usageChunk,
    DONE,
  ],
  "no role, no id, no object, no model text": [
    { choices: [{ delta: { content: "Hello " } }] },
    { choices: [{ delta: { content: "there." }, finish_reason: "stop" }] },
    DONE,
  ],
  "a new id in every chunk text": [
    chunk({ role: "assistant", content: "Hello " }, null, { id: "a", created: 1 }),
    chunk({ content: "there." }, "stop", { id: "b", created: 2 }),
    DONE,
  ],
  "the role in every chunk text": [
    chunk({ role: "assistant", content: "Hello " }),
    chunk({ role: "assistant", content: "there." }),
    chunk({ role: "assistant" }, "stop"),
    DONE,
  ],
  "no [DONE] text": [chunk({ content: "Hello there." }), chunk({}, "stop")],
  "no finish reason text": [chunk({ content: "Hello there." }), DONE],
  "the finish reason twice text": [
    chunk({ content: "Hello there." }, "stop"),
    chunk({}, "stop"),
    usageChunk,
    DONE,
  ],
  "an unknown finish reason text": [chunk({ content: "Hello there." }), chunk({}, "end_turn"), DONE],
  "empty and missing choices text": [
    { id: "x", object: "chat.completion.chunk", choices: [] },
    { prompt_filter_results: [] },
    chunk({ content: "Hello there." }),
    chunk({}, "stop"),
    DONE,
  ],
  "usage in every chunk text": [
    chunk({ content: "Hello " }, null, { usage: { prompt_tokens: 5 } }),
    chunk({ content: "there." }, "stop", { usage }),
    DONE,
  ],
  "comments, blank lines and named events text": [
    ": OPENROUTER PROCESSING\n\n\n\n",
    `event: message\ndata:${JSON.stringify(chunk({ content: "Hello there." }))}\n\n`,
    `event: ping\ndata: {}\n\n`,
    chunk({}, "stop"),
    DONE,
  ],
  "content as a list text": [
    chunk({ content: [{ type: "text", text: "Hello " }] }),
    chunk({ content: [{ type: "text", text: "there." }] }, "stop"),
    DONE,
  ],
  "unknown fields text": [
    chunk({ content: "Hello there.", reasoning_content: "hm", audio: null }, null, { obfuscation: "xx" }),
    chunk({}, "stop", { citations: ["a"], nonce: 1 }),
    DONE,
  ],
  "null everywhere text": [
    chunk({ role: null, content: null, tool_calls: null, refusal: null }, null, { usage: null }),
    chunk({ content: "Hello there.", tool_calls: null }),
    chunk({ content: null }, "stop"),
    DONE,
  ],

  "a well-formed call": [
    chunk({ role: "assistant", content: null }),
    calls({ index: 0, id: "call_a", type: "function", function: { name: "weather", arguments: "" } }),
    calls({ index: 0, function: { arguments: '{"city":' } }),
    calls({ index: 0, function: { arguments: '"Bern"}' } }),
    chunk({}, "tool_calls"),
    DONE,
  ],
  "finish reason stop after a call": [
    calls(weather({ index: 0, id: "call_a", type: "function" })),
    chunk({}, "stop"),
    DONE,
  ],
  "no index and no type in a call": [calls(weather({ id: "call_a" })), chunk({}, "tool_calls"), DONE],
  "no id in a call": [calls(weather({ index: 0, type: "function" })), chunk({}, "tool_calls"), DONE],
  "an index that begins at 1 in a call": [
    calls(weather({ index: 1, id: "call_a" })),
    chunk({}, "tool_calls"),
    DONE,
  ],
  "the name again in every piece of a call": [
    calls(weather({ index: 0, id: "call_a", type: "function" }, '{"city":')),
    calls(weather({ index: 0, id: "call_a", type: "function" }, '"Bern"}')),
    chunk({}, "tool_calls"),
    DONE,
  ],
  "arguments as an object in a call": [
    calls(weather({ index: 0, id: "call_a" }, { city: "Bern" })),
    chunk({}, "tool_calls"),
    DONE,
  ],
  "the finish reason beside a call": [
    chunk({ tool_calls: [weather({ index: 0, id: "call_a", type: "function" })] }, "tool_calls"),
    DONE,
  ],
  "a message instead of a delta with a call": [
    {
      choices: [
        {
          message: { role: "assistant", tool_calls: [weather({ id: "call_a" })] },
          finish_reason: "tool_calls",
        },
      ],
    },
    DONE,
  ],
  "index 0 for both calls": [
    calls(weather({ index: 0, id: "call_a" })),
    calls(weather({ index: 0, id: "call_b" })),
    chunk({}, "tool_calls"),
    DONE,
  ],
  "one id for both calls": [
    calls(weather({ index: 0, id: "call_a" }), weather({ index: 1, id: "call_a" })),
    chunk({}, "tool_calls"),
    DONE,
  ],
  "neither index nor id of both calls": [
    calls(weather({})),
    calls(weather({})),
    chunk({}, "tool_calls"),
    DONE,
  ],
  "pieces of both in turn of two calls": [
    calls(weather({ index: 0, id: "call_a" }, '{"city":'), weather({ index: 1, id: "call_b" }, '{"city":')),
    calls({ index: 1, function: { arguments: '"Bern"}' } }),
    calls({ index: 0, function: { arguments: '"Bern"}' } }),
    chunk({}, "tool_calls"),
    DONE,
  ],
};

/** Streams that are no answer, and a word of what the client is to be told. */
export const brokenStreams: { readonly [name: string]: readonly unknown[] } = {
  "an error inside a 200": [
    chunk({ content: "Hel" }),
    { error: { message: "the model fell over", code: 500 } },
  ],
  "an error instead of an answer": [{ error: { message: "the model fell over", type: "server_error" } }],
  "half a line": [chunk({ content: "Hel" }), 'data: {"choices":[{"del'],
  "nothing at all": [],
};
