/** The parts of an AI SDK model's answer as the port's. */
import type {
  LanguageModelV4FinishReason,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from "@ai-sdk/provider";
import { type Fields, isFields, type ModelEvent, type Usage } from "../model.ts";
import { type FinishReason, readFinishReason } from "../provider/finish-reason.ts";
import { createPauses } from "../reading/pauses.ts";
import { MAX_CALLS } from "../reading/tool-call-reader.ts";
import { thoughtField, toolCallFields } from "./sdk-metadata.ts";
import type { SdkType } from "./sdk-package.ts";

type PartOf<T extends LanguageModelV4StreamPart["type"]> = Extract<
  LanguageModelV4StreamPart,
  { readonly type: T }
>;

interface OpenCall {
  readonly index: number;
  hasArguments: boolean;
}

/** Thrown when the package reports an incomplete answer. */
export class BrokenSdkAnswer extends Error {
  override readonly name = "BrokenSdkAnswer";
}

/** @throws the stream's error as it is; BrokenSdkAnswer when the stream has no proper end */
export async function* readSdkParts(
  parts: AsyncIterable<LanguageModelV4StreamPart>,
  type: SdkType,
): AsyncGenerator<ModelEvent> {
  const calls = new Map<string, OpenCall>();
  const thoughts = createThoughts(type);
  const pause = createPauses();
  for await (const part of parts) {
    const wait = pause();
    if (wait !== undefined) await wait;
    switch (part.type) {
      case "text-delta":
        if (part.delta !== "") yield { type: "text-delta", text: part.delta };
        break;
      case "reasoning-start":
      case "reasoning-delta":
      case "reasoning-end":
        yield* thoughts.accept(part);
        break;
      case "tool-input-start":
        if (part.providerExecuted !== true)
          yield beginCall(calls, part.id, part.toolName, part.providerMetadata);
        break;
      case "tool-input-delta":
        yield* continueCall(calls.get(part.id), part.delta);
        break;
      case "tool-call":
        if (part.providerExecuted === true) break;
        if (!calls.has(part.toolCallId))
          yield beginCall(calls, part.toolCallId, part.toolName, part.providerMetadata);
        // Arguments that did not come in parts are in this one.
        if (calls.get(part.toolCallId)?.hasArguments === false)
          yield* continueCall(calls.get(part.toolCallId), part.input);
        break;
      case "file":
        yield { type: "extra", message: { images: [toImage(part)] }, choice: {} };
        break;
      case "error":
        throw part.error;
      case "finish":
        yield {
          type: "finish",
          ...finishReason(part.finishReason, calls.size > 0),
          usage: toUsage(part.usage),
          response: {},
        };
        return;
    }
  }
  throw new BrokenSdkAnswer("ended its answer before it was complete");
}

function beginCall(
  calls: Map<string, OpenCall>,
  id: string,
  name: string,
  metadata: PartOf<"tool-call">["providerMetadata"],
): ModelEvent {
  const index = calls.size;
  if (index === MAX_CALLS) throw new BrokenSdkAnswer(`called more than ${MAX_CALLS} tools in one turn`);
  calls.set(id, { index, hasArguments: false });
  return { type: "tool-call-start", index, id, name, fields: toolCallFields(metadata) };
}

function* continueCall(call: OpenCall | undefined, text: string): Generator<ModelEvent> {
  if (call === undefined || text === "") return;
  call.hasArguments = true;
  yield { type: "tool-call-arguments", index: call.index, text };
}

/** In the form that OpenAI-compatible providers use for images. */
function toImage({ mediaType, data }: PartOf<"file">): Fields {
  const url =
    data.type === "url"
      ? data.url.href
      : `data:${mediaType};base64,${typeof data.data === "string" ? data.data : Buffer.from(data.data).toString("base64")}`;
  return { type: "image_url", image_url: { url } };
}

/** Thoughts are passed on as they come; fields that need a whole thought follow at its end. */
function createThoughts(type: SdkType): {
  accept(part: PartOf<"reasoning-start" | "reasoning-delta" | "reasoning-end">): Generator<ModelEvent>;
} {
  const open = new Map<string, { text: string; metadata: PartOf<"reasoning-end">["providerMetadata"] }>();
  return {
    *accept(part) {
      const thought = open.get(part.id) ?? { text: "", metadata: undefined };
      open.set(part.id, thought);
      // A provider's later metadata adds to its earlier metadata.
      for (const [provider, fields] of Object.entries(part.providerMetadata ?? {}))
        thought.metadata = {
          ...thought.metadata,
          [provider]: { ...thought.metadata?.[provider], ...fields },
        };
      if (part.type === "reasoning-delta" && part.delta !== "") {
        thought.text += part.delta;
        yield { type: "extra", message: { reasoning_content: part.delta }, choice: {} };
      }
      if (part.type !== "reasoning-end") return;
      open.delete(part.id);
      const field = thoughtField(thought.text, thought.metadata, type);
      if (Object.keys(field).length > 0) yield { type: "extra", message: field, choice: {} };
    },
  };
}

function finishReason({ unified, raw }: LanguageModelV4FinishReason, called: boolean): FinishReason {
  switch (unified) {
    case "stop":
    case "tool-calls":
      return readFinishReason("stop", called);
    case "length":
      return readFinishReason("length", called);
    case "content-filter":
      return readFinishReason("content_filter", called);
    case "error":
    case "interrupted":
      throw new BrokenSdkAnswer("ended its answer before it was complete");
    case "other":
      return readFinishReason(raw, called);
  }
}

function toUsage({ inputTokens, outputTokens }: LanguageModelV4Usage): Usage | null {
  const [prompt, completion] = [inputTokens.total, outputTokens.total];
  if (prompt === undefined && completion === undefined) return null;
  // A count that the provider did not send is left out: it is not zero.
  return told({
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt === undefined || completion === undefined ? undefined : prompt + completion,
    prompt_tokens_details: told({
      cached_tokens: inputTokens.cacheRead,
      cache_write_tokens: inputTokens.cacheWrite || undefined,
    }),
    completion_tokens_details: told({ reasoning_tokens: outputTokens.reasoning }),
  });
}

/** Without undefined and empty fields. */
function told(fields: Fields): Fields {
  const isTold = (value: unknown): boolean =>
    value !== undefined && !(isFields(value) && Object.keys(value).length === 0);
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => isTold(value)));
}
