/** One chat request, independent of its wire format. An answer here is the reply to the user. */
import type { Mode } from "../../config/modes.ts";
import { ToolariumError } from "../../errors.ts";
import type { RequestMark } from "../../journal.ts";
import type { RunSpec } from "../../runs/record/run-spec.ts";
import type { Policy } from "../../tools/policy-layer.ts";
import { type ChatMessage, type Fields, isFields } from "../../upstream/model.ts";
import type { AnswerLimits } from "./budget.ts";

export interface ChatRequest {
  readonly principal: string;
  /** Null when the gateway has no keys. */
  readonly keyName: string | null;
  /** The person for whom the caller makes the request, if it names one. */
  readonly user?: string | undefined;
  /** Whether the caller may decide calls that need approval. */
  readonly mayDecide: boolean;
  readonly policy: Policy;
  readonly mode: Mode;
  /** Whether the request itself names the mode. One that resumes a chat may leave it out. */
  readonly asksForMode: boolean;
  /** As the caller wrote it, with its suffix. */
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  /** The caller's own tools, in OpenAI's shape. */
  readonly tools: readonly Fields[];
  /** Number of alternative answers: OpenAI's `n`. */
  readonly choices: number;
  readonly stream: boolean;
  readonly limits: AnswerLimits;
  /** Whether the client asks for progress while calls are answered. */
  readonly wantsProgress: boolean;
  /** Every other field of the body that concerns the provider. */
  readonly params: Fields;
  readonly mark: RequestMark;
  /** Whether the client marks the request as a retry. */
  readonly isRetry: boolean;
  /** Whether it begins a new chat even if an equal request came before. */
  readonly isFresh: boolean;
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal;
}

/** Checks a request for a mode that answers calls itself. @throws `invalid_request` when it asks for several answers */
export function checkRequest({ mode, choices }: ChatRequest): void {
  if (choices <= 1) return;
  throw new ToolariumError(
    "invalid_request",
    `The mode "${mode}" gives one answer: n must be 1, got ${choices}.`,
    { param: "n" },
  );
}

/** Whether the request asks for content that is JSON. */
export function wantsJson({ params: { response_format: format } }: Pick<ChatRequest, "params">): boolean {
  return isFields(format) && (format["type"] === "json_object" || format["type"] === "json_schema");
}

/** The request in the mode of the chat that it resumes. @throws `invalid_request` when it names another mode */
export function inModeOf({ chat }: RunSpec, request: ChatRequest): ChatRequest {
  if (chat === undefined) throw new Error("the record of a chat has no mode");
  if (!request.asksForMode || request.mode === chat.mode) return { ...request, mode: chat.mode };
  throw new ToolariumError(
    "invalid_request",
    `This conversation goes on in the mode "${chat.mode}", in which it began; the request asks for "${request.mode}".`,
    { param: "mode" },
  );
}
