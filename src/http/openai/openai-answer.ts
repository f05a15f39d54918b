/**
 * Writes answers (replies to the user) in OpenAI's form, as the strictest clients require: one constant id, the role in
 * the first delta, each tool call started once, one finish chunk, then the usage if requested, then `[DONE]`. Fields of
 * the gateway are in chunks without choices, which every client tolerates, and only on request.
 */
import { randomBytes } from "node:crypto";
import type { ChatEvent } from "../../chat/events.ts";
import { createMergedFields } from "../../chat/turns/merged-fields.ts";
import { type Fields, toCallField } from "../../upstream/model.ts";
import { readServerSentData } from "../../upstream/reading/server-sent-data.ts";
import { toOpenAiError } from "../request/openai-error.ts";
import type { ServerSentEvent } from "../request/sse.ts";

/** The fields that all chunks of one answer share. */
export interface AnswerEnvelope {
  readonly id: string;
  /** Seconds since the Unix epoch. */
  readonly created: number;
  /** As the caller named it, which is known before the provider replies. */
  readonly model: string;
  /** Whether `model` names several models. Then the answer names the one that replied. */
  readonly isChain?: boolean;
}

export interface StreamOptions {
  readonly envelope: AnswerEnvelope;
  /** Whether the usage chunk was asked for. */
  readonly includeUsage: boolean;
  /** Whether chunks with the `toolarium` object were asked for. */
  readonly includeSteps: boolean;
  /** Called with a failure that the client was sent. */
  readonly onFailure: (error: unknown) => void;
}

export interface Completion {
  readonly body: Fields;
  /** Whether the answer reports a failure in words. Clients must not retry it. */
  readonly failed: boolean;
}

type Event<T extends ChatEvent["type"]> = ChatEvent & { readonly type: T };

export function createEnvelope(model: string, isChain = false): AnswerEnvelope {
  const id = `chatcmpl-${randomBytes(16).toString("base64url")}`;
  return { id, created: Math.floor(Date.now() / 1_000), model, isChain };
}

/** The answer in chunks. A failure is the last line, without `[DONE]`: the status was already sent. */
export async function* toChunks(
  events: AsyncIterable<ChatEvent>,
  options: StreamOptions,
): AsyncGenerator<ServerSentEvent> {
  try {
    for await (const chunk of writeChunks(events, options))
      yield { data: typeof chunk === "string" ? chunk : JSON.stringify(chunk) };
  } catch (error) {
    options.onFailure(error);
    yield { data: JSON.stringify(toOpenAiError(error).body) };
  }
}

async function* writeChunks(
  events: AsyncIterable<ChatEvent>,
  { envelope, includeUsage, includeSteps }: StreamOptions,
): AsyncGenerator<Fields | string> {
  let head = {
    id: envelope.id,
    object: "chat.completion.chunk",
    created: envelope.created,
    model: envelope.model,
  };
  let started: Event<"started"> | undefined;
  const vendor = (steps: Fields[], end?: Event<"finish">): Fields[] =>
    includeSteps && started !== undefined && (started.runId !== null || steps.length > 0)
      ? [{ ...head, choices: [], toolarium: toolariumOf(started, steps, end) }]
      : [];
  let hasRole = false;
  /** Indexes of the calls of custom tools. */
  const custom = new Set<number>();

  for await (const event of events) {
    if (event.type === "raw") {
      for await (const { data } of readServerSentData(event.chunks)) yield data;
      continue;
    }
    if (event.type === "started") {
      started = event;
      continue;
    }
    if (event.type === "answering") {
      // An answer names one model: the one that replied first.
      if (envelope.isChain && !hasRole) head = { ...head, model: event.model };
      continue;
    }
    if (!hasRole) {
      hasRole = true;
      yield { ...head, choices: [choice({ role: "assistant", content: "" })] };
      yield* vendor([]);
    }
    switch (event.type) {
      case "text-delta":
        yield { ...head, choices: [choice({ content: event.text })] };
        break;
      case "extra":
        yield { ...head, choices: [{ ...event.choice, ...choice(event.message) }] };
        break;
      case "tool-call-start":
        if (event.custom) custom.add(event.index);
        yield { ...head, choices: [choice({ tool_calls: [{ index: event.index, ...callOf(event, "") }] })] };
        break;
      case "tool-call-arguments": {
        const part = custom.has(event.index)
          ? { custom: { input: event.text } }
          : { function: { arguments: event.text } };
        const call = { index: event.index, ...part };
        yield { ...head, choices: [choice({ tool_calls: [call] })] };
        break;
      }
      case "tool-call-fields":
        yield {
          ...head,
          choices: [choice({ tool_calls: [{ index: event.index, ...event.fields }] })],
        };
        break;
      case "step":
        yield* vendor([stepOf(event)]);
        break;
      case "progress":
        yield* vendor([{ turn: event.turn, ...event.progress }]);
        break;
      case "finish":
        if (event.stopReason !== null || event.auto !== null) yield* vendor([], event);
        yield { ...event.response, ...head, choices: [choice({}, event.reason)] };
        if (includeUsage && event.usage !== null) yield { ...head, choices: [], usage: event.usage };
        yield "[DONE]";
        break;
    }
  }
}

/** The answer as one JSON body. @throws what the events throw; Error when they are raw bytes */
export async function toCompletion(
  events: AsyncIterable<ChatEvent>,
  envelope: AnswerEnvelope,
): Promise<Completion> {
  let started: Event<"started"> | undefined;
  let answering: string | undefined;
  let text = "";
  const message = createMergedFields();
  const extra = createMergedFields();
  const calls: Event<"tool-call-start">[] = [];
  const argumentTexts: string[] = [];
  const steps: Fields[] = [];

  for await (const event of events) {
    switch (event.type) {
      case "started":
        started = event;
        break;
      case "answering":
        answering ??= event.model;
        break;
      case "text-delta":
        text += event.text;
        break;
      case "extra":
        message.add(event.message);
        extra.add(event.choice);
        break;
      case "tool-call-start":
        calls[event.index] = event;
        argumentTexts[event.index] = "";
        break;
      case "tool-call-arguments":
        argumentTexts[event.index] += event.text;
        break;
      case "tool-call-fields": {
        const call = calls[event.index];
        if (call !== undefined) calls[event.index] = { ...call, fields: { ...call.fields, ...event.fields } };
        break;
      }
      case "step":
        steps.push(stepOf(event));
        break;
      case "finish": {
        const toolCalls = calls.map((call, index) => callOf(call, argumentTexts[index] ?? ""));
        const content = text === "" && toolCalls.length > 0 ? null : text;
        const { id, created, isChain } = envelope;
        const model = (isChain ? answering : undefined) ?? envelope.model;
        return {
          failed: event.isFailure === true,
          body: {
            ...event.response,
            id,
            object: "chat.completion",
            created,
            model,
            choices: [
              {
                ...extra.fields,
                index: 0,
                message: {
                  ...message.fields,
                  role: "assistant",
                  content,
                  ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
                },
                finish_reason: event.reason,
              },
            ],
            ...(event.usage === null ? {} : { usage: event.usage }),
            ...(started?.runId || (started && steps.length > 0)
              ? { toolarium: toolariumOf(started, steps, event) }
              : {}),
          },
        };
      }
      case "progress":
        break;
      case "raw":
        throw new Error("bytes of a provider cannot be put into a completion");
    }
  }
  throw new Error("an answer ended without its finish part");
}

function choice(delta: Fields, finishReason: string | null = null): Fields {
  return { index: 0, delta, finish_reason: finishReason };
}

function callOf(start: Event<"tool-call-start">, text: string): Fields {
  return toCallField({ ...start, arguments: text });
}

function stepOf({ turn, step }: Event<"step">): Fields {
  return { turn, ...step };
}

function toolariumOf({ runId, mode }: Event<"started">, steps: Fields[], end?: Event<"finish">): Fields {
  const { stopReason = null, auto = null } = end ?? {};
  return {
    run_id: runId,
    mode,
    ...(stopReason === null ? {} : { stop_reason: stopReason }),
    ...(auto === null ? {} : { auto }),
    steps,
  };
}
