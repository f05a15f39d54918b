/** What the answer to one chat stands on, from its request to its last turn. */
import type { ChatModel, Usage } from "../../upstream/model.ts";
import type { CallerTools } from "../offer/caller-tools.ts";
import type { ChatRequest } from "../turns/request.ts";
import type { AutoChoice, ModeContext } from "./call-answering.ts";
import type { ChatMode } from "./chat-mode.ts";

export interface Conversation {
  readonly request: ChatRequest;
  readonly model: ChatModel;
  readonly mode: ChatMode;
  readonly context: ModeContext;
  readonly callerTools: CallerTools;
  usage: Usage | null;
  /** Whether a model was asked for this answer. */
  hasAsked: boolean;
  auto: AutoChoice | null;
  /** Whether the content must be JSON: then it is the last turn's alone. */
  readonly isJson: boolean;
  /** The number of the present turn, from 1. */
  turn: number;
  hasText: boolean;
  /** The `provider/model` of the last turn, as far as it is known. */
  answeredBy?: string;
  /** Whether a call of the model was taken on. */
  hasEffects: boolean;
}
