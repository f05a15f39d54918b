/** The shape of a request that replies to the calls of a turn. An answer here is the reply to a call. */
import type { KeptAnswer, KeptTurn } from "../turns/kept-turn.ts";
import type { Reply, ReplyMessage, Said } from "./reply.ts";

/** A reply, call by call, before any decision is taken. */
export interface ReadReply {
  /** The turn whose calls the reply is about. */
  readonly turn: KeptTurn;
  /** Results of the client's own tools, by the model's ids. */
  readonly own: readonly ({ readonly id: string } & Pick<KeptAnswer, "content" | "parts">)[];
  readonly decisions: readonly (ReplyMessage & { readonly said: Said })[];
  /** The calls as they came back, with arguments that people may have edited. */
  readonly calls: Reply["calls"];
}
