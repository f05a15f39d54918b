/** A mode: what it shows the model, and how it answers the calls that come back. */
import type { Fields } from "../../upstream/model.ts";
import type { KeptTurn } from "../turns/kept-turn.ts";
import type { AutoChoice, CallAnswering, ModeContext } from "./call-answering.ts";

export interface ChatMode {
  /** Function definitions of ours. */
  functions(context: ModeContext): readonly Fields[];
  /** What is added to the system message; null for nothing. */
  instructions(context: ModeContext): string | null;
  /** Fields of the request that the mode sets unless the caller did. */
  readonly params: Fields;
  /** Null: calls of what was offered go back to the client. */
  readonly answering: CallAnswering | null;
  /** What is told of the way that the model went, where it had a choice. */
  explain?(turns: readonly KeptTurn[], context: ModeContext): AutoChoice;
}
