/** A model that calls an unknown function reads the names of those that it was offered. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TestChat } from "./helpers/chat.ts";
import { conversation, type Stage, startStage } from "./helpers/scripted.ts";

const tools = [{ type: "function", function: { name: "look_up", parameters: { type: "object" } } }];

describe.each([
  ["fit the budget", 4_000],
  ["do not fit the budget", 10],
])("where the tools %s", (_, tokenBudget) => {
  let stage: Stage;
  let chat: TestChat;
  beforeAll(async () => {
    stage = await startStage({ tokenBudget });
    chat = stage.chat;
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  async function told(mode: string, name: string): Promise<string> {
    const asked = stage.play({ calls: [[name, { item: "apple" }]] }, "done");
    const messages = [{ role: "user", content: "go" }];
    const { body } = await chat.ask({ model: `test/m:${mode}`, tools, messages });
    return String(
      mode === "plain" ? body.choices[0].message.content : conversation(asked[1]).at(-1)?.["content"],
    );
  }
  const isOffered = (mode: string): boolean => mode !== "code" && (mode !== "auto" || tokenBudget > 1_000);

  test.each(["agent", "code", "auto", "plain"])("in %s mode", async (mode) => {
    for (const name of ["shop__stok", "stock", "shop.stock", "functions.shop__stock"])
      expect(await told(mode, name)).toContain(
        isOffered(mode)
          ? "Nearest allowed: shop__stock."
          : "Call run_code with a program that uses shop.stock(…).",
      );
    expect(await told(mode, "lookup")).toContain("Nearest allowed: look_up.");
    const denied = await told(mode, "shop__secret");
    expect(denied).toContain("tools.allow does not include it. Nearest allowed: ");
    expect(denied).toContain(isOffered(mode) ? "shop__fail" : "shop.fail");
    if (mode === "code" || mode === "auto")
      expect(await told(mode, "run_cod")).toContain("Nearest allowed: run_code.");
    expect(chat.shop.calls).toEqual([]);
  });
});

test("a person's reason for a denial reaches the model unchanged", async () => {
  await using stage = await startStage();
  const asked = stage.play({ calls: [["shop__order", { item: "pear" }]] }, "done");
  const user = { role: "user", content: "go" };
  const { body } = await stage.chat.ask({ model: "test/m:agent", messages: [user] });
  const [{ message }] = body.choices;
  const content = '{"toolarium_decision":"deny","reason":"too dear"}';
  const decision = { role: "tool", tool_call_id: message.tool_calls[0].id, content };
  await stage.chat.ask({ model: "test/m:agent", messages: [user, message, decision] });
  expect(conversation(asked[1]).at(-1)?.["content"]).toBe('{"error":{"kind":"denied","message":"too dear"}}');
});
