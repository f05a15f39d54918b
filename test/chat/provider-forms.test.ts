/** What the model is shown in the form its provider takes, while clients and tools see everything as it is. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LocalTool } from "../../src/mcp/hub.ts";
import type { Fields } from "../../src/upstream/model.ts";
import { conversation, offered, type Stage, startStage } from "./helpers/scripted.ts";

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
  test("is offered in a form that they take, and is called by its own schema", async () => {
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

  test("is listed with its own schema, and with what each family of providers is told instead", async () => {
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

test("calls that a model writes badly do not end the conversation", async () => {
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
