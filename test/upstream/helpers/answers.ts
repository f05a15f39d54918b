/** One request to one model, and what came of it. */
import { Agent } from "undici";
import type { ChatModel, Fields, ModelEvent, ModelRequest, Usage } from "../../../src/upstream/model.ts";
import { createOpenAiCompatibleModel } from "../../../src/upstream/openai-compatible.ts";
import { defaultTimeouts, type UpstreamTimeouts } from "../../../src/upstream/provider/watchdog.ts";
import { type ProviderAnswer, startProvider, stream } from "./provider.ts";

export const API_KEY = "secret-of-the-gateway";

export interface ReadAnswer {
  readonly text: string;
  readonly calls: readonly {
    readonly id: string;
    readonly name: string;
    readonly arguments: string;
    readonly fields: Fields;
  }[];
  readonly reason: string | undefined;
  readonly usage: Usage | null | undefined;
  readonly events: readonly ModelEvent[];
  /** What came unread. */
  readonly raw: string;
}

export const hello: ModelRequest = {
  messages: [{ role: "user", content: "hello" }],
  tools: [],
  params: {},
  stream: true,
  raw: false,
};

/** Reads to the end, or until the text is this. Fails on a call that goes on before it began or begins twice. */
export async function readAnswer(
  model: ChatModel,
  request: Partial<ModelRequest> = {},
  signal: AbortSignal = new AbortController().signal,
  until?: string,
): Promise<ReadAnswer> {
  const events: ModelEvent[] = [];
  const calls: { id: string; name: string; arguments: string; fields: Fields }[] = [];
  let text = "";
  let raw = "";
  for await (const event of model.stream({ ...hello, ...request }, signal)) {
    events.push(event);
    if (event.type === "text-delta") text += event.text;
    if (event.type === "raw") raw = Buffer.concat(await Array.fromAsync(event.chunks)).toString();
    if (text === until) break;
    if (event.type === "tool-call-start") {
      if (event.index !== calls.length)
        throw new Error(`call ${event.index} begins as number ${calls.length}`);
      calls.push({ id: event.id, name: event.name, arguments: "", fields: event.fields });
    }
    if (event.type === "tool-call-arguments") {
      const call = calls[event.index];
      if (call === undefined) throw new Error(`call ${event.index} goes on before it began`);
      call.arguments += event.text;
    }
  }
  const last = events.at(-1);
  return {
    text,
    raw,
    calls,
    events,
    reason: last?.type === "finish" ? last.reason : undefined,
    usage: last?.type === "finish" ? last.usage : undefined,
  };
}

export interface AskOptions {
  readonly request?: Partial<ModelRequest>;
  readonly timeouts?: Partial<UpstreamTimeouts>;
  readonly signal?: AbortSignal;
  /** The text at which the reader leaves. */
  readonly until?: string;
}

/** Asks a provider that answers like this, over loopback. */
export async function ask(answer: ProviderAnswer, options: AskOptions = {}): Promise<ReadAnswer> {
  await using provider = await startProvider(answer);
  const dispatcher = new Agent();
  try {
    const model = createOpenAiCompatibleModel({
      provider: { name: "test", baseUrl: provider.baseUrl, apiKey: API_KEY, secrets: [API_KEY] },
      model: "m",
      dispatcher,
      timeouts: { ...defaultTimeouts, ...options.timeouts },
    });
    return await readAnswer(model, options.request, options.signal, options.until);
  } finally {
    await dispatcher.destroy();
  }
}

/** Asks a provider that streams these parts. */
export function askStream(parts: readonly unknown[]): Promise<ReadAnswer> {
  return ask((response) => stream(response, parts));
}

/** What a rejection says, as plain data. */
export async function failureOf(promise: Promise<unknown>): Promise<Fields> {
  try {
    await promise;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { name, message, code, status, type, param, retryable, retryAfterSeconds, provider } =
      error as Error & Fields;
    return { name, message, code, status, type, param, retryable, retryAfterSeconds, provider };
  }
  throw new Error("it did not fail");
}
