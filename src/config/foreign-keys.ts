/** Settings in a server's entry that other clients use and that have another place here, each with advice. */

/** Null: the key can be left out without loss. Undefined: the key is unknown. */
export function adviceOnForeignKey(server: string, key: string, value: unknown): string | null | undefined {
  if (descriptive.has(key)) return null;
  const tools = toolsOf(server, value);
  if (automatic.has(key))
    return value === false || (Array.isArray(value) && value.length === 0)
      ? null
      : `is ignored: what runs without a person is listed in "tools": write "autoExecute": [${tools}] there`;
  if (allowed.has(key))
    return `is ignored: what may be called is listed in "tools": write "allow": [${tools}] there`;
  if (forbidden.has(key))
    return Array.isArray(value) && value.length === 0
      ? null
      : 'is ignored, so these tools CAN be called: write "allow" in "tools", with the tools that may be';
  return sayings.get(key);
}

const descriptive: ReadonlySet<string> = new Set([
  ...["name", "description", "title", "displayName", "icon", "logoUrl", "id", "version", "author", "tags"],
  ...["source", "gallery", "registryUrl", "provider", "providerUrl", "homepage", "installed", "metadata"],
]);
const automatic: ReadonlySet<string> = new Set([
  ...["alwaysAllow", "always_allow", "autoApprove", "auto_approve", "autoAllow", "autoExecute", "trust"],
  ...["approvedTools", "disabledAutoApproveTools", "tools_to_auto_execute"],
]);
const allowed: ReadonlySet<string> = new Set([
  ...["tools", "allow", "allowedTools", "allowed_tools", "includeTools", "include_tools", "includedTools"],
  ...["enabledTools", "enabled_tools", "tools_to_execute", "toolAllowlist"],
]);
const forbidden: ReadonlySet<string> = new Set([
  ...["disabledTools", "disabled_tools", "excludeTools", "exclude_tools", "excludedTools", "deniedTools"],
  ...["blockedTools", "toolDenylist"],
]);

const TIMEOUT = 'is ignored: write "timeoutMs" for a call, in milliseconds';
const START_TIMEOUT = 'is ignored: write "startTimeoutMs", in milliseconds';
const SIGN_IN = `is ignored: write "headers": { "Authorization": "Bearer \${TOKEN}" }, and set that variable`;

const sayings: ReadonlyMap<string, string> = new Map([
  ...(
    ["timeout", "timeoutSeconds", "timeout_ms", "requestTimeout", "toolTimeout", "tool_timeout_sec"] as const
  ).map((key) => [key, TIMEOUT] as const),
  ...(["initTimeout", "startupTimeout", "startup_timeout_sec", "startup_timeout_ms"] as const).map(
    (key) => [key, START_TIMEOUT] as const,
  ),
  ...(
    [
      "auth",
      "oauth",
      "authorization",
      "authProviderType",
      "bearerToken",
      "bearer_token_env_var",
      "apiKey",
    ] as const
  ).map((key) => [key, SIGN_IN] as const),
  ["envFile", `is ignored: write its variables in "env", e.g. "TOKEN": "\${file:token.txt}"`],
  [
    "env_vars",
    `is ignored: write "env": { "NAME": "\${NAME}" }; a server gets no other variable of the gateway`,
  ],
  ["shell", "is ignored: a command is started itself, not by a shell"],
]);

const TOLD_TOOLS = 5;

/** The tools as patterns for the configuration. Only names are echoed. */
function toolsOf(server: string, value: unknown): string {
  const names = Array.isArray(value) ? value.filter((name) => /^[\w.-]{1,64}$/.test(String(name))) : [];
  const told = names.length > 0 && names.length <= TOLD_TOOLS ? names : ["*"];
  return told.map((name) => JSON.stringify(`${server}/${name}`)).join(", ");
}
