/**
 * Finds the answer (reply to the user) for a retry. A client marks a retry by an `Idempotency-Key` or by counting its
 * retries. Any other request is new, even with an equal body, unless the earlier one was cut: see `cut-requests.ts`.
 */
import { ToolariumError } from "../../errors.ts";
import type { RequestMark } from "../../journal.ts";
import type { CallRun } from "../../runs/execution/call-run.ts";
import { type Chapter, chaptersOf } from "../turns/kept-turns.ts";
import type { ChatRequest } from "../turns/request.ts";

/**
 * Milliseconds after which a counted retry with an equal body counts as a new request: OpenAI's clients send a request
 * three times, and wait up to ten minutes for each answer.
 */
const RETRY_WINDOW_MS = 3_600_000;

/** Whether the client may have sent the request before, so that an earlier answer must be looked for. */
export function canComeAgain({ mark, isRetry }: Pick<ChatRequest, "mark" | "isRetry">): boolean {
  return mark.key !== null || isRetry;
}

/**
 * The answer in this chat that the request asks for again.
 * @throws `invalid_request` when the key was used for a request with another body
 */
export function findChapter(run: CallRun, request: ChatRequest): Chapter | undefined {
  const isRecent = Date.now() - run.createdAt < RETRY_WINDOW_MS;
  if (request.mark.key === null && !isRecent) return undefined;
  return chaptersOf(run).findLast((chapter) => isRepeated(chapter.request, request));
}

function isRepeated({ key, bodyHash }: RequestMark, { mark, isRetry }: ChatRequest): boolean {
  if (mark.key === null) return isRetry && key === null && bodyHash === mark.bodyHash;
  if (key !== mark.key) return false;
  if (bodyHash === mark.bodyHash) return true;
  throw new ToolariumError(
    "invalid_request",
    "This Idempotency-Key was used for another request: the bodies differ. Use a new key for each request.",
  );
}
