/**
 * Resolves a name to a model. `provider/model` always works for a configured provider; a chain by its own name; a bare
 * name when exactly one provider lists it; `builtin/script` always. A mode can be appended to each of them.
 */

import type { Config, ProviderConfig } from "../config/config.ts";
import { isMode, type Mode, modeNames } from "../config/modes.ts";
import { ToolariumError } from "../errors.ts";
import { builtinScript } from "./builtin-script.ts";
import { createChain } from "./chain.ts";
import type { ChatModel } from "./model.ts";
import { createProviders, type Providers, type ProvidersDeps } from "./providers.ts";

/** The log also gets a line when a chain fails over to its next model. */
export type ModelRegistryDeps = ProvidersDeps;

interface ListedModel {
  /** `provider/model` or a chain's name, possibly with a mode appended. */
  readonly id: string;
  /** Null for a chain. */
  readonly provider: string | null;
  /** The appended mode. */
  readonly modeSuffix: Mode | undefined;
}

interface ResolvedModel {
  readonly model: ChatModel;
  /** Null for a chain. */
  readonly provider: string | null;
  /** The mode that the name asks for. */
  readonly modeSuffix: Mode | undefined;
}

/** Owns the connections to the providers. */
export interface ModelRegistry extends AsyncDisposable {
  /** Every configured model and chain, and each of them with every suffix. */
  list(): readonly ListedModel[];
  /** @throws `model_not_found` */
  resolve(name: string): ResolvedModel;
}

const MODE_SUFFIX = new RegExp(`^(.+):(${modeNames.join("|")})$`, "s");
const MAX_NAMES_SHOWN = 5;

/** @throws `config_error` when a package that a provider needs is not installed */
export async function createModelRegistry(
  config: Pick<Config, "providers" | "models">,
  deps: ModelRegistryDeps = {},
): Promise<ModelRegistry> {
  const providers = await createProviders(config.providers, deps);
  const models = knownModels(config, providers, deps.log);

  return {
    list: () => models.listed,
    resolve(name) {
      const known = models.find(name);
      if (known !== undefined) return { ...known, modeSuffix: undefined };
      const [, base, mode] = MODE_SUFFIX.exec(name) ?? [];
      if (base !== undefined && isMode(mode)) {
        const model = models.find(base) ?? models.findUnlisted(base);
        if (model !== undefined) return { ...model, modeSuffix: mode };
      }
      const unlisted = models.findUnlisted(name);
      if (unlisted !== undefined) return { ...unlisted, modeSuffix: undefined };
      throw unknownModel(base ?? name, models);
    },
    [Symbol.asyncDispose]: () => providers[Symbol.asyncDispose](),
  };
}

type KnownModel = Omit<ResolvedModel, "modeSuffix">;

interface KnownModels {
  readonly listed: readonly ListedModel[];
  /** Names of the listed models that end in this bare name. */
  candidates(bareName: string): readonly string[];
  find(name: string): KnownModel | undefined;
  /** A model that its provider may have although the configuration does not list it. */
  findUnlisted(name: string): KnownModel | undefined;
}

function knownModels(
  { providers, models: chains }: Pick<Config, "providers" | "models">,
  connected: Providers,
  log: ModelRegistryDeps["log"],
): KnownModels {
  const byName = new Map<string, KnownModel>([
    [builtinScript.name, { model: builtinScript, provider: "builtin" }],
  ]);
  const open = (name: string) => {
    const slash = name.indexOf("/");
    const [provider, model] = [name.slice(0, slash), name.slice(slash + 1)];
    const member = slash <= 0 || model === "" ? undefined : connected.model(provider, model);
    return member && { ...member, provider };
  };
  for (const { name, models } of providers)
    for (const model of models) {
      const known = open(`${name}/${model}`);
      if (known !== undefined && !byName.has(known.model.name)) byName.set(known.model.name, known);
    }
  const candidates = candidatesOf(providers);
  for (const { name, members } of chains) {
    const opened = members.flatMap((member) => open(member) ?? []);
    byName.set(name, { model: createChain(name, opened, log), provider: null });
  }

  return {
    listed: [...byName].flatMap(([name, { provider }]) => {
      const suffixed = modeNames.map((mode) => ({ id: `${name}:${mode}`, provider, modeSuffix: mode }));
      return [{ id: name, provider, modeSuffix: undefined }, ...suffixed];
    }),
    candidates,
    find(name) {
      const bare = candidates(name);
      return byName.get(name) ?? (bare.length === 1 ? byName.get(bare[0] ?? "") : undefined);
    },
    findUnlisted: open,
  };
}

function candidatesOf(providers: readonly ProviderConfig[]): KnownModels["candidates"] {
  return (bareName) =>
    providers.filter(({ models }) => models.includes(bareName)).map(({ name }) => `${name}/${bareName}`);
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
  const names = listed.filter(({ modeSuffix }) => modeSuffix === undefined).map(({ id }) => id);
  const some = names.slice(0, MAX_NAMES_SHOWN).join(", ") + (names.length > MAX_NAMES_SHOWN ? ", …" : "");
  return new ToolariumError(
    "model_not_found",
    `There is no model ${shown}. Names are provider/model; there are: ${some}. GET /v1/models lists all.`,
    { param: "model" },
  );
}
