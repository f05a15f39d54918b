/** A request that answers calls of a turn, as read. */
import type { KeptAnswer, KeptTurn } from "../turns/kept-turn.ts";
import type { Reply, ReplyMessage, Said } from "./reply.ts";

/** What a reply says, call by call, before any of it is done. */
export interface ReadReply {
  /** The turn whose calls it is about. */
  readonly turn: KeptTurn;
  /** Answers of the client's own tools, by the model's ids. */
  readonly own: readonly ({ readonly id: string } & Pick<KeptAnswer, "content" | "parts">)[];
  readonly decisions: readonly (ReplyMessage & { readonly said: Said })[];
  /** The calls as they came back: their arguments count. */
  readonly calls: Reply["calls"];
}
