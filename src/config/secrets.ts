/** Which values of a configuration are secrets. */

import type { ServerSpec } from "../mcp/server.ts";
import type { Config, ProviderConfig } from "./config.ts";

/** Every secret of the configuration, the longest first: what must not stand in a message or a log. */
export function redactions(config: Config): readonly string[] {
  const values = [
    ...config.keys.map(({ key }) => key),
    ...config.providers.flatMap(providerSecrets),
    ...config.servers.flatMap(secretsOf),
  ];
  return [...new Set(values)]
    .filter((value) => value.length >= REDACTED_CHARS)
    .sort((a, b) => b.length - a.length);
}

/** Every secret that a provider is shown. */
export function providerSecrets({
  apiKeys,
  signing,
  headers = {},
  proxy,
}: Pick<ProviderConfig, "apiKeys" | "signing" | "headers" | "proxy">): readonly string[] {
  const password = proxy === undefined ? "" : decodeURIComponent(new URL(proxy).password);
  return [
    ...apiKeys.map(({ key }) => key),
    ...Object.values(signing ?? {}),
    ...Object.values(headers).flatMap(headerSecrets),
    ...(password === "" ? [] : [password]),
  ];
}

/** `Bearer abc` hides `abc` too. */
function headerSecrets(value: string): readonly string[] {
  return [value, value.slice(value.indexOf(" ") + 1)];
}

/** Shorter values are not told apart from ordinary text. */
const REDACTED_CHARS = 6;

function secretsOf(server: ServerSpec): readonly string[] {
  if (server.type === "stdio") return Object.values(server.env);
  if (server.type !== "http" && server.type !== "sse") return [];
  return Object.values(server.headers).flatMap(headerSecrets);
}
