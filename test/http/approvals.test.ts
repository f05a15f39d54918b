/** What `GET /v1/approvals` lists beside the calls of programs: those of models, as long as they can be decided. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Stage, startStage } from "../chat/helpers/scripted.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage[Symbol.asyncDispose]());

const body = { model: "test/m:agent", messages: [{ role: "user", content: "go" }] };
async function listed(url: string): Promise<unknown> {
  const answer: unknown = await (await fetch(`${url}/v1/approvals`)).json();
  expect(answer).toHaveProperty("data");
  return (answer as { readonly data: unknown }).data;
}

test("a model's call that waits in agent mode is listed", async () => {
  const { chat } = stage;
  stage.play({ calls: [["shop__order", { item: "apple" }]] });
  const { headers, body: answer } = await chat.ask(body);
  const [call] = answer.choices[0].message.tool_calls;

  expect(await listed(chat.url)).toMatchObject([
    {
      run: headers.get("x-toolarium-run-id"),
      call: call.id,
      tool: "shop/order",
      arguments: { item: "apple" },
    },
  ]);
});
