import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../helpers/until.ts";
import { type ScriptedTurn, type Stage, startStage, systemMessage } from "./helpers/scripted.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage[Symbol.asyncDispose]());

const program = (code: string): ScriptedTurn => ({ calls: [["run_code", { code }]] });

/** The system messages of one answer's turns. */
async function prompts(...turns: readonly ScriptedTurn[]): Promise<readonly string[]> {
  const asked = stage.play(...turns);
  await stage.chat.ask({ model: "test/m", mode: "code", messages: [{ role: "user", content: "go" }] });
  return asked.map((request) => String(systemMessage(request)));
}

test("result types learned by earlier programs appear in later conversations, not in the current one", async () => {
  const before = "stock(args: { item: string }): Promise<any>;";
  const after = "stock(args: { item: string }): Promise</* observed */ { count: number; item: string }>;";
  const look = "for (const item of ['apple', 'pear', 'plum']) await shop.stock({ item })";
  const [first, second] = await prompts(program(look), "done");
  expect(first).toContain(before);
  expect(second).toBe(first);
  await until("a later one is told", async () => (await prompts("hello"))[0]?.includes(after));
  const [told = ""] = await prompts(program("for (const _ of [1, 2, 3]) await shop.items({})"), "done");
  expect(told).toContain("not a promise");
  // Providers cache an unchanged prompt, so further knowledge waits for a minute.
  expect(await prompts("hello")).toEqual([told]);
});
