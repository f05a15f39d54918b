/**
 * A model behind a package of the AI SDK, at the level of its `doStream`: no loop, no retries by the package. It
 * streams whether or not the client does. Its bytes pass through our connections, so that timeouts see each of them.
 */
import { type Dispatcher, fetch as sendRequest } from "undici";
import type { ProviderConfig } from "../../config/config.ts";
import type { ChatModel, ModelEvent, ModelRequest } from "../model.ts";
import { type FailingProvider, silentProvider } from "../provider/provider-error.ts";
import { createWatchdog, type UpstreamTimeouts, type Watchdog } from "../provider/watchdog.ts";
import { sureOfStream } from "../reading/package-body.ts";
import { withLongIntegersAsText } from "./long-integers.ts";
import { readSdkParts } from "./sdk-answer.ts";
import { explainSdkError } from "./sdk-error.ts";
import type { OpenSdkModel, SdkType } from "./sdk-package.ts";
import { toCallOptions } from "./sdk-prompt.ts";

export interface SdkModelOptions {
  readonly provider: FailingProvider &
    Pick<ProviderConfig, "baseUrl" | "headers" | "region" | "signing"> & {
      readonly type: SdkType;
      readonly apiKey: string | null;
    };
  /** The model's name at the provider. */
  readonly model: string;
  readonly open: OpenSdkModel;
  /** Owned by the caller. */
  readonly dispatcher: Dispatcher;
  readonly timeouts: UpstreamTimeouts;
}

export function createSdkModel(options: SdkModelOptions): ChatModel {
  return {
    name: `${options.provider.name}/${options.model}`,
    stream: (request, signal) => streamAnswer(options, request, signal),
  };
}

async function* streamAnswer(
  { provider, model: name, open, dispatcher, timeouts }: SdkModelOptions,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent> {
  const options = toCallOptions(request, provider.type);
  using watchdog = createWatchdog(signal, timeouts);
  try {
    const model = open({ ...provider, fetch: fetchWatched(dispatcher, watchdog, provider) }, name);
    const { stream } = await model.doStream({ ...options, abortSignal: watchdog.signal });
    yield* readSdkParts(stream, provider.type);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (watchdog.silentMs !== undefined) throw silentProvider(provider, watchdog.silentMs);
    throw explainSdkError(error, provider);
  }
}

/** `fetch` over these connections, without redirects; each byte restarts the time limit. */
function fetchWatched(
  dispatcher: Dispatcher,
  watchdog: Watchdog,
  provider: SdkModelOptions["provider"],
): typeof fetch {
  return async (input, init) => {
    const response = await sendRequest(String(input), {
      ...(init as Parameters<typeof sendRequest>[1]),
      dispatcher,
      redirect: "manual",
      signal: watchdog.signal,
    });
    const { status, statusText, body } = response;
    const headers = [...response.headers];
    if (body === null) return new Response(null, { status, statusText, headers });
    const bytes = watchdog.watch(body);
    const chunks = response.ok ? await sureOfStream(bytes, provider, provider.type === "bedrock") : bytes;
    const read = provider.type === "google" ? withLongIntegersAsText(chunks) : chunks;
    return new Response(ReadableStream.from(read), { status, statusText, headers });
  };
}
