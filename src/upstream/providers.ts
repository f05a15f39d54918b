/** The providers behind the models: their connections, keys and health, shared by all models of one provider. */
import type { Dispatcher } from "undici";
import type { ProviderConfig } from "../config/config.ts";
import { providerSecrets } from "../config/secrets.ts";
import type { Log } from "../log.ts";
import { createRetryingModel } from "./attempts.ts";
import type { ChainMember } from "./chain.ts";
import { type Clock, systemClock } from "./clock.ts";
import { createConnections } from "./connections.ts";
import { createCoolDown } from "./cool-down.ts";
import { createKeyRing } from "./key-ring.ts";
import { createOpenAiCompatibleModel } from "./openai-compatible.ts";
import { traitsOf } from "./request/quirks.ts";
import { shaped } from "./request/shape.ts";
import { createSdkModel } from "./sdk/sdk-model.ts";
import { loadSdk, type OpenSdkModel } from "./sdk/sdk-package.ts";

/** Owns the connections to the providers. */
export interface Providers extends AsyncDisposable {
  /** Undefined when no provider of this name is configured. `model` is the model's name at the provider. */
  model(provider: string, model: string): ChainMember | undefined;
}

export interface ProvidersDeps {
  /** Default: the system's clock. */
  readonly clock?: Clock | undefined;
  /** Where proxies are named. Default: the process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Gets a warning when a key is refused. */
  readonly log?: Pick<Log, "warn"> | undefined;
}

/** @throws `config_error` when a package that a provider needs is not installed */
export async function createProviders(
  configs: readonly ProviderConfig[],
  { clock = systemClock, env = process.env, log }: ProvidersDeps = {},
): Promise<Providers> {
  const openers = await loadSdks(configs);
  const connections = createConnections(env);
  const connected = new Map(
    configs.map((config) => [
      config.name,
      connectTo(config, { openers, dispatcher: connections.for(config), clock, log }),
    ]),
  );
  return {
    model: (provider, model) => connected.get(provider)?.(model),
    [Symbol.asyncDispose]: () => connections[Symbol.asyncDispose](),
  };
}

interface ConnectDeps {
  readonly openers: SdkOpeners;
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  readonly log: ProvidersDeps["log"];
}

type SdkOpeners = ReadonlyMap<ProviderConfig["type"], OpenSdkModel>;

async function loadSdks(configs: readonly ProviderConfig[]): Promise<SdkOpeners> {
  const types = new Set(configs.flatMap(({ type }) => (type === "openai" ? [] : [type])));
  return new Map(await Promise.all([...types].map(async (type) => [type, await loadSdk(type)] as const)));
}

function connectTo(
  config: ProviderConfig,
  { openers, dispatcher, clock, log }: ConnectDeps,
): (model: string) => ChainMember {
  const { name, type, apiKeys, retries, timeouts } = config;
  const secrets = providerSecrets(config);
  const open = openers.get(type);
  const keys = createKeyRing(apiKeys, clock);
  const health = createCoolDown(clock);
  return (model) => {
    const retrying = createRetryingModel({
      name: `${name}/${model}`,
      keys,
      health,
      retries,
      timeouts,
      clock,
      log,
      open(apiKey, timeoutsLeft) {
        const common = { model, dispatcher, timeouts: timeoutsLeft };
        return type === "openai" || open === undefined
          ? createOpenAiCompatibleModel({ provider: { ...config, apiKey, secrets }, ...common })
          : createSdkModel({ provider: { ...config, type, apiKey, secrets }, open, ...common });
      },
    });
    const options = config.modelOptions?.[model] ?? {};
    return { health, model: shaped(retrying, traitsOf(config, model, options), { options, log }) };
  };
}
