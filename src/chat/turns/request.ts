/** One chat request, however it arrived. */
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
  /** The person for whom it is made, if the request names one. */
  readonly user?: string | undefined;
  /** Whether the caller may decide calls that wait for a person. */
  readonly mayDecide: boolean;
  readonly policy: Policy;
  readonly mode: Mode;
  /** Whether the request says so itself: one that goes on with a chat need not. */
  readonly asksForMode: boolean;
  /** As the caller wrote it, suffix and all. */
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  /** The caller's own tools, in OpenAI's shape. */
  readonly tools: readonly Fields[];
  /** How many alternative answers are wanted. */
  readonly choices: number;
  readonly stream: boolean;
  readonly limits: AnswerLimits;
  /** Whether its client wants to hear what happens while calls are answered. */
  readonly wantsProgress: boolean;
  /** Every other field of the body that concerns the provider. */
  readonly params: Fields;
  readonly mark: RequestMark;
  /** Whether the client says that it has sent this before. */
  readonly isRetry: boolean;
  /** Whether it is to begin a chat whatever came before. */
  readonly isFresh: boolean;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
}

/** For the modes that answer calls themselves. @throws `invalid_request` when they cannot serve the request */
export function checkRequest({ mode, choices }: ChatRequest): void {
  if (choices <= 1) return;
  throw new ToolariumError(
    "invalid_request",
    `The mode "${mode}" gives one answer: n must be 1, got ${choices}.`,
    { param: "n" },
  );
}

/** Whether its client is going to parse the content. */
export function wantsJson({ params: { response_format: format } }: Pick<ChatRequest, "params">): boolean {
  return isFields(format) && (format["type"] === "json_object" || format["type"] === "json_schema");
}

/** A request as one that goes on with a chat. @throws `invalid_request` when it asks for another mode */
export function inModeOf({ chat }: RunSpec, request: ChatRequest): ChatRequest {
  if (chat === undefined) throw new Error("the record of a chat has no mode");
  if (!request.asksForMode || request.mode === chat.mode) return { ...request, mode: chat.mode };
  throw new ToolariumError(
    "invalid_request",
    `This conversation goes on in the mode "${chat.mode}", in which it began; the request asks for "${request.mode}".`,
    { param: "mode" },
  );
}
