/** A mode: what it shows the model, and how it answers the model's calls. */
import type { Fields } from "../../upstream/model.ts";
import type { KeptTurn } from "../turns/kept-turn.ts";
import type { AutoChoice, CallAnswering, ModeContext } from "./call-answering.ts";

export interface ChatMode {
  /** Definitions of the gateway's functions. */
  functions(context: ModeContext): readonly Fields[];
  /** What is added to the system message; null for nothing. */
  instructions(context: ModeContext): string | null;
  /** Fields that the mode sets in the provider's request unless the caller set them. */
  readonly params: Fields;
  /** Null: calls of offered functions go back to the client. */
  readonly answering: CallAnswering | null;
  /** What the model chose. Absent in modes that give it no choice. */
  explain?(turns: readonly KeptTurn[], context: ModeContext): AutoChoice;
}
