/** Streams as they come from providers, byte for byte: what a client gets is the one answer that they mean. */
import type { ServerResponse } from "node:http";
import zlib from "node:zlib";
import { describe, expect, test } from "vitest";
import { ask, failureOf, type ReadAnswer } from "../helpers/answers.ts";
import { chunk, completion, DONE, json } from "../helpers/provider.ts";

const offered = ["add", "shop", "shop__order", "search", "search_tools"].map((name) => ({
  type: "function",
  function: { name, parameters: { type: "object" } },
}));

const line = (payload: unknown): string => `data: ${JSON.stringify(payload)}\n\n`;
const entry = (name: string | null, args: unknown, rest: object = {}): object => ({
  ...rest,
  function: { ...(name === null ? {} : { name }), arguments: args },
});
const calls = (...entries: object[]): object => chunk({ tool_calls: entries });
const end = (reason = "tool_calls", delta: object = {}): object => chunk(delta, reason);

/** Sends these bytes, each in a piece of its own. */
function askBytes(pieces: readonly (string | Uint8Array)[], headers: object = {}): Promise<ReadAnswer> {
  return ask((response) => sendPieces(response, pieces, headers), { request: { tools: offered } });
}

async function sendPieces(
  response: ServerResponse,
  pieces: readonly (string | Uint8Array)[],
  headers: object,
): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream", ...headers });
  for (const piece of pieces) await new Promise((resolve) => response.write(piece, resolve));
  response.end();
}

const askParts = (...parts: object[]): Promise<ReadAnswer> => askBytes([...parts.map(line), DONE]);

describe("a tool call is made once, with its own name and arguments, when", () => {
  const one = [{ name: "add", arguments: '{"a":1}' }];
  const two = [
    { name: "add", arguments: '{"a":1}' },
    { name: "search", arguments: '{"q":2}' },
  ];
  test.each<[string, readonly object[], readonly object[]]>([
    [
      "parallel calls all have the index 0 and no id",
      [calls(entry("add", '{"a":1}', { index: 0 })), calls(entry("search", '{"q":2}', { index: 0 }))],
      two,
    ],
    [
      "parallel calls of one tool all have the index 0 and no id",
      [calls(entry("add", '{"a":1}', { index: 0 })), calls(entry("add", '{"a":2}', { index: 0 }))],
      [one[0] ?? {}, { name: "add", arguments: '{"a":2}' }],
    ],
    [
      "calls of one list all have the index 0 and no id",
      [calls(entry("add", '{"a":1}', { index: 0 }), entry("add", '{"a":1}', { index: 0 }))],
      [...one, ...one],
    ],
    [
      "calls of one list have one index and one id",
      [
        calls(
          entry("add", '{"a":1}', { index: 0, id: "x" }),
          entry("search", '{"q":2}', { index: 0, id: "x" }),
        ),
      ],
      two,
    ],
    [
      "parallel calls come in turns, piece by piece",
      [
        calls(entry("add", "", { index: 0, id: "x" })),
        calls(entry("search", "", { index: 1, id: "y" })),
        calls(entry(null, '{"q"', { index: 1 })),
        calls(entry(null, '{"a"', { index: 0 })),
        calls(entry(null, ":2}", { index: 1 }), entry(null, ":1}", { index: 0 })),
      ],
      two,
    ],
    [
      "indexes are text",
      [
        calls(entry("add", '{"a"', { index: "0", id: "x" })),
        calls(entry("search", '{"q":2}', { index: "1", id: "y" })),
        calls(entry(null, ":1}", { index: "0" })),
      ],
      two,
    ],
    [
      "its name comes in pieces",
      [
        calls(entry("sh", "", { index: 0, id: "x" })),
        calls(entry("op__", "", { index: 0 })),
        calls(entry("order", "", { index: 0 })),
        calls(entry(null, '{"a":1}', { index: 0 })),
      ],
      [{ name: "shop__order", arguments: '{"a":1}' }],
    ],
    [
      "the first piece of its name is the name of another tool",
      [calls(entry("shop", "", { index: 0, id: "x" })), calls(entry("__order", '{"a":1}', { index: 0 }))],
      [{ name: "shop__order", arguments: '{"a":1}' }],
    ],
    [
      "its name and its arguments come in pieces together",
      [calls(entry("shop__", '{"a"', { index: 0, id: "x" })), calls(entry("order", ":1}", { index: 0 }))],
      [{ name: "shop__order", arguments: '{"a":1}' }],
    ],
    [
      "each piece of its name has all before it",
      ["s", "shop", "shop__order"].map((name) => calls(entry(name, "", { index: 0, id: "x" }))),
      [{ name: "shop__order", arguments: "" }],
    ],
    [
      "its name is repeated in every delta",
      [
        calls(entry("add", "", { index: 0, id: "x" })),
        calls(entry("add", '{"a"', { index: 0, id: "x" })),
        calls(entry("add", ":1}", { index: 0, id: "x" })),
        calls(entry("add", "", { index: 0, id: "x" })),
      ],
      one,
    ],
    [
      "every delta has a new id and the name",
      ['{"a"', ":", "1}"].map((text, at) => calls(entry("add", text, { index: 0, id: `x${at}` }))),
      one,
    ],
    ["its name stands twice in one", [calls(entry("addadd", '{"a":1}', { index: 0, id: "x" }))], one],
    [
      "its id is sent twice in one",
      [
        calls(entry("add", '{"a"', { index: 0, id: "call_1" })),
        calls(entry("add", ":1}", { index: 0, id: "call_1call_1" })),
      ],
      one,
    ],
    [
      "its id comes after its name",
      [calls(entry("add", "", { index: 0 })), calls(entry(null, '{"a":1}', { index: 0, id: "x" }))],
      one,
    ],
    ...["{}", " { } ", "null"].map((standIn): [string, readonly object[], readonly object[]] => [
      `${standIn} comes before its arguments`,
      [
        calls(entry("add", standIn, { index: 0, id: "x" })),
        calls(entry(null, '{"a"', { index: 0 })),
        calls(entry(null, ":1}", { index: 0 })),
      ],
      one,
    ]),
    [
      "{} comes before its arguments as an object, and again behind them",
      [
        calls(entry("add", {}, { index: 0, id: "x" })),
        calls(entry("add", { a: 1 }, { index: 0, id: "x" })),
        calls(entry("add", {}, { index: 0, id: "x" })),
      ],
      one,
    ],
    [
      "it has no arguments",
      [calls(entry("add", "{}", { index: 0, id: "x" }))],
      [{ name: "add", arguments: "{}" }],
    ],
    [
      "no arguments are an empty list",
      [calls(entry("add", [], { index: 0, id: "x" }))],
      [{ name: "add", arguments: "{}" }],
    ],
    [
      "its arguments are sent whole again at the end",
      [
        calls(entry("add", '{"a"', { index: 0, id: "x" })),
        calls(entry(null, ":1}", { index: 0 })),
        calls(entry("add", '{"a":1}', { index: 0, id: "x" })),
      ],
      one,
    ],
    [
      "its arguments are sent again at the end in other blanks",
      [calls(entry("add", '{"a":1}', { index: 0, id: "x" })), calls(entry(null, '{ "a": 1 }', { index: 0 }))],
      one,
    ],
    [
      "its arguments are sent again without an id",
      [calls(entry("add", '{"a":1}', { index: 0, id: "x" })), calls(entry(null, '{"a":1}', { index: 0 }))],
      one,
    ],
    [
      "each piece of its arguments has all before it",
      ['{"a', '{"a":', '{"a":1}'].map((text) => calls(entry("add", text, { index: 0, id: "x" }))),
      one,
    ],
    [
      "the last chunk repeats all calls without indexes and ids",
      [
        calls(entry("add", '{"a":1}', { index: 0, id: "x" })),
        calls(entry("search", '{"q":2}', { index: 1, id: "y" })),
        end("tool_calls", {
          role: "assistant",
          tool_calls: [entry("add", '{"a":1}'), entry("search", '{"q":2}')],
        }),
      ],
      two,
    ],
    [
      "the last chunk repeats them as a message",
      [
        calls(entry("add", '{"a":1}', { index: 0, id: "x" })),
        calls(entry("search", '{"q"', { index: 1, id: "y" })),
        {
          choices: [
            {
              message: { tool_calls: [entry("add", { a: 1 }), entry("search", '{"q":2}')] },
              finish_reason: "tool_calls",
            },
          ],
        },
      ],
      two,
    ],
    [
      "the finish reason comes before it, and twice",
      [
        end(),
        calls(entry("add", '{"a"', { index: 0, id: "x" })),
        calls(entry(null, ":1}", { index: 0 })),
        end("stop"),
      ],
      one,
    ],
    [
      "it stands alone where a list belongs",
      [chunk({ tool_calls: entry("add", '{"a":1}', { index: 0, id: "x" }) })],
      one,
    ],
    [
      "choices with other indexes come first",
      [
        {
          choices: [{ index: 1, delta: { tool_calls: [entry("search", '{"q":2}', { index: 0, id: "z" })] } }],
        },
        {
          choices: [
            { index: 1, delta: {} },
            { index: 0, delta: { tool_calls: [entry("add", '{"a":1}', { index: 0, id: "x" })] } },
          ],
        },
      ],
      one,
    ],
  ])("%s", async (_, parts, expected) => {
    const answer = await askParts(...parts, end());
    expect(answer.calls.map(({ name, arguments: text }) => ({ name, arguments: text }))).toEqual(expected);
    expect(new Set(answer.calls.map(({ id }) => id)).size).toBe(expected.length);
    expect(answer.reason).toBe("tool_calls");
  });

  test("its id is the provider's, also where that comes late", async () => {
    const late = [calls(entry("search", "", { index: 0 })), calls(entry(null, "{}", { index: 0, id: "x" }))];
    expect((await askParts(...late, end())).calls).toMatchObject([{ id: "x" }]);
  });

  test("a program as the input of a custom tool is not taken for something else", async () => {
    const input = (text: string): object => ({
      index: 0,
      id: "x",
      type: "custom",
      custom: { name: "add", input: text },
    });
    const answer = await askParts(calls(input("{}")), calls(input("{}")), calls(input("{}\n")), end());
    expect(answer.calls).toMatchObject([{ name: "add", arguments: "{}{}{}\n" }]);
  });
});

describe("a text is said once when", () => {
  const long = "It is sunny in Paris today.";
  test.each<[string, readonly object[], string]>([
    [
      "the last chunk repeats it as a message",
      [
        chunk({ content: "Hel" }),
        chunk({ content: "lo" }),
        { choices: [{ message: { content: "Hello" }, finish_reason: "stop" }] },
      ],
      "Hello",
    ],
    [
      "that message has blanks less, or the rest more",
      [
        chunk({ content: " Hel" }),
        { choices: [{ message: { content: " Hello" } }] },
        { choices: [{ message: { content: "Hello" } }] },
      ],
      " Hello",
    ],
    [
      "the last chunk repeats it as a delta",
      [
        chunk({ content: "Hel" }),
        chunk({ content: "lo" }),
        chunk({ role: "assistant", content: "Hello" }, "stop"),
      ],
      "Hello",
    ],
    ["one delta repeats one", [chunk({ content: long }), chunk({ content: long }, "stop")], long],
    [
      "it repeats itself",
      [chunk({ content: "ho" }), chunk({ content: "ho" }), chunk({ content: "ho" }, "stop")],
      "hohoho",
    ],
    ["two deltas are equal", [chunk({ content: "1" }), chunk({ content: "1" }, "stop")], "11"],
    [
      "it comes as parts",
      [
        chunk({ content: [{ type: "text", text: "a" }, "b"] }),
        chunk({ content: { type: "text", text: "c" } }),
      ],
      "abc",
    ],
    [
      "the role is repeated, and content is null",
      [chunk({ role: "assistant", content: null }), chunk({ role: "assistant", content: "a" })],
      "a",
    ],
    ["it stands where completions of old have it", [{ choices: [{ index: 0, text: "a" }] }], "a"],
    [
      "the delta is empty and a message is there",
      [{ choices: [{ delta: {}, message: { content: "a" } }] }],
      "a",
    ],
  ])("%s", async (_, parts, text) => {
    expect((await askParts(...parts, end("stop"))).text).toBe(text);
  });

  test("thoughts are told apart from it, and repeated neither", async () => {
    const thinking = { type: "thinking", thinking: [{ type: "text", text: "Hm. A question of weather." }] };
    const { text, events } = await askParts(
      chunk({ content: [thinking] }),
      chunk({ content: [{ type: "text", text: "Sunny" }] }),
      {
        choices: [
          {
            message: { reasoning_content: "Hm. A question of weather.", content: "Sunny" },
            finish_reason: "stop",
          },
        ],
      },
    );
    expect(text).toBe("Sunny");
    expect(events.filter(({ type }) => type === "extra")).toEqual([
      { type: "extra", message: { reasoning_content: "Hm. A question of weather." }, choice: {} },
    ]);
  });
});

test.each([
  ["stopstop", "stop"],
  ["tool_callsstop", "stop"],
  ["stoplength", "length"],
  ["", "stop"],
  ["null", "stop"],
  ["STOP", "stop"],
  ["constructor", "constructor"],
])("the finish reason %j means %s where no call was made", async (said, reason) => {
  expect((await askParts(chunk({ content: "a" }, said))).reason).toBe(reason);
});

test("of two finish reasons the one counts that tells more", async () => {
  expect((await askParts(chunk({ content: "a" }, "length"), chunk({}, "stop"))).reason).toBe("length");
  expect((await askParts(chunk({ content: "a" }, "stop"), chunk({}, "length"))).reason).toBe("length");
});

describe("an event stream is read whatever its bytes look like:", () => {
  const first = JSON.stringify(chunk({ content: "Grö" }));
  const last = JSON.stringify(chunk({ content: "ße 🚀" }, "stop"));
  test.each<[string, string]>([
    ["lines end in CRLF", `data: ${first}\r\n\r\ndata: ${last}\r\n\r\ndata: [DONE]\r\n\r\n`],
    ["lines end in CR", `data: ${first}\r\rdata: ${last}\r\rdata: [DONE]\r\r`],
    ["it begins with a byte order mark", `\ufeffdata: ${first}\n\ndata: ${last}\n\n`],
    ["it begins with blank lines", `\n\r\n \n\ndata: ${first}\n\ndata: ${last}\n\n`],
    ["no blank follows the colon", `data:${first}\n\ndata:${last}\n\ndata:[DONE]\n\n`],
    ["data: is written twice", `data: data: ${first}\n\ndata: data: ${last}\n\n`],
    ["one payload has many lines", `data: ${last.replaceAll(",", ",\ndata: ").replace("ße", "Größe")}\n\n`],
    [
      "a first line of several looks whole",
      `data: ${first}\n\ndata: {"choices":[{"delta":{}\ndata: ,"index":0,"delta":{"content":"ße 🚀"},"finish_reason":"stop"}]}\n\n`,
    ],
    [
      "events have names, ids, retry hints and comments",
      `: hi\nid: 1\nevent: message\nretry: 5\ndata: ${first}\n\n: OPENROUTER PROCESSING\n\nevent: completion.chunk\ndata: ${last}\nid: 2\n\n`,
    ],
    ["blank lines are missing", `data: ${first}\ndata: ${last}\ndata: [DONE]`],
    ["[DONE] is missing, and the last line end", `data: ${first}\n\ndata: ${last}`],
    ["[DONE] has blanks around it", `data: ${first}\n\ndata: ${last}\n\ndata:   [DONE]  \n\n`],
    [
      "more follows [DONE]",
      `data: ${first}\n\ndata: ${last}\n\ndata: [DONE]\n\ndata: ${first}\n\ndata: {oops\n\n`,
    ],
    [
      "data is empty, null, a ping or without choices to keep it alive",
      `data:\n\ndata: \n\ndata: null\n\ndata: {}\n\nevent: ping\ndata: ping\n\ndata: {"type":"ping"}\n\ndata: {"choices":[]}\n\ndata: {"choices":null}\n\ndata: ${first}\n\ndata: ${last}\n\n`,
    ],
    ["lines are bare JSON", `${first}\n${last}\n`],
  ])("%s", async (_, text) => {
    const whole = await askBytes([text]);
    expect(whole).toMatchObject({ text: "Größe 🚀", reason: "stop" });
    const bytes = [...Buffer.from(text)].map((byte) => Uint8Array.of(byte));
    expect(await askBytes(bytes)).toMatchObject({ text: "Größe 🚀", reason: "stop" });
    for (const type of ["application/json", "text/plain; charset=utf-8", "application/octet-stream"])
      expect(await askBytes([text], { "content-type": type })).toMatchObject({ text: "Größe 🚀" });
  });

  test("a connection that breaks behind the finish reason takes nothing away", async () => {
    const answer = await ask(async (response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      await new Promise((resolve) => response.write(line(chunk({ content: "a" }, "stop")), resolve));
      response.socket?.resetAndDestroy();
    });
    expect(answer).toMatchObject({ text: "a", reason: "stop" });
  });

  test.each([
    ["on one line", JSON.stringify(completion({ content: "a" }))],
    ["on many lines", `\n\n${JSON.stringify(completion({ content: "a" }), null, 2)}\n`],
    [
      "with its only choice numbered from one",
      JSON.stringify({ choices: [{ index: 1, message: { content: "a" } }] }),
    ],
  ])("it is one JSON body, %s", async (_, text) => {
    expect(await askBytes([text])).toMatchObject({ text: "a", reason: "stop" });
    expect(await askBytes([text], { "content-type": "application/json" })).toMatchObject({ text: "a" });
  });
});

describe("a compressed answer is read:", () => {
  const text = [chunk({ content: "Grö" }), chunk({ content: "ße" }, "stop")].map(line).join("") + DONE;
  const whole = JSON.stringify(completion({ content: "Größe" }));
  const encoders: readonly (readonly [string, (text: string) => Buffer])[] = [
    ["gzip", zlib.gzipSync],
    ["x-gzip", zlib.gzipSync],
    ["deflate", zlib.deflateSync],
    ["Deflate", zlib.deflateRawSync],
    ["br", zlib.brotliCompressSync],
    ["zstd", zlib.zstdCompressSync],
    ["gzip, br", (plain) => zlib.brotliCompressSync(zlib.gzipSync(plain))],
    ["identity", Buffer.from],
    ["gzip", Buffer.from],
    ["unknown", Buffer.from],
  ];
  test.each(encoders)("%s", async (encoding, encode) => {
    const headers = { "content-encoding": encoding };
    expect(await askBytes([encode(text)], headers)).toMatchObject({ text: "Größe", reason: "stop" });
    const bytes = [...encode(whole)].map((byte) => Uint8Array.of(byte));
    expect(await askBytes(bytes, { ...headers, "content-type": "application/json" })).toMatchObject({
      text: "Größe",
    });
    const raw = await ask((response) => sendPieces(response, [encode(text)], headers), {
      request: { raw: true },
    });
    expect(raw.raw).toBe(text);
    const refused = ask(async (response) => {
      response.writeHead(400, { ...headers, "content-type": "application/json" });
      response.end(encode('{"error":{"message":"no such thing"}}'));
    });
    expect((await failureOf(refused))["message"]).toBe('The model provider "test": no such thing');
  });

  test.each([
    ["gzip", () => zlib.createGzip()],
    ["br", () => zlib.createBrotliCompress()],
    ["zstd", () => zlib.createZstdCompress()],
  ] as const)("%s gives each event as soon as it was sent", async (encoding, create) => {
    const answer = await ask(
      async (response) => {
        response.writeHead(200, { "content-type": "text/event-stream", "content-encoding": encoding });
        const encoder = create();
        encoder.pipe(response);
        encoder.write(line(chunk({ content: "a" })));
        encoder.flush();
      },
      { until: "a" },
    );
    expect(answer.text).toBe("a");
  });

  test("bytes that are broken fail the answer", async () => {
    const broken = zlib.gzipSync(text).fill(0xff, 12);
    expect(await failureOf(askBytes([broken], { "content-encoding": "gzip" }))).toMatchObject({
      code: "upstream_error",
      status: 502,
    });
  });

  test("what is small on the wire and has no end otherwise is given up", async () => {
    const bomb = zlib.gzipSync(Buffer.alloc(80 * 1024 * 1024, "{"));
    const failure = await failureOf(
      ask((response) =>
        sendPieces(response, [bomb], { "content-encoding": "gzip", "content-type": "application/json" }),
      ),
    );
    expect(failure["message"]).toContain("sent more than can be read");
  });
});

describe("usage", () => {
  const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
  test.each<[string, readonly object[]]>([
    ["after the finish reason", [chunk({ content: "a" }, "stop"), { choices: [], usage }]],
    ["before it", [{ choices: [], usage }, chunk({ content: "a" }, "stop"), { choices: [], usage: null }]],
    ["inside the delta", [chunk({ content: "a", usage }, "stop")]],
    [
      "in two chunks",
      [
        chunk({ content: "a" }, null, { usage: { prompt_tokens: 1 } }),
        chunk({}, "stop", { usage: { completion_tokens: 2, total_tokens: 3 } }),
      ],
    ],
    ["and again without numbers", [chunk({ content: "a" }, "stop", { usage }), { choices: [], usage: {} }]],
  ])("%s is found", async (_, parts) => {
    expect((await askParts(...parts)).usage).toEqual(usage);
  });

  test("that is not told is absent, not zero", async () => {
    for (const none of [undefined, null, {}, { prompt_tokens: null, completion_tokens: null }]) {
      expect((await askParts(chunk({ content: "a" }, "stop", { usage: none }))).usage).toBeNull();
      expect(
        (await ask((response) => json(response, 200, completion({ content: "a" }, "stop", { usage: none }))))
          .usage,
      ).toBeNull();
    }
  });
});
