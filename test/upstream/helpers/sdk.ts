/** Providers that are spoken to through packages of the AI SDK, each in its own protocol. */
import type { ServerResponse } from "node:http";
import { crc32 } from "node:zlib";
import type { Fields } from "../../../src/upstream/model.ts";

export const SDK_KEY = "secret-of-the-gateway";

export interface SdkProvider {
  readonly type: "anthropic" | "google" | "bedrock";
  /** As the gateway's clients name it, for a provider that is named like its type. */
  readonly model: string;
  /** Where below its server the API is. */
  readonly path: string;
  readonly config: object;
}

export const sdkProviders: readonly SdkProvider[] = [
  { type: "anthropic", model: "anthropic/claude-sonnet-4-5", path: "/v1", config: { apiKey: SDK_KEY } },
  { type: "google", model: "google/gemini-2.5-flash", path: "/v1beta", config: { apiKey: SDK_KEY } },
  {
    type: "bedrock",
    model: "bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0",
    path: "",
    config: { apiKey: SDK_KEY, region: "eu-central-1" },
  },
];

/** Anthropic's event stream: each event names its type twice. */
export function streamAnthropic(response: ServerResponse, events: readonly Fields[], end = true): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const event of events)
    response.write(`event: ${String(event["type"])}\ndata: ${JSON.stringify(event)}\n\n`);
  if (end) response.end();
}

export const anthropicStart: Fields = {
  type: "message_start",
  message: {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude",
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 12, cache_read_input_tokens: 8, cache_creation_input_tokens: 4, output_tokens: 1 },
  },
};

export function anthropicText(text: string): readonly Fields[] {
  return [
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text } },
    { type: "content_block_stop", index: 0 },
  ];
}

export function anthropicEnd(reason: string): readonly Fields[] {
  return [
    {
      type: "message_delta",
      delta: { stop_reason: reason, stop_sequence: null },
      usage: { output_tokens: 9 },
    },
    { type: "message_stop" },
  ];
}

/** One frame of Amazon's event stream, which is binary. */
export function amazonFrame(headers: { readonly [name: string]: string }, body: Fields): Buffer {
  const payload = Buffer.from(JSON.stringify(body));
  const head = Buffer.concat(
    Object.entries(headers).map(([name, value]) => {
      const lengthOfValue = Buffer.alloc(2);
      lengthOfValue.writeUInt16BE(Buffer.byteLength(value));
      // 7: a text.
      return Buffer.concat([
        Buffer.from([name.length]),
        Buffer.from(name),
        Buffer.from([7]),
        lengthOfValue,
        Buffer.from(value),
      ]);
    }),
  );
  const prelude = Buffer.concat([uint32(16 + head.length + payload.length), uint32(head.length)]);
  const message = Buffer.concat([prelude, uint32(crc32(prelude)), head, payload]);
  return Buffer.concat([message, uint32(crc32(message))]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
