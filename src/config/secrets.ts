/** The secret values of a configuration. */

import { serverSecrets } from "../mcp/redact.ts";
import { headerSecrets, loginSecrets, MIN_SECRET_CHARS } from "../secrets.ts";
import type { Config, ProviderConfig } from "./config.ts";

/** Every secret of the configuration, longest first: none may appear in the log. */
export function redactions(config: Pick<Config, "keys" | "providers" | "servers">): readonly string[] {
  const values = [
    ...config.keys.map(({ key }) => key),
    ...config.providers.flatMap((provider) => [
      ...providerSecrets(provider),
      ...loginSecrets(provider.baseUrl),
    ]),
    ...config.servers.flatMap(serverSecrets),
  ];
  return [...new Set(values)]
    .filter((value) => value.length >= MIN_SECRET_CHARS)
    .sort((a, b) => b.length - a.length);
}

/** Every secret that is sent to a provider, or to the proxy in front of it. */
export function providerSecrets({
  apiKeys,
  signing,
  headers = {},
  proxy,
}: Pick<ProviderConfig, "apiKeys" | "signing" | "headers" | "proxy">): readonly string[] {
  return [
    ...apiKeys.map(({ key }) => key),
    ...Object.values(signing ?? {}),
    ...Object.values(headers).flatMap(headerSecrets),
    ...(proxy === undefined ? [] : loginSecrets(proxy)),
  ];
}
