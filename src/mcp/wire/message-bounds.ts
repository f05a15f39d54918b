/** How large a message of a server may be, and how much of all messages is held while they arrive. */
import { type MemoryBudget, SMALL_BYTES, WHILE_READ } from "../../memory-budget.ts";

export interface MessageBounds {
  /** Of one message, as bytes of its JSON text: a line, a body, an event. */
  readonly maxBytes: number;
  readonly budget: MemoryBudget;
}

/** Why a message is not read to its end, as a sentence. */
export type Refusal = string;

export interface MessageMeter {
  /** Counts bytes of the arriving message. Returns the reason once they are too many. */
  add(bytes: number): Refusal | undefined;
  /** The message has been read or given up: the next one begins. */
  reset(): void;
}

export function createMeter({ maxBytes, budget }: MessageBounds): MessageMeter {
  let seen = 0;
  let taken = 0;
  return {
    add: (bytes) => {
      seen += bytes;
      if (seen > maxBytes)
        return `The answer is larger than the ${maxBytes} bytes that mcp.maxMessageBytes allows. Ask for less at once.`;
      const missing = seen > SMALL_BYTES ? seen - taken : 0;
      if (missing === 0) return undefined;
      if (!budget.take(missing * WHILE_READ, "owed"))
        return "The gateway holds as many bytes as server.memoryBudgetMb allows, so the answer was dropped. Call again later, or ask for less at once.";
      taken += missing;
      return undefined;
    },
    reset: () => {
      budget.release(taken * WHILE_READ);
      taken = 0;
      seen = 0;
    },
  };
}
