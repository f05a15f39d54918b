/** One chat request, however it arrived. */
import type { Mode } from "../config.ts";
import { ToolariumError } from "../errors.ts";
import type { Policy } from "../tools/policy.ts";
import type { ChatMessage, Fields } from "../upstream/model.ts";
import { refuseResuming } from "./resuming.ts";

export interface ChatRequest {
  readonly principal: string;
  readonly policy: Policy;
  readonly mode: Mode;
  /** As the caller wrote it, suffix and all. */
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  /** The caller's own tools, in OpenAI's shape. */
  readonly tools: readonly Fields[];
  /** How many alternative answers are wanted. */
  readonly choices: number;
  readonly stream: boolean;
  /** Every other field of the body that concerns the provider. */
  readonly params: Fields;
  /** Aborting ends the request at the provider, the run and its calls. */
  readonly signal: AbortSignal;
}

/** For the modes that answer calls themselves. @throws `invalid_request` when they cannot serve the request */
export function checkRequest({ mode, choices, messages }: ChatRequest): void {
  if (choices > 1)
    throw new ToolariumError(
      "invalid_request",
      `The mode "${mode}" gives one answer: n must be 1, got ${choices}.`,
      {
        param: "n",
      },
    );
  if (mode !== "plain") refuseResuming(mode, messages);
}
