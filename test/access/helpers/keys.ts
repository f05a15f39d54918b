/** Configurations with keys, as far as access reads them. */
import type { Config, KeyConfig } from "../../../src/config/config.ts";
import { configFrom } from "../../../src/config/load.ts";

export function withKeys(...keys: readonly Partial<KeyConfig>[]): Config {
  const { config } = configFrom({ tools: { autoExecute: ["*"] } });
  return { ...config, keys: keys.map(keyOf) };
}

function keyOf(key: Partial<KeyConfig>): KeyConfig {
  const name = key.name ?? "bot";
  return { name, key: `${name}-key`, principal: name, may: ["run", "decide"], tools: {}, ...key };
}
