/**
 * Which model answers to a name. `provider/model` always works for a configured provider; a bare name when exactly
 * one provider lists it; `builtin/script` is always there. A mode can be appended to any of them.
 */
import { Agent } from "undici";
import type { Mode, ProviderConfig } from "../config.ts";
import { ToolariumError } from "../errors.ts";
import { builtinScript } from "./builtin-script.ts";
import type { ChatModel } from "./model.ts";
import { createOpenAiCompatibleModel } from "./openai-compatible.ts";
import { defaultTimeouts, type UpstreamTimeouts } from "./watchdog.ts";

export interface ModelRegistryDeps {
  readonly timeouts?: Partial<UpstreamTimeouts>;
}

interface ListedModel {
  /** `provider/model`, or that with a mode appended. */
  readonly id: string;
  readonly provider: string;
}

interface ResolvedModel {
  readonly model: ChatModel;
  /** The mode that the name asks for. */
  readonly modeSuffix: Mode | undefined;
}

/** Owns the connections to the providers. */
export interface ModelRegistry extends AsyncDisposable {
  /** Every configured model, each also with the suffixes. */
  list(): readonly ListedModel[];
  /** @throws `model_not_found` */
  resolve(name: string): ResolvedModel;
}

const MODE_SUFFIX = /^(.+):(code|agent|plain)$/s;
const CONNECT_TIMEOUT_MS = 15_000;
const MAX_NAMES_SHOWN = 5;

export function createModelRegistry(
  providers: readonly ProviderConfig[],
  { timeouts = {} }: ModelRegistryDeps = {},
): ModelRegistry {
  const dispatcher = new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS } });
  const models = knownModels(providers, (provider, model) =>
    createOpenAiCompatibleModel({
      provider,
      model,
      dispatcher,
      timeouts: { ...defaultTimeouts, ...timeouts },
    }),
  );
  let disposed: Promise<void> | undefined;

  return {
    list: () => models.listed,
    resolve(name) {
      const known = models.find(name);
      if (known !== undefined) return { model: known, modeSuffix: undefined };
      const [, base, mode] = MODE_SUFFIX.exec(name) ?? [];
      if (base !== undefined && isMode(mode)) {
        const model = models.find(base) ?? models.findUnlisted(base);
        if (model !== undefined) return { model, modeSuffix: mode };
      }
      const unlisted = models.findUnlisted(name);
      if (unlisted !== undefined) return { model: unlisted, modeSuffix: undefined };
      throw unknownModel(base ?? name, models);
    },
    async [Symbol.asyncDispose]() {
      disposed ??= dispatcher.destroy();
      await disposed;
    },
  };
}

interface KnownModels {
  readonly listed: readonly ListedModel[];
  /** Names of the listed models that end in this bare name. */
  candidates(bareName: string): readonly string[];
  find(name: string): ChatModel | undefined;
  /** A model that its provider may have although the configuration does not list it. */
  findUnlisted(name: string): ChatModel | undefined;
}

function knownModels(
  providers: readonly ProviderConfig[],
  create: (provider: ProviderConfig, model: string) => ChatModel,
): KnownModels {
  const byName = new Map([[builtinScript.name, builtinScript]]);
  for (const provider of providers)
    for (const model of provider.models) {
      const name = `${provider.name}/${model}`;
      if (!byName.has(name)) byName.set(name, create(provider, model));
    }
  const candidates = (bareName: string): readonly string[] =>
    providers.filter(({ models }) => models.includes(bareName)).map(({ name }) => `${name}/${bareName}`);

  return {
    listed: [...byName.keys()].flatMap((name) => {
      const [provider = ""] = name.split("/", 1);
      return ["", ":code", ":agent", ":plain"].map((suffix) => ({ id: name + suffix, provider }));
    }),
    candidates,
    find(name) {
      const bare = candidates(name);
      return byName.get(name) ?? (bare.length === 1 ? byName.get(bare[0] ?? "") : undefined);
    },
    findUnlisted(name) {
      const slash = name.indexOf("/");
      const provider = providers.find((candidate) => candidate.name === name.slice(0, slash));
      const model = name.slice(slash + 1);
      return slash <= 0 || provider === undefined || model === "" ? undefined : create(provider, model);
    },
  };
}

function isMode(value: string | undefined): value is Mode {
  return value === "code" || value === "agent" || value === "plain";
}

function unknownModel(name: string, { candidates, listed }: KnownModels): ToolariumError {
  const several = candidates(name);
  const shown = JSON.stringify(name.slice(0, 200));
  if (several.length > 1)
    return new ToolariumError(
      "model_not_found",
      `Several providers offer ${shown}. Say which: ${several.join(", ")}.`,
      { param: "model" },
    );
  const names = listed.filter(({ id }) => !MODE_SUFFIX.test(id)).map(({ id }) => id);
  const some = names.slice(0, MAX_NAMES_SHOWN).join(", ") + (names.length > MAX_NAMES_SHOWN ? ", …" : "");
  return new ToolariumError(
    "model_not_found",
    `There is no model ${shown}. Names are provider/model; there are: ${some}. GET /v1/models lists all.`,
    { param: "model" },
  );
}
