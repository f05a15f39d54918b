/** The providers behind the models: their connections, keys and health, shared by all models of one provider. */
import { Agent } from "undici";
import type { ProviderConfig } from "../config.ts";
import { createRetryingModel } from "./attempts.ts";
import type { ChainMember } from "./chain.ts";
import { type Clock, systemClock } from "./clock.ts";
import { createCoolDown } from "./cool-down.ts";
import { createKeyRing } from "./key-ring.ts";
import { createOpenAiCompatibleModel } from "./openai-compatible.ts";

/** Owns the connections to the providers. */
export interface Providers extends AsyncDisposable {
  /** Undefined when no provider of this name is configured. `model` is its name at the provider. */
  model(provider: string, model: string): ChainMember | undefined;
}

const CONNECT_TIMEOUT_MS = 15_000;

export function createProviders(configs: readonly ProviderConfig[], clock: Clock = systemClock): Providers {
  const dispatcher = new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS } });
  const connected = new Map(configs.map((config) => [config.name, connectTo(config, dispatcher, clock)]));
  let disposed: Promise<void> | undefined;
  return {
    model: (provider, model) => connected.get(provider)?.(model),
    async [Symbol.asyncDispose]() {
      disposed ??= dispatcher.destroy();
      await disposed;
    },
  };
}

function connectTo(
  { name, baseUrl, apiKeys, retries, timeouts }: ProviderConfig,
  dispatcher: Agent,
  clock: Clock,
): (model: string) => ChainMember {
  const secrets = apiKeys.map(({ key }) => key);
  const keys = createKeyRing(apiKeys, clock);
  const health = createCoolDown(clock);
  return (model) => ({
    health,
    model: createRetryingModel({
      name: `${name}/${model}`,
      keys,
      health,
      retries,
      timeouts,
      clock,
      open: (apiKey, timeoutsLeft) =>
        createOpenAiCompatibleModel({
          provider: { name, baseUrl, apiKey, secrets },
          model,
          dispatcher,
          timeouts: timeoutsLeft,
        }),
    }),
  });
}
