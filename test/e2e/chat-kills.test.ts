/** The gateway is killed while a chat waits for a person, and the person answers the next one. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { startWorld } from "../helpers/world.ts";
import { startServer } from "./cli-process.ts";

const answerShape = z.object({
  choices: z.tuple([
    z.object({
      finish_reason: z.string(),
      message: z.looseObject({
        content: z.string().nullish(),
        tool_calls: z.array(z.looseObject({ id: z.string() })).optional(),
      }),
    }),
  ]),
});
type Message = Record<string, unknown>;

const blocks: { readonly [mode in "code" | "agent"]: string } = {
  code: '```ts\nconst a = await world.add({ token: "t:1" });\nconst [b, c] = await Promise.all([world.order({ token: "t:2" }), world.add({ token: "t:3" })]);\nreturn [a, b, c]\n```',
  agent:
    '```json\n[[{"tool":"world/add","arguments":{"token":"t:1"}},{"tool":"world/order","arguments":{"token":"t:2"}}],{"tool":"world/add","arguments":{"token":"t:3"}}]\n```',
};

test.each(["code", "agent"] as const)(
  "in %s mode it goes on with the ordinary tool message, and every effect happens once",
  { timeout: 120_000 },
  async (mode) => {
    const folder = mkdtempSync(join(tmpdir(), "toolarium-chat-kills-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    await using world = await startWorld(join(folder, "effects"));
    const path = join(folder, "toolarium.json");
    const config = {
      mcpServers: { world: { url: world.url } },
      tools: { autoExecute: ["world/add"] },
      sandbox: { workers: 1 },
      store: { path: "./runs.db" },
    };
    writeFileSync(path, JSON.stringify(config));
    const start = () => startServer(["--config", path], { env: { TOOLARIUM_LOG: "error" } });

    const question: Message = { role: "user", content: blocks[mode] };
    const first = await start();
    const paused = await ask(first.url, mode, [question]);
    expect(paused.finish_reason).toBe("tool_calls");
    const before = world.effects();
    first.process.kill("SIGKILL");
    await first.exited;
    const [call] = paused.message.tool_calls ?? [];
    const approval = { role: "tool", tool_call_id: call?.id, content: '{"toolarium_decision":"approve"}' };

    const second = await start();
    const conversation = [question, paused.message, approval];
    const answer = await ask(second.url, mode, conversation);
    expect(answer.finish_reason).toBe("stop");
    expect(answer.message.content).toContain("t:3");
    expect(before).not.toContain("order t:2");
    expect(world.effects().toSorted()).toEqual(["add t:1", "add t:3", "order t:2"]);
    second.process.kill("SIGKILL");
    await second.exited;

    // What was answered is told again by the third, which calls nothing.
    const third = await start();
    expect((await ask(third.url, mode, conversation, { "x-stainless-retry-count": "1" })).message).toEqual(
      answer.message,
    );
    expect(world.effects()).toHaveLength(3);
    third.process.kill("SIGTERM");
    expect(await third.exited).toBe(0);
  },
);

async function ask(
  url: string,
  mode: string,
  messages: readonly Message[],
  headers: Record<string, string> = {},
): Promise<z.infer<typeof answerShape>["choices"][0]> {
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ model: "builtin/script", mode, messages }),
  });
  const body = await answer.json();
  expect(answer.status, JSON.stringify(body)).toBe(200);
  return answerShape.parse(body).choices[0];
}
