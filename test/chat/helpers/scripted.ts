/** A scripted provider: the nth request of a test gets the nth turn of the script. */
import type { Fields } from "../../../src/upstream/model.ts";
import {
  chunk,
  completion,
  DONE,
  json,
  type ProviderAnswer,
  type ProviderRequest,
  startProvider,
  stream,
} from "../../upstream/helpers/provider.ts";
import { type ChatSetup, startChat, type TestChat } from "./chat.ts";

/** One turn of the model. A number is an HTTP error of that status; a function writes the response itself. */
export type ScriptedTurn =
  | string
  | number
  | ProviderAnswer
  | { readonly text?: string; readonly calls: readonly (readonly [name: string, args: unknown])[] };

/** A gateway and the one provider behind it, for all tests of a file. */
export interface Stage extends AsyncDisposable {
  /** The current gateway. */
  readonly chat: TestChat;
  /** Ends the gateway and starts another one, with new settings if given. The script continues. */
  restart(changes?: ChatSetup): Promise<TestChat>;
  /** Replaces the script by these turns. Returns the list to which the provider's requests are added. */
  play(...turns: readonly ScriptedTurn[]): readonly ProviderRequest[];
}

export async function startStage(setup: ChatSetup = {}): Promise<Stage> {
  let turns: readonly ScriptedTurn[] = [];
  let asked: ProviderRequest[] = [];
  const provider = await startProvider((response, request) => {
    asked.push(request);
    const turn = turns[asked.length - 1] ?? 500;
    if (typeof turn === "function") return turn(response, request, asked.length);
    return playTurn(turn, asked.length)(response, request, asked.length);
  });
  let chat = await startChat({ provider: provider.baseUrl, ...setup });
  return {
    get chat() {
      return chat;
    },
    async restart(changes = {}) {
      await chat.stop();
      await chat[Symbol.asyncDispose]();
      chat = await startChat({ provider: provider.baseUrl, ...setup, ...changes });
      return chat;
    },
    play(...next) {
      turns = next;
      asked = [];
      chat.shop.forget();
      return asked;
    },
    async [Symbol.asyncDispose]() {
      await chat[Symbol.asyncDispose]();
      await provider[Symbol.asyncDispose]();
    },
  };
}

const USAGE = {
  prompt_tokens: 10,
  completion_tokens: 1,
  total_tokens: 11,
  prompt_tokens_details: { cached_tokens: 4 },
};

/** Ids of its calls are `up_<turn>_<index>`. Each turn uses 11 tokens, 4 of them cached. */
function playTurn(turn: Exclude<ScriptedTurn, ProviderAnswer>, number: number): ProviderAnswer {
  return (response, request) => {
    if (typeof turn === "number")
      return json(response, turn, { error: { message: "scripted failure", type: "test" } });
    const text = typeof turn === "string" ? turn : (turn.text ?? null);
    const calls = typeof turn === "string" ? [] : turn.calls;
    const toolCalls = calls.map(([name, args], index) => ({
      index,
      id: `up_${number}_${index}`,
      type: "function",
      function: { name, arguments: typeof args === "string" ? args : JSON.stringify(args) },
    }));
    const reason = calls.length > 0 ? "tool_calls" : "stop";
    const extra = calls.length > 0 ? { tool_calls: toolCalls } : {};
    if (request.body["stream"] !== true)
      return json(response, 200, completion({ content: text, ...extra }, reason, { usage: USAGE }));
    return stream(response, [
      chunk({ role: "assistant", content: "" }),
      ...(text === null ? [] : [chunk({ content: text })]),
      ...toolCalls.map((call) => chunk({ tool_calls: [call] })),
      chunk({}, reason),
      { ...chunk({}), choices: [], usage: USAGE },
      DONE,
    ]);
  };
}

/** The messages of a request to the provider, without the system message. */
export function conversation(request: ProviderRequest | undefined): readonly Fields[] {
  const messages = (request?.body["messages"] ?? []) as readonly Fields[];
  return messages.filter(({ role }) => role !== "system");
}

/** The text of the first message of a request, if it is a system message. */
export function systemMessage(request: ProviderRequest | undefined): unknown {
  const [first] = (request?.body["messages"] ?? []) as readonly Fields[];
  return first?.["role"] === "system" ? first["content"] : undefined;
}

/** The functions that a request offers. */
export function offered(request: ProviderRequest | undefined): readonly Fields[] {
  const tools = (request?.body["tools"] ?? []) as readonly { readonly function: Fields }[];
  return tools.map((tool) => tool.function);
}
