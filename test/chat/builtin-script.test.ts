import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TestChat } from "./helpers/chat.ts";
import { type Stage, startStage } from "./helpers/scripted.ts";

let stage: Stage;
let chat: TestChat;
beforeAll(async () => {
  stage = await startStage();
  chat = stage.chat;
});
afterAll(() => stage[Symbol.asyncDispose]());

describe("builtin/script", () => {
  const ask = (content: string, model = "builtin/script:code") =>
    chat.ask({ model, messages: [{ role: "user", content }] });

  test("runs the fenced program and answers with what it returned", async () => {
    stage.play();
    const { body: answer } = await ask(
      "```ts\nconst items = await shop.items({});\nreturn items.length\n```",
    );
    expect(answer.choices[0].message.content).toBe("2");
    expect(answer.usage).toEqual({ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 });
    expect((await ask("```ts\nreturn 'a text'\n```")).body.choices[0].message.content).toBe("a text");
  });

  test("returns calls in plain mode under the names of the offered functions", async () => {
    stage.play();
    const script = (tool: string): string =>
      `\`\`\`json\n[{"tool":"${tool}","arguments":{"item":"pear"}}]\n\`\`\``;
    const { body: answer } = await ask(script("shop/order"), "builtin/script");
    expect(answer.choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: { tool_calls: [{ function: { name: "shop__order", arguments: '{"item":"pear"}' } }] },
    });
    for (const rest of [{}, { tools_filter: [] }]) {
      const messages = [{ role: "user", content: script("shop/secret") }];
      const { body: refused } = await chat.ask({ model: "builtin/script", messages, ...rest });
      expect(refused.choices[0].finish_reason).toBe("stop");
      expect(refused.choices[0].message).not.toHaveProperty("tool_calls");
      expect(refused.choices[0].message.content).toContain("shop__secret is outside the allowed set");
    }
  });

  test("makes calls in agent mode, pauses, and resumes with the client's answer", async () => {
    stage.play();
    const script =
      '```json\n[{"tool":"shop/stock","arguments":{"item":"pear"}},{"tool":"shop/order","arguments":{"item":"pear"}},{"tool":"shop/items"}]\n```';
    const { body: paused } = await ask(script, "builtin/script:agent");
    const [{ message, finish_reason }] = paused.choices;
    expect(finish_reason).toBe("tool_calls");
    expect(message.tool_calls).toMatchObject([{ function: { name: "shop__order" } }]);
    const messages = [
      { role: "user", content: script },
      message,
      { role: "tool", tool_call_id: message.tool_calls[0].id, content: "ordered" },
    ];
    const { body: done } = await chat.ask({ model: "builtin/script:agent", messages });
    expect(done.choices[0].message.content).toBe('["apple","pear"]');
    expect(chat.shop.calls.map(([tool]) => tool)).toEqual(["stock", "items"]);
  });
});
