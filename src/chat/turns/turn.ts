/** One answer of the model: passed on while it comes, and kept for the conversation. */
import {
  type ChatMessage,
  type ChatModel,
  type Fields,
  type ModelEvent,
  type ModelRequest,
  type ToolCall,
  toCallField,
  type Usage,
} from "../../upstream/model.ts";
import { createMergedFields } from "./merged-fields.ts";

/** What the model said in one turn. */
export interface Turn {
  readonly text: string;
  readonly calls: readonly ToolCall[];
  /** Fields of the message beside text and calls. */
  readonly fields: Fields;
  readonly reason: string;
  /** Why it is not whole, so that its calls must not be made. */
  readonly cut?: string;
  readonly usage: Usage | null;
  readonly response: Fields;
  /** Fields of the choice beside the message. */
  readonly choice: Fields;
}

/** What of a turn goes out as it comes. */
export type TurnEvent = Exclude<ModelEvent, { readonly type: "finish" }>;

export interface TurnOptions {
  /** Whether the answer has text by now, of this turn or an earlier one, and which model spoke last. Kept up to date. */
  readonly said: { hasText: boolean; answeredBy?: string };
  /** Whether a call of this name goes out as well. */
  readonly passes: (name: string) => boolean;
  /** Whether its text is not to go out yet: of an answer that must be JSON only the last turn's is the content. */
  readonly holdsText?: boolean;
  readonly signal: AbortSignal;
}

/** Returns null when the answer was passed on unread. */
export async function* takeTurn(
  model: ChatModel,
  request: ModelRequest,
  { said, passes, signal, holdsText = false }: TurnOptions,
): AsyncGenerator<TurnEvent, Turn | null> {
  let text = "";
  const message = createMergedFields();
  const choice = createMergedFields();
  const calls: ToolCall[] = [];
  // Indexes that the calls have outside, where those that stay behind must not leave gaps.
  const passed = new Map<number, number>();
  for await (const event of model.stream(request, signal)) {
    switch (event.type) {
      case "answering":
        said.answeredBy = event.model;
        yield event;
        break;
      case "raw":
        yield event;
        return null;
      case "text-delta":
        if (!holdsText)
          // Texts of different turns are paragraphs of one answer.
          yield text === "" && said.hasText ? { type: "text-delta", text: `\n\n${event.text}` } : event;
        text += event.text;
        said.hasText ||= !holdsText;
        break;
      case "extra":
        message.add(event.message);
        choice.add(event.choice);
        yield event;
        break;
      case "tool-call-start":
        calls.push({ ...callOfStart(event), arguments: "" });
        if (passes(event.name)) {
          passed.set(event.index, passed.size);
          yield { ...event, index: passed.size - 1 };
        }
        break;
      case "tool-call-arguments": {
        const call = calls[event.index];
        if (call !== undefined) calls[event.index] = { ...call, arguments: call.arguments + event.text };
        const index = passed.get(event.index);
        if (index !== undefined) yield { ...event, index };
        break;
      }
      case "tool-call-fields": {
        const call = calls[event.index];
        if (call !== undefined) calls[event.index] = { ...call, fields: { ...call.fields, ...event.fields } };
        const index = passed.get(event.index);
        if (index !== undefined) yield { ...event, index };
        break;
      }
      case "finish": {
        const { reason, cut, usage, response } = event;
        return {
          ...{ text, calls, fields: message.fields, reason, usage, response, choice: choice.fields },
          ...(cut === undefined ? {} : { cut }),
        };
      }
    }
  }
  throw new Error("a model's answer ended without its finish part");
}

/** A turn that went out before, but for its calls. */
export function* repeatTurn(
  { text, fields, choice }: Turn,
  said: { hasText: boolean },
  holdsText: boolean,
): Generator<TurnEvent> {
  if (Object.keys({ ...fields, ...choice }).length > 0) yield { type: "extra", message: fields, choice };
  if (text === "" || holdsText) return;
  yield { type: "text-delta", text: said.hasText ? `\n\n${text}` : text };
  said.hasText = true;
}

/** Calls that are given to the client whole. */
export function* emitCalls(calls: readonly ToolCall[]): Generator<TurnEvent> {
  for (const [index, { arguments: text, ...call }] of calls.entries()) {
    yield { type: "tool-call-start", index, ...call };
    yield { type: "tool-call-arguments", index, text };
  }
}

function callOfStart({
  type: _,
  index: __,
  ...call
}: Extract<ModelEvent, { readonly type: "tool-call-start" }>): Omit<ToolCall, "arguments"> {
  return call;
}

/** The turn as the message that goes back to the model. */
export function assistantMessage({ text, calls, fields }: Turn): ChatMessage {
  const toolCalls = calls.map(toCallField);
  return {
    ...fields,
    role: "assistant",
    content: text === "" ? null : text,
    ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
  };
}

/** `content`: a text, or a list of parts. */
export function toolMessage(callId: string, content: unknown): ChatMessage {
  return { role: "tool", tool_call_id: callId, content };
}
