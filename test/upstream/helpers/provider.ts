/** A model provider on loopback that answers as a test says, byte for byte. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Fields } from "../../../src/upstream/model.ts";

export interface ProviderRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Fields;
  /** The body as it came. */
  readonly text: string;
  /** True once the gateway has gone before the answer was complete. */
  abandoned: boolean;
}

export interface TestProvider extends AsyncDisposable {
  readonly baseUrl: string;
  readonly requests: readonly ProviderRequest[];
  /** Forgets the requests that came so far. */
  forget(): void;
}

export type ProviderAnswer = (response: ServerResponse, request: ProviderRequest, count: number) => unknown;

/** `answer` gets the number of the request as well, the first is 1. */
export async function startProvider(answer: ProviderAnswer): Promise<TestProvider> {
  const requests: ProviderRequest[] = [];
  const server = createServer(async (incoming, response) => {
    let text = "";
    for await (const chunk of incoming.setEncoding("utf8")) text += chunk;
    const { url = "", headers } = incoming;
    const request: ProviderRequest = { path: url, headers, body: JSON.parse(text), text, abandoned: false };
    response.on("close", () => {
      request.abandoned = !response.writableFinished;
    });
    requests.push(request);
    await answer(response, request, requests.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    requests,
    forget() {
      requests.length = 0;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers with JSON. */
export function json(response: ServerResponse, status: number, body: unknown, headers: Fields = {}): void {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", ...(headers as Record<string, string>) });
  response.end(text);
}

/** Answers with an event stream: objects as `data:` lines, strings as they are; it ends unless told otherwise. */
export function stream(response: ServerResponse, parts: readonly unknown[], end = true): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const part of parts)
    response.write(typeof part === "string" ? part : `data: ${JSON.stringify(part)}\n\n`);
  if (end) response.end();
}

export const DONE = "data: [DONE]\n\n";

/** A well-formed chunk around a delta. */
export function chunk(delta: unknown, finishReason: string | null = null, rest: Fields = {}): Fields {
  return {
    id: "up_1",
    object: "chat.completion.chunk",
    created: 1,
    model: "m",
    choices: [{ index: 0, delta, finish_reason: finishReason }],
    ...rest,
  };
}

/** A well-formed whole answer around a message. */
export function completion(message: Fields, finishReason = "stop", rest: Fields = {}): Fields {
  return {
    id: "up_1",
    object: "chat.completion",
    created: 1,
    model: "m",
    choices: [{ index: 0, message: { role: "assistant", ...message }, finish_reason: finishReason }],
    ...rest,
  };
}
