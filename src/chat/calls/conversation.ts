/** The state of one chat request, from its arrival to its last turn. An answer here is the reply to the user. */
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
  /** Whether the content must be JSON. Then only the last turn's text is content. */
  readonly isJson: boolean;
  /** The number of the current turn, from 1. */
  turn: number;
  hasText: boolean;
  /** The `provider/model` that replied last. Absent until a provider has replied. */
  answeredBy?: string;
  /** Whether a call of the model was handed to a tool or a program, so that it may have effects. */
  hasEffects: boolean;
}
