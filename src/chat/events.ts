/** What an answer consists of, from its first word to its end: the engine's side of what clients get. */
import type { Mode } from "../config/modes.ts";
import type { ToolariumError } from "../errors.ts";
import type { Fields, Usage } from "../upstream/model.ts";
import type { AutoChoice, ChatStep } from "./calls/call-answering.ts";
import type { Progress } from "./calls/progress.ts";
import type { Turn, TurnEvent } from "./turns/turn.ts";
import { NO_USAGE } from "./turns/usage.ts";

/**
 * Why an answer ended before the model was done: a limit (`max_turns`, `budget`), a call that waits for a person
 * (`approval`), what cut the model off (`length`, `content_filter` …, see `finish-reason.ts`), or a failure's code.
 */
export type StopReason = string;

/** `started` is first. Then either one `raw`, or parts that end with `finish`; before each turn's parts its `answering`. */
export type ChatEvent =
  | {
      readonly type: "started";
      readonly mode: Mode;
      readonly runId: string | null;
      /** Plain mode: how many tools the client did not bring, and may not know how to call. */
      readonly added?: number;
    }
  | TurnEvent
  | { readonly type: "step"; readonly turn: number; readonly step: ChatStep }
  /** On the way to a step, if the request wants to hear of it. */
  | { readonly type: "progress"; readonly turn: number; readonly progress: Progress }
  | {
      readonly type: "finish";
      readonly reason: string;
      readonly stopReason: StopReason | null;
      /** Whether that is a failure, which ends as an ordinary answer because tools were called. */
      readonly isFailure?: true;
      /** Sum over all turns of this answer that told theirs; null when none did. */
      readonly usage: Usage | null;
      /** What the provider said about its last answer as a whole. */
      readonly response: Fields;
      /** Which way the model went in auto mode; null in the others. */
      readonly auto: AutoChoice | null;
    };

/** What has been said so far. */
interface Said {
  readonly usage: Usage | null;
  readonly hasAsked: boolean;
  readonly auto: AutoChoice | null;
  /** Whether the content must be JSON, the model's own and nothing else. */
  readonly isJson: boolean;
  /** The number of the present turn. */
  readonly turn: number;
  hasText: boolean;
}

/** A word of ours: in the content, or beside it where that must be JSON. */
export function* say(said: Said, text: string): Generator<ChatEvent> {
  if (said.isJson) {
    yield { type: "step", turn: said.turn, step: { type: "note", text } };
    return;
  }
  yield { type: "text-delta", text: said.hasText ? `\n\n${text}` : text };
  said.hasText = true;
}

export function finish(
  { usage: told, hasAsked, auto }: Said,
  turn: Pick<Turn, "response"> | undefined,
  reason: string,
  stopReason: StopReason | null,
): ChatEvent & { readonly type: "finish" } {
  const usage = hasAsked ? told : NO_USAGE;
  return { type: "finish", reason, stopReason, usage, response: turn?.response ?? {}, auto };
}

/**
 * A failure as the end of an answer that has had effects. `canResume`: the client has a key under which the same
 * request resumes this answer, so it hears that this is not the last word.
 */
export function* endInWords(
  said: Said,
  { code, message }: Pick<ToolariumError, "code" | "message">,
  canResume: boolean,
): Generator<ChatEvent> {
  const way = canResume ? " The same request with the same Idempotency-Key resumes from here." : "";
  yield* say(said, `[The answer ends here: ${message} What the tools have done so far stands.${way}]`);
  yield { ...finish(said, undefined, "stop", code), isFailure: true };
}
