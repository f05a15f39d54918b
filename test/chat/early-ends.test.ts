/** Answers that end before the model is done: it fails, or the client leaves. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Fields } from "../../src/upstream/model.ts";
import { until } from "../helpers/until.ts";
import { chunk, stream } from "../upstream/helpers/provider.ts";
import type { TestChat } from "./helpers/chat.ts";
import { type Stage, startStage } from "./helpers/scripted.ts";

let stage: Stage;
let chat: TestChat;
beforeAll(async () => {
  stage = await startStage();
  chat = stage.chat;
});
afterAll(() => stage[Symbol.asyncDispose]());

const user = { role: "user", content: "go" } as const;
const body = (rest: Fields = {}): Fields => ({ model: "test/m:agent", messages: [user], ...rest });

describe("a failing model", () => {
  test("before any call keeps its status, so that clients can retry", async () => {
    stage.play(429);
    const { status, headers, body: answer } = await chat.ask(body());
    expect(status).toBe(429);
    expect(headers.get("x-should-retry")).toBeNull();
    expect(answer).toEqual({
      error: {
        message: 'The model provider "test": scripted failure',
        type: "test",
        param: null,
        code: "upstream_error",
      },
    });
  });

  test.each([429, 500])(
    "with %i after a call is an ordinary answer that says so and is not retried",
    async (theirs) => {
      const asked = stage.play({ text: "hm", calls: [["shop__items", {}]] }, theirs);
      const { status, headers, body: answer } = await chat.ask(body());
      expect(status).toBe(200);
      expect(headers.get("x-should-retry")).toBe("false");
      expect(answer.choices[0].finish_reason).toBe("stop");
      expect(answer.choices[0].message.content).toMatch(/^hm\n\n\[The answer ends here: .*scripted failure/);
      expect(answer.toolarium.stop_reason).toBe("upstream_error");
      expect(asked).toHaveLength(2);
    },
  );

  test("after a call ends a stream in order, with [DONE]", async () => {
    stage.play({ calls: [["shop__items", {}]] }, 500);
    const answer = await chat.openai.chat.completions
      .stream({ model: "test/m:agent", messages: [user] })
      .finalChatCompletion();
    expect(answer.choices[0]?.finish_reason).toBe("stop");
    expect(answer.choices[0]?.message.content).toContain("scripted failure");
  });
});

describe("a client that leaves", () => {
  test("during a call aborts it and cancels the run", async () => {
    stage.play({ calls: [["shop__hold", {}]] }, "never");
    const leave = new AbortController();
    const response = await chat.post(body({ stream: true }), { signal: leave.signal });
    await until("the call is held", () => chat.shop.calls.length === 1);
    leave.abort();
    await until("the call was aborted", () => chat.shop.aborted() === 1);
    const run = `${chat.url}/v1/sandbox/runs/${response.headers.get("x-toolarium-run-id")}`;
    await until("the run is cancelled", async () =>
      (await (await fetch(run)).text()).includes('"status":"cancelled"'),
    );
  });

  test("during a turn ends the request at the provider", async () => {
    const asked = stage.play((response) => stream(response, [chunk({ content: "a" })], false));
    const leave = new AbortController();
    await chat.post(body({ stream: true }), { signal: leave.signal });
    leave.abort();
    await until("the provider noticed", () => asked[0]?.abandoned);
  });
});
