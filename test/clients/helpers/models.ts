/** The models behind the gateway: one that people test with, chaos included, and one that is wrong in every way seen. */
import { LLMock } from "@copilotkit/aimock";
import {
  type ProviderRequest,
  startProvider,
  stream,
  type TestProvider,
} from "../../upstream/helpers/provider.ts";
import { brokenStreams, faultStreams } from "./fault-streams.ts";

const usage = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };

/** The scripted model. Each first word of a prompt is one story; its turns use 7 tokens each. */
export async function startScriptedModel(): Promise<AsyncDisposable & { readonly baseUrl: string }> {
  const mock = new LLMock({ port: 0, chunkSize: 5 });
  const say = (word: string, content: string, more: object = {}): void => {
    mock.on({ userMessage: word, hasToolResult: false }, { content, usage }, more);
  };
  const call = (word: string, name: string, args: object, more: object = {}): void => {
    const toolCalls = [{ name, arguments: JSON.stringify(args) }];
    mock.on({ userMessage: word, hasToolResult: false }, { toolCalls, usage });
    mock.on({ userMessage: word, hasToolResult: true }, { content: `${word}: done.`, usage }, more);
  };
  say("greet", "Good morning to you.");
  call("look", "shop__items", {});
  call("count", "run_code", { code: "return (await shop.items({})).length;" });
  call("weather", "weather", { city: "Bern" });
  call("buy", "shop__order", { item: "pear" });
  call("program", "run_code", { code: "return await shop.order({ item: 'pear' });" });
  call("wait", "shop__hold", {});

  // A failure of the first turn, and of the turn after a tool had its effect.
  for (const [word, fault] of Object.entries(chaos)) {
    say(`first-${word}`, "A sentence that is long enough to be cut.", fault);
    call(`later-${word}`, "shop__visit", {}, fault);
  }
  const url = await mock.start();
  return { baseUrl: `${url}/v1`, [Symbol.asyncDispose]: () => mock.stop() };
}

/** What the scripted model does wrong, by the word that asks for it. */
export const chaos: { readonly [word: string]: object } = {
  "500": { chaos: { dropRate: 1 } },
  "429": { chaos: { rateLimitRate: 1 } },
  hangup: { chaos: { disconnectRate: 1 } },
  nonsense: { chaos: { malformedRate: 1 } },
  cut: { truncateAfterChunks: 2 },
};

/** Plays the fault stream that the prompt names; `endless` is one that begins and does not end. */
export function startFaultyModel(): Promise<TestProvider> {
  return startProvider((response, request) => {
    const prompt = promptOf(request);
    if (prompt === "endless")
      return stream(response, faultStreams["well-formed text"]?.slice(0, 2) ?? [], false);
    const parts = faultStreams[prompt] ?? brokenStreams[prompt];
    if (parts === undefined) throw new Error(`no stream is called ${JSON.stringify(prompt)}`);
    return stream(response, hasResult(request) ? (faultStreams["well-formed text"] ?? []) : parts);
  });
}

type Message = { readonly role: string; readonly content: unknown };

function promptOf({ body }: ProviderRequest): string {
  const messages = body["messages"] as readonly Message[];
  const content = messages.findLast(({ role }) => role === "user")?.content;
  return typeof content === "string" ? content : String((content as readonly { text: unknown }[])[0]?.text);
}

function hasResult({ body }: ProviderRequest): boolean {
  return (body["messages"] as readonly Message[]).at(-1)?.role === "tool";
}
