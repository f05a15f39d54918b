/** The events of an answer, which here is the reply to the user: what the engine gives and the HTTP face writes. */
import type { Mode } from "../config/modes.ts";
import type { ToolariumError } from "../errors.ts";
import type { Fields, Usage } from "../upstream/model.ts";
import type { AutoChoice, ChatStep } from "./calls/call-answering.ts";
import type { Progress } from "./calls/progress.ts";
import type { Turn, TurnEvent } from "./turns/turn.ts";
import { NO_USAGE } from "./turns/usage.ts";

/**
 * Why an answer ended before the model was done: a limit (`max_turns`, `budget`), a call that needs approval
 * (`approval`), what cut the model off (`length`, `content_filter` …, see `finish-reason.ts`), or a failure's code.
 */
export type StopReason = string;

/**
 * `started` comes first. Then comes either one `raw`, or parts that end with `finish`. An `answering` before the parts
 * of a turn names the provider and model that reply.
 */
export type ChatEvent =
  | {
      readonly type: "started";
      readonly mode: Mode;
      readonly runId: string | null;
      /** Plain mode: how many tools the gateway added, which the client may not know how to call. */
      readonly added?: number;
    }
  | TurnEvent
  | { readonly type: "step"; readonly turn: number; readonly step: ChatStep }
  /** Before a step, only where `wantsProgress` of the request is true. */
  | { readonly type: "progress"; readonly turn: number; readonly progress: Progress }
  | {
      readonly type: "finish";
      readonly reason: string;
      readonly stopReason: StopReason | null;
      /** `stopReason` is the code of a failure, which ended as an ordinary answer because tools were called. */
      readonly isFailure?: true;
      /** The sum over the turns of this answer whose provider reported usage; null when none did. */
      readonly usage: Usage | null;
      /** Fields of the provider's last response beside its choices. */
      readonly response: Fields;
      /** What the model chose in auto mode; null in the other modes. */
      readonly auto: AutoChoice | null;
    };

/** What the client was sent so far. */
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

/** A message of the gateway: in the content, or in a step where the content must be JSON. */
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
 * A failure as the end of an answer that has had effects. `canResume`: the same request with the same key resumes this
 * answer, and the text says so.
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
