/** A turn of a chat as its journal keeps it. An answer here is the reply to a call. */

import type { TurnCall } from "../../journal.ts";
import type { Turn } from "./turn.ts";

/** `content` is text; with `parts` it is the JSON text of a list of parts. */
export interface KeptAnswer {
  readonly seq: number;
  readonly content: string;
  readonly parts?: true;
}

export interface KeptTurn extends Turn {
  readonly seq: number;
  /** Which call of the chat or which program each of its calls became, in their order. */
  readonly places: readonly TurnCall[];
  /** The tool messages that the model got, by its own ids of the calls. */
  readonly answers: ReadonlyMap<string, KeptAnswer>;
}
