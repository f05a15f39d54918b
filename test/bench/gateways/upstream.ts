/** The provider of all gateways, in a process of its own: always the same answer, written at once. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const head = { id: "chatcmpl-1", created: 1, model: "m" };
const choice = (delta: object, reason: string | null) => ({ index: 0, delta, finish_reason: reason });
const chunkOf = (delta: object, reason: string | null = null): string =>
  `data: ${JSON.stringify({ ...head, object: "chat.completion.chunk", choices: [choice(delta, reason)] })}\n\n`;
const chunks = Array.from({ length: 199 }, (_, index) => chunkOf({ content: `word ${index} ` }));
const message = { role: "assistant", content: "Hello there, how can I help you today?" };
const whole = JSON.stringify({
  ...head,
  object: "chat.completion",
  choices: [{ index: 0, message, finish_reason: "stop" }],
  usage: { prompt_tokens: 9, completion_tokens: 9, total_tokens: 18 },
});

const server = createServer(async (request, response) => {
  let body = "";
  for await (const part of request) body += part;
  if (!JSON.parse(body).stream) return response.setHeader("content-type", "application/json").end(whole);
  response.setHeader("content-type", "text/event-stream");
  for (const chunk of chunks) response.write(chunk);
  response.end(`${chunkOf({}, "stop")}data: [DONE]\n\n`);
}).listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
process.on("disconnect", () => process.exit());
