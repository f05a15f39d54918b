/** What a provider of this address is sent, byte for byte: every host is found on loopback, through a proxy. */
import { configFrom } from "../../../src/config/load.ts";
import type { Fields, ModelRequest } from "../../../src/upstream/model.ts";
import { createModelRegistry } from "../../../src/upstream/registry.ts";
import { completion, json, startProvider } from "./provider.ts";
import { startProxy } from "./proxy.ts";

export interface Asked extends Partial<ModelRequest> {
  readonly host?: string;
  readonly model?: string;
  /** The provider's entry beside its address. */
  readonly entry?: object;
}

export interface Wire extends AsyncDisposable {
  /** The body of the request. */
  send(asked: Asked): Promise<Fields>;
  /** The messages of that body. */
  messages(asked: Asked): Promise<readonly Fields[]>;
}

export async function startWire(): Promise<Wire> {
  await using building = new AsyncDisposableStack();
  const provider = building.use(
    await startProvider((response) => json(response, 200, completion({ content: "hello" }))),
  );
  const proxy = building.use(await startProxy(() => Number(new URL(provider.baseUrl).port)));
  const parts = building.move();

  async function send({
    host = "models.example",
    model = "m",
    entry = {},
    ...request
  }: Asked): Promise<Fields> {
    provider.forget();
    const { config } = configFrom({
      providers: {
        p: {
          baseUrl: `http://${host}/v1`,
          proxy: `http://127.0.0.1:${proxy.port}`,
          models: [model],
          retries: 0,
          ...entry,
        },
      },
    });
    await using registry = await createModelRegistry(config, { env: {} });
    const asked: ModelRequest = {
      messages: [{ role: "user", content: "hi" }],
      tools: [],
      params: {},
      stream: false,
      raw: false,
      ...request,
    };
    const { model: asks } = registry.resolve(`p/${model}`);
    try {
      for await (const event of asks.stream(asked, AbortSignal.timeout(10_000)))
        if (event.type === "raw") for await (const _ of event.chunks);
    } catch (error) {
      // Of other protocols the answer is none; only the request counts.
      if (provider.requests.length === 0) throw error;
    }
    return provider.requests[0]?.body ?? {};
  }

  return {
    send,
    messages: async (asked) => (await send(asked))["messages"] as readonly Fields[],
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** A tool of nothing in particular. */
export const aTool: Fields = {
  type: "function",
  function: { name: "look", description: "Looks.", parameters: { type: "object", properties: {} } },
};
