/** A client that does not read slows the model down: the gateway buffers a bounded amount for it. */
import { once } from "node:events";
import { type IncomingMessage, request as sendRequest } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../helpers/until.ts";
import { chunk, type ProviderAnswer } from "../upstream/helpers/provider.ts";
import type { TestChat } from "./helpers/chat.ts";
import { type Stage, startStage } from "./helpers/scripted.ts";

let stage: Stage;
let chat: TestChat;
beforeAll(async () => {
  stage = await startStage();
  chat = stage.chat;
});
afterAll(() => stage[Symbol.asyncDispose]());

const MIB = 1_048_576;
/** Most bytes that the sockets of two connections and the gateway may hold together. */
const MOST_BYTES = 48 * MIB;

/** A provider that sends without end, as fast as it is read. `sent`: bytes that it could send so far. */
function endless(): { readonly answer: ProviderAnswer; readonly sent: () => number } {
  const line = `data: ${JSON.stringify(chunk({ content: "x".repeat(16_384) }))}\n\n`;
  let sent = 0;
  return {
    sent: () => sent,
    async answer(response) {
      response.writeHead(200, { "content-type": "text/event-stream" });
      const closed = once(response, "close");
      while (!response.destroyed) {
        sent += line.length;
        if (!response.write(line)) await Promise.race([once(response, "drain"), closed]);
      }
    },
  };
}

/** Opens a stream and reads nothing from it. */
async function openUnread(body: object): Promise<IncomingMessage> {
  const request = sendRequest(`${chat.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
  });
  request.end(JSON.stringify({ messages: [{ role: "user", content: "go" }], stream: true, ...body }));
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return response;
}

/** Waits until the number has not changed for a while. */
async function untilAtRest(number: () => number): Promise<void> {
  let last = -1;
  let quiet = 0;
  await until("the provider is held back", () => {
    quiet = number() === last ? quiet + 1 : 0;
    last = number();
    return quiet >= 30;
  });
}

test.each([
  ["a pipe of bytes", { model: "test/m", tools_filter: [] }],
  ["plain mode with tools", { model: "test/m" }],
  ["agent mode", { model: "test/m:agent" }],
])(
  "in %s the provider waits for the reader, continues when it reads, and is aborted when it leaves",
  async (_, body) => {
    const provider = endless();
    const asked = stage.play(provider.answer);
    const response = await openUnread(body);
    await untilAtRest(provider.sent);
    const held = provider.sent();
    expect(held).toBeLessThan(MOST_BYTES);

    response.resume();
    await until("the provider goes on", () => provider.sent() > held + 8 * MIB);
    response.destroy();
    await until("the provider is left", () => asked[0]?.abandoned === true);
  },
);
