/** Content that the model gets in the form its provider accepts, while clients and tools see the original. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LocalTool } from "../../src/mcp/server.ts";
import type { Fields } from "../../src/upstream/model.ts";
import { chunk, DONE, stream } from "../upstream/helpers/provider.ts";
import { conversation, offered, type ScriptedTurn, type Stage, startStage } from "./helpers/scripted.ts";

/** Base64 of an image, long enough not to be mistaken for text. */
const PICTURE = randomBytes(3_000).toString("base64");
const address = { type: "image_url", image_url: { url: `data:image/png;base64,${PICTURE}` } };
const noted: unknown[] = [];
const depot: readonly LocalTool[] = [
  {
    name: "note",
    description: "Notes.",
    inputSchema: {
      type: "object",
      properties: { lines: { type: "array" }, by: { type: "string" } },
      required: ["lines"],
      oneOf: [{ required: ["by"] }, { properties: { lines: { minItems: 2 } } }],
    },
    annotations: {},
    readOnly: true,
    async execute(args) {
      noted.push(args);
      return "noted";
    },
  },
  {
    name: "photo",
    description: "Takes a photo.",
    inputSchema: { type: "object", properties: {} },
    annotations: {},
    readOnly: true,
    execute: async () => ({
      content: [
        { type: "text", text: "a cat" },
        { type: "image", data: PICTURE, mimeType: "image/png" },
      ],
    }),
  },
];

let stage: Stage;
beforeAll(async () => {
  stage = await startStage({
    depot,
    tools: { allow: ["depot/*", "shop/*"], autoExecute: ["depot/*", "shop/items"] },
  });
});
afterAll(() => stage[Symbol.asyncDispose]());

const body = (rest: Fields = {}): Fields => ({
  model: "test/m:agent",
  messages: [{ role: "user", content: "go" }],
  ...rest,
});

describe("a tool whose schema providers refuse", () => {
  test("is offered in a form that they accept, and its calls are checked by its own schema", async () => {
    noted.length = 0;
    const asked = stage.play(
      { calls: [["depot__note", { lines: ["one"], by: "Ann" }]] },
      { calls: [["depot__note", { lines: ["one"] }]] },
      "done",
    );
    const { body: answer } = await stage.chat.ask(body());
    expect(answer.choices[0].message.content).toBe("done");
    const note = offered(asked[0]).find(({ name }) => name === "depot__note");
    expect(note?.["parameters"]).toMatchObject({
      type: "object",
      properties: { lines: { type: "array", items: {} }, by: { type: "string" } },
      required: ["lines"],
    });
    expect(note?.["parameters"]).not.toHaveProperty("oneOf");
    expect(noted).toEqual([{ lines: ["one"], by: "Ann" }]);
    expect(conversation(asked[2]).at(-1)?.["content"]).toContain("invalid_arguments");
  });

  test("is listed with its own schema, and with the one that each family of providers gets instead", async () => {
    const { body: listed } = await stage.chat.send("/v1/tools");
    const tools = listed.data as Fields[];
    const note = tools.find(({ id }) => id === "depot/note");
    expect(note?.["inputSchema"]).toEqual(depot[0]?.inputSchema);
    expect(note?.["schemaChanges"]).toMatchObject({
      openai: [
        "/: its alternatives are one object that takes the properties of all of them",
        "/: oneOf told in the description",
        "/properties/lines: an array without items: they may be anything",
      ],
      gemini: expect.arrayContaining(["/properties/lines: an array without items: they may be anything"]),
    });
    expect(tools.find(({ id }) => id === "shop/items")).not.toHaveProperty("schemaChanges");
  });
});

test("malformed calls of a model do not end the conversation", async () => {
  const asked = stage.play(
    {
      calls: [
        ["depot.note it", '{"lines": ["one"'],
        ["shop__items", ""],
      ],
    },
    "sorry",
  );
  const { status, body: answer } = await stage.chat.ask(body());
  expect([status, answer.choices[0].message.content]).toEqual([200, "sorry"]);
  const [, turn, refused, done] = conversation(asked[1]);
  expect(turn).toMatchObject({
    tool_calls: [
      {
        id: "up_1_0",
        function: { name: "depot_note_it", arguments: '{"invalid_json":"{\\"lines\\": [\\"one\\""}' },
      },
      { id: "up_1_1", function: { name: "shop__items", arguments: "{}" } },
    ],
  });
  expect(refused).toMatchObject({
    role: "tool",
    tool_call_id: "up_1_0",
    content: expect.stringContaining("error"),
  });
  expect(done).toEqual({ role: "tool", tool_call_id: "up_1_1", content: '["apple","pear"]' });
});

describe("an image in a tool's result", () => {
  const twoCalls: ScriptedTurn = {
    calls: [
      ["depot__photo", {}],
      ["shop__items", {}],
    ],
  };

  test.each([
    ["is a message of its own behind the results, for models that see", "test/gpt-4o:agent", 1],
    ["is a mark for others", "test/m:agent", 0],
  ])("%s", async (_title, model, messages) => {
    const asked = stage.play(twoCalls, "a cat");
    await stage.chat.ask(body({ model }));
    const [, , photo, items, ...rest] = conversation(asked[1]);
    expect(photo).toMatchObject({ role: "tool", content: expect.stringContaining("[image/png, 3 kB]") });
    expect(items).toMatchObject({ role: "tool", content: '["apple","pear"]' });
    const shown = {
      role: "user",
      content: [{ type: "text", text: "The image of the result of call up_1_0:" }, address],
    };
    expect(rest).toEqual(Array.from({ length: messages }, () => shown));
    expect(asked[1]?.text.split(PICTURE)).toHaveLength(messages + 1);
  });

  test("is shown again in every later turn, where its result stands", async () => {
    const asked = stage.play(twoCalls, { calls: [["shop__items", {}]] }, "a cat");
    await stage.chat.ask(body({ model: "test/gpt-4o:agent" }));
    expect(conversation(asked[2]).map(({ role }) => role)).toEqual([
      ...["user", "assistant", "tool", "tool", "user", "assistant", "tool"],
    ]);
  });

  test("is shown when a program returns it", async () => {
    const code = "return await depot.photo({})";
    const asked = stage.play({ calls: [["run_code", { code }]] }, "a cat");
    await stage.chat.ask(body({ model: "test/gpt-4o:code" }));
    const [, , result, shown] = conversation(asked[1]);
    expect(result?.["content"]).toContain("[image/png, 3 kB]");
    expect(shown).toMatchObject({ role: "user", content: [{ type: "text" }, address] });
  });

  test("of the caller's own tool goes to the model as it came", async () => {
    const messages = [
      { role: "user", content: "go" },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "mine", type: "function", function: { name: "look", arguments: "{}" } }],
      },
      { role: "tool", tool_call_id: "mine", content: [{ type: "text", text: "see" }, address] },
    ];
    const asked = stage.play("a cat");
    await stage.chat.ask(body({ messages }));
    expect(conversation(asked[0])).toEqual(messages);
  });
});

test("thoughts and signatures that came in pieces are sent back whole", async () => {
  const call = { index: 0, id: "c", type: "function", function: { name: "shop__items", arguments: "{}" } };
  const thought = (part: Fields) =>
    chunk({ reasoning_details: [{ type: "reasoning.text", index: 0, format: "f", ...part }] });
  const signature = { extra_content: { google: { thought_signature: "sig" } } };
  const asked = stage.play(
    (response) =>
      stream(response, [
        thought({ text: "I " }),
        thought({ text: "look." }),
        thought({ signature: "signed" }),
        chunk({ reasoning_details: [{ type: "reasoning.encrypted", index: 1, data: "abc" }] }),
        chunk({ reasoning_details: [{ type: "reasoning.encrypted", index: 2, data: "def" }] }),
        chunk({ tool_calls: [call] }),
        chunk({ tool_calls: [{ index: 0, ...signature }] }),
        chunk({}, "tool_calls"),
        DONE,
      ]),
    "done",
  );
  const response = await stage.chat.post(body({ stream: true }));
  expect(await response.text()).toContain("[DONE]");
  expect(conversation(asked[1])[1]).toEqual({
    role: "assistant",
    content: null,
    reasoning_details: [
      { type: "reasoning.text", index: 0, format: "f", text: "I look.", signature: "signed" },
      { type: "reasoning.encrypted", index: 1, data: "abc" },
      { type: "reasoning.encrypted", index: 2, data: "def" },
    ],
    tool_calls: [
      { id: "c", type: "function", function: { name: "shop__items", arguments: "{}" }, ...signature },
    ],
  });
});

test.each([true, false])(
  "a signature that comes late reaches the client that answers the call; stream: %s",
  async (streams) => {
    const call = { index: 0, id: "c", type: "function", function: { name: "mine", arguments: "{}" } };
    const signature = { extra_content: { google: { thought_signature: "sig" } } };
    stage.play((response) =>
      stream(response, [
        chunk({ tool_calls: [call] }),
        chunk({ tool_calls: [{ index: 0, ...signature }] }),
        chunk({}, "tool_calls"),
        DONE,
      ]),
    );
    const tools = [
      { type: "function", function: { name: "mine", parameters: { type: "object", properties: {} } } },
    ];
    const answer = await stage.chat.post(body({ model: "test/m:plain", tools, stream: streams }));
    expect(await answer.text()).toContain(JSON.stringify(signature).slice(1, -1));
  },
);
