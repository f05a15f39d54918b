/**
 * Packages of the AI SDK for providers with protocols other than OpenAI's. They are optional: each is loaded when the
 * configuration has a provider of its type. No other part of the gateway uses them.
 */
import type { LanguageModelV4 } from "@ai-sdk/provider";
import type { ProviderConfig } from "../../config/config.ts";
import { ToolariumError } from "../../errors.ts";

/** Providers that need a package. */
export type SdkType = Exclude<ProviderConfig["type"], "openai">;

export interface SdkSettings {
  readonly baseUrl: string;
  readonly apiKey: string | null;
  readonly headers?: ProviderConfig["headers"];
  /** For Bedrock without a key: the region and the credentials that sign its requests. */
  readonly region: string | null;
  readonly signing: ProviderConfig["signing"];
  readonly fetch: typeof fetch;
}

/** Opens a model. All settings are passed explicitly, so that the package reads nothing from the environment. */
export type OpenSdkModel = (settings: SdkSettings, model: string) => LanguageModelV4;

/** The source of the packages: an `import()` for each, so that they are resolved from Toolarium's own folder. */
export interface SdkImports {
  anthropic(): Promise<Pick<typeof import("@ai-sdk/anthropic"), "createAnthropic">>;
  google(): Promise<Pick<typeof import("@ai-sdk/google"), "createGoogle">>;
  bedrock(): Promise<Pick<typeof import("@ai-sdk/amazon-bedrock"), "createAmazonBedrock">>;
}

const sdkImports: SdkImports = {
  anthropic: () => import("@ai-sdk/anthropic"),
  google: () => import("@ai-sdk/google"),
  bedrock: () => import("@ai-sdk/amazon-bedrock"),
};

/** The major versions whose models have the interface used here. */
const packageNames: { readonly [T in SdkType]: string } = {
  anthropic: "@ai-sdk/anthropic@4",
  google: "@ai-sdk/google@4",
  bedrock: "@ai-sdk/amazon-bedrock@5",
};

/** @throws `config_error` with the command to install, when the package is missing or has another version */
export async function loadSdk(type: SdkType, imports: SdkImports = sdkImports): Promise<OpenSdkModel> {
  let open: OpenSdkModel;
  try {
    open = await openers[type](imports);
  } catch (cause) {
    const isMissing = cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND";
    throw unusable(type, isMissing ? "which is not installed" : "which cannot be loaded", cause);
  }
  // This sends nothing.
  const { specificationVersion } = open(anySettings, "any");
  if (specificationVersion !== "v4") throw unusable(type, "of which another version is installed");
  return open;
}

const anySettings: SdkSettings = {
  baseUrl: "http://localhost",
  apiKey: "any",
  region: "us-east-1",
  signing: null,
  fetch,
};

const openers: { readonly [T in SdkType]: (imports: SdkImports) => Promise<OpenSdkModel> } = {
  async anthropic(imports) {
    const { createAnthropic } = await imports.anthropic();
    return ({ baseUrl, apiKey, headers = {}, fetch }, model) =>
      createAnthropic({ baseURL: baseUrl, apiKey: apiKey ?? "", headers, fetch })(model);
  },
  async google(imports) {
    const { createGoogle } = await imports.google();
    return ({ baseUrl, apiKey, headers = {}, fetch }, model) =>
      createGoogle({ baseURL: baseUrl, apiKey: apiKey ?? "", headers, fetch })(model);
  },
  async bedrock(imports) {
    const { createAmazonBedrock } = await imports.bedrock();
    return ({ baseUrl, apiKey, headers = {}, region, signing, fetch }, model) =>
      createAmazonBedrock({
        baseURL: baseUrl,
        // An empty key means that requests are signed.
        apiKey: apiKey ?? "",
        headers,
        ...(region === null ? {} : { region }),
        ...(signing ?? {}),
        fetch,
      })(model);
  },
};

function unusable(type: SdkType, why: string, cause?: unknown): ToolariumError {
  const name = packageNames[type];
  const message = `Providers of the type "${type}" need the package ${name}, ${why}. Run: npm install ${name}`;
  return new ToolariumError("config_error", message, { cause });
}
