/** The turns of a chat as its journal tells them: the turns' part of `RunState`. */
import type { JournalEvent } from "../../journal.ts";
import { readJson } from "./calls.ts";

type Event<T extends JournalEvent["type"]> = Extract<JournalEvent, { readonly type: T }>;

/** One turn of the model, with what has answered its calls so far, by the model's own ids. */
export interface TurnRecord {
  readonly event: Event<"turn">;
  readonly answers: ReadonlyMap<string, Event<"answered">>;
}

/** What the providers counted, over all turns that said so. */
export interface ModelTokens {
  readonly prompt: number;
  readonly completion: number;
}

export interface TurnFold {
  apply(event: Event<"turn" | "answered">): void;
  readonly turns: readonly TurnRecord[];
  readonly tokens: ModelTokens;
}

export function createTurnFold(): TurnFold {
  const turns: { readonly event: Event<"turn">; readonly answers: Map<string, Event<"answered">> }[] = [];
  let tokens: ModelTokens = { prompt: 0, completion: 0 };
  return {
    turns,
    get tokens() {
      return tokens;
    },
    apply(event) {
      if (event.type === "answered") {
        turns.at(-1)?.answers.set(event.id, event);
        return;
      }
      turns.push({ event, answers: new Map() });
      if (event.usage !== null) tokens = addTokens(tokens, readJson(event.usage));
    },
  };
}

/** `usage`: as the provider gave it. */
function addTokens({ prompt, completion }: ModelTokens, usage: unknown): ModelTokens {
  const said = (usage ?? {}) as { readonly prompt_tokens?: unknown; readonly completion_tokens?: unknown };
  return {
    prompt: prompt + toCount(said.prompt_tokens),
    completion: completion + toCount(said.completion_tokens),
  };
}

function toCount(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
