/** The layers under every policy: what the configuration and the caller's key allow. */

import type { Config, KeyConfig } from "../config/config.ts";
import type { PolicyLayer } from "../tools/policy-layer.ts";

/** The configuration's layer, and the key's layer on top of it. */
export function baseLayers(config: Pick<Config, "tools">, key?: KeyConfig): readonly PolicyLayer[] {
  const { allow, autoExecute } = config.tools;
  const deployment: PolicyLayer = { rule: "tools.allow", allow, autoExecute, deployment: true };
  return key === undefined
    ? [deployment]
    : [deployment, { rule: `key ${JSON.stringify(key.name)}`, ...key.tools }];
}

/**
 * The layers that apply now to a run that this key started at any time. Null: the gateway had no keys then. A key that
 * is no longer configured allows nothing.
 */
export function presentLayers(
  config: Pick<Config, "tools" | "keys">,
  keyName: string | null,
): readonly PolicyLayer[] {
  if (keyName === null) return baseLayers(config);
  const key = config.keys.find(({ name }) => name === keyName);
  if (key !== undefined) return baseLayers(config, key);
  return [{ rule: `the key ${JSON.stringify(keyName)}, which is no longer configured,`, allow: [] }];
}
