/** A turn of a chat as its journal keeps it. */

import type { TurnCall } from "../../journal.ts";
import type { Turn } from "./turn.ts";

/** As the journal has it: `parts` for a content that is no text. */
export interface KeptAnswer {
  readonly seq: number;
  readonly content: string;
  readonly parts?: true;
}

export interface KeptTurn extends Turn {
  readonly seq: number;
  /** What its calls became, in their order. */
  readonly places: readonly TurnCall[];
  /** Contents of the tool messages that went back, by the model's own ids, with the seqs of their events. */
  readonly answers: ReadonlyMap<string, KeptAnswer>;
}
