/** One turn of the model: passed on to the client while it comes, and kept for the conversation. */
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
  /** Fields of the message other than text and calls. */
  readonly fields: Fields;
  readonly reason: string;
  /** Why the provider cut the turn off. Its calls must not be made. Absent for a whole turn. */
  readonly cut?: string;
  readonly usage: Usage | null;
  readonly response: Fields;
  /** Fields of the choice other than the message. */
  readonly choice: Fields;
}

/** Events of a turn that may go to the client as they come. */
export type TurnEvent = Exclude<ModelEvent, { readonly type: "finish" }>;

export interface TurnOptions {
  /** Kept up to date: whether the reply to the user has text, of any turn, and which `provider/model` replied last. */
  readonly said: { hasText: boolean; answeredBy?: string };
  /** Whether calls of this name go to the client. */
  readonly passes: (name: string) => boolean;
  /** Whether its text is held back: where the content must be JSON, it is the last turn's text alone. */
  readonly holdsText?: boolean;
  readonly signal: AbortSignal;
}

/** Returns null when the provider's reply is passed on as raw bytes. */
export async function* takeTurn(
  model: ChatModel,
  request: ModelRequest,
  { said, passes, signal, holdsText = false }: TurnOptions,
): AsyncGenerator<TurnEvent, Turn | null> {
  let text = "";
  const message = createMergedFields();
  const choice = createMergedFields();
  const calls: ToolCall[] = [];
  // Renumbers the calls that reach the client: withheld ones must leave no gap in `index`.
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
          // The texts of different turns are paragraphs of one reply.
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

/** Replays a recorded turn to the client: text and extra fields, no tool calls. */
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

/** Sends whole calls to the client. */
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

/** The turn as a message of the conversation with the model. */
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
