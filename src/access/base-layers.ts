/** What the deployment and the key of a caller say of tools: the layers under every policy. */

import type { Config, KeyConfig } from "../config/config.ts";
import type { PolicyLayer } from "../tools/policy-layer.ts";

/** What the deployment says, and what the caller's key says on top of it. */
export function baseLayers(config: Pick<Config, "tools">, key?: KeyConfig): readonly PolicyLayer[] {
  const { allow, autoExecute } = config.tools;
  const deployment: PolicyLayer = { rule: "tools.allow", allow, autoExecute, deployment: true };
  return key === undefined
    ? [deployment]
    : [deployment, { rule: `key ${JSON.stringify(key.name)}`, ...key.tools }];
}
