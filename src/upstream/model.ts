/**
 * Port: one model with one name. Conversations and tools keep OpenAI's shape, in which callers send them; an adapter
 * for another kind of provider translates. Answers are streams of small parts without repetition.
 */

/** A JSON object whose unknown fields are kept. */
export interface Fields {
  readonly [name: string]: unknown;
}

/** A message of a conversation, written by the caller or by an earlier turn. */
export interface ChatMessage extends Fields {
  readonly role: string;
  /** Images of a tool message from the gateway; its content holds only marks in their place. */
  readonly [images]?: readonly Image[];
}

/** A symbol, so that images never get into a request by accident. */
export const images: unique symbol = Symbol("images");

export interface Image {
  /** `image/png` … */
  readonly mimeType: string;
  readonly base64: string;
}

export interface ModelRequest {
  readonly messages: readonly ChatMessage[];
  /** Tool definitions; none offered when empty. */
  readonly tools: readonly Fields[];
  /** How many of them, from the first on, are the gateway's own: those are adapted to the provider. Default none. */
  readonly ownTools?: number;
  /** Every other field of the request body for the provider: `temperature`, `stream_options` … */
  readonly params: Fields;
  /** Whether the provider is asked to stream. The parts are the same either way. */
  readonly stream: boolean;
  /** The gateway does not read the answer: an adapter that can may pass its bytes on in one `raw` part. */
  readonly raw: boolean;
  /** The `provider/model` of the previous turn, when the model is a chain. */
  readonly answeredBy?: string;
}

/** Token counts as the provider sent them, nested details included. */
export type Usage = Fields;

/** A call that a model makes. `arguments` is JSON text as the model wrote it. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
  /** Fields beside OpenAI's own, e.g. a thought signature that the provider wants back. */
  readonly fields: Fields;
  /** A call of a custom tool: `arguments` is its input, text of any form. */
  readonly custom?: true;
}

/** A call in the form of OpenAI's messages. */
export function toCallField({ id, name, arguments: text, fields, custom }: ToolCall): Fields {
  return custom
    ? { ...fields, id, type: "custom", custom: { name, input: text } }
    : { ...fields, id, type: "function", function: { name, arguments: text } };
}

/**
 * Parts of an answer, in order. A call's start comes once, before its arguments; indexes count from 0 without gaps.
 * `finish` is last and always comes, except after `raw`, which is the only part. `answering`, if present, is first.
 */
export type ModelEvent =
  /** The `provider/model` that answers; adapters leave this part out. */
  | { readonly type: "answering"; readonly model: string }
  | { readonly type: "text-delta"; readonly text: string }
  /** Fields that the port does not define: of the message (`reasoning_content`), of the choice (`logprobs`). */
  | { readonly type: "extra"; readonly message: Fields; readonly choice: Fields }
  | {
      readonly type: "tool-call-start";
      readonly index: number;
      readonly id: string;
      readonly name: string;
      readonly fields: Fields;
      readonly custom?: true;
    }
  | { readonly type: "tool-call-arguments"; readonly index: number; readonly text: string }
  /**
   * Fields of a call that come after its start, such as signatures: they add to those of its start, or replace them.
   */
  | { readonly type: "tool-call-fields"; readonly index: number; readonly fields: Fields }
  | {
      readonly type: "finish";
      /** `stop`, `length`, `tool_calls`, `content_filter`, or a provider's own word. */
      readonly reason: string;
      /** Why the answer is incomplete; its calls must not be made. Absent for a complete answer. */
      readonly cut?: string;
      /** Null when the provider sent none. */
      readonly usage: Usage | null;
      /** Fields of the whole answer: `system_fingerprint`, `service_tier`, `citations` … */
      readonly response: Fields;
    }
  | {
      readonly type: "raw";
      readonly contentType: string;
      /** Must be read to its end before the next part is requested. */
      readonly chunks: AsyncIterable<Uint8Array>;
    };

export interface ChatModel {
  /** `provider/model`, or the name of a chain. */
  readonly name: string;
  /**
   * Sends the request when the first part is requested. Aborting, or ending the iteration, ends the request at the
   * provider.
   *
   * @throws `upstream_error` (ToolariumError) with the provider's own message, type and code
   */
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent>;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object without these fields, and without empty ones (null, undefined, empty text, empty list). */
export function restFields(value: Fields, known: ReadonlySet<string>): Fields {
  const rest = Object.entries(value).filter(([name, field]) => !known.has(name) && !isEmpty(field));
  return Object.fromEntries(rest);
}

function isEmpty(value: unknown): boolean {
  return (
    value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0)
  );
}

/** The text of a content, which is a text or a list of parts; parts without text count as empty. */
export function contentText(content: unknown, separator = ""): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((part) => (isFields(part) && typeof part["text"] === "string" ? part["text"] : ""))
    .join(separator);
}
