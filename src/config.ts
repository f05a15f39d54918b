/**
 * The configuration: what the gateway uses, and how it comes from a file, the environment and flags. Nothing else
 * reads the environment or expands `${…}`.
 */
import type { RunLimits } from "../sandbox/index.ts";
import type { Path } from "./config/document.ts";
import { readEnvironment } from "./config/environment.ts";
import { isRecord } from "./config/json-object.ts";
import type { Mode } from "./config/modes.ts";
import { createOrigins, type Override } from "./config/problems.ts";
import { resolveConfig } from "./config/resolve.ts";
import { configSchema } from "./config/schema.ts";
import { type ConfigSource, readConfigFile, sourceInCode } from "./config/source.ts";
import { ToolariumError } from "./errors.ts";
import type { ServerSpec } from "./mcp/hub.ts";
import type { JsonSchema } from "./tools/catalog.ts";
import type { UpstreamTimeouts } from "./upstream/provider/watchdog.ts";

export type Right = "run" | "decide" | "admin";

/** What the gateway does for one answer to a chat. */
export interface AgentLimits {
  readonly maxTurns?: number;
  readonly maxToolCalls?: number;
  readonly maxWallMs?: number;
}

export interface KeyConfig {
  readonly name: string;
  readonly key: string;
  readonly principal: string;
  readonly may: readonly Right[];
  /** Principals, with `*` as a wildcard, whose waiting calls it sees and decides besides its own: those its `tools.allow` includes. */
  readonly decides?: readonly string[];
  readonly mode?: Mode;
  readonly tools: { readonly allow?: readonly string[]; readonly autoExecute?: readonly string[] };
  /** Narrower than the deployment's. */
  readonly agent?: AgentLimits;
  readonly maxConcurrent?: number;
  readonly ratePerMinute?: number;
}

export interface ProviderKey {
  readonly key: string;
  /** Its share of the requests, beside the weights of the other keys. */
  readonly weight: number;
}

export interface ProviderConfig {
  readonly name: string;
  /** The protocol it speaks; `openai` is OpenAI's chat completions, whoever offers them. */
  readonly type: "openai" | "anthropic" | "google" | "bedrock";
  readonly baseUrl: string;
  /** Sent with every request; names in lower case. Its own words win over what we would say, `authorization` included. */
  readonly headers?: { readonly [name: string]: string };
  /** Address of the proxy its requests go through. Absent: the environment's, if it names one. */
  readonly proxy?: string;
  /** Empty: none is sent. */
  readonly apiKeys: readonly ProviderKey[];
  readonly models: readonly string[];
  /** By the names of models; most have none. */
  readonly modelOptions?: { readonly [model: string]: ModelOptions };
  /** How often a request is sent again where nothing of an answer has come. */
  readonly retries: number;
  readonly timeouts: UpstreamTimeouts;
  /** Of Bedrock only. */
  readonly region: string | null;
  /** Of Bedrock without keys: what its requests are signed with. */
  readonly signing: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  } | null;
}

/** What the operator says of requests for one model. */
export interface ModelOptions {
  /** Parameters that are never sent. */
  readonly omit?: readonly string[];
  /** Parameters that are always sent, whatever the request says. */
  readonly set?: { readonly [name: string]: unknown };
  /** Whether it sees images. Default: as far as its name tells. */
  readonly images?: boolean;
}

/** One name for several models, the first that answers counts. */
export interface ModelChain {
  readonly name: string;
  /** `provider/model` each. */
  readonly members: readonly string[];
}

export interface Config {
  readonly servers: readonly ServerSpec[];
  readonly mcp: { readonly readyWaitMs: number; readonly maxMessageBytes: number };
  readonly tools: {
    readonly allow: readonly string[];
    readonly autoExecute: readonly string[];
    readonly readOnly: readonly string[];
    readonly idempotent: readonly string[];
    readonly timeoutMs: number;
    /** Up to this a tool that reports progress extends `timeoutMs`. */
    readonly maxTimeoutMs: number;
    /** What tools give, by their ids: declared to programs, in place of what their servers say. */
    readonly outputSchemas: { readonly [id: string]: JsonSchema };
  };
  readonly providers: readonly ProviderConfig[];
  readonly models: readonly ModelChain[];
  readonly limits: RunLimits;
  readonly limitCeilings: RunLimits;
  readonly sandbox: {
    readonly workers: number;
    readonly runsPerWorker: number;
    readonly queue: number;
    readonly isolation: "principal" | "run";
    readonly wrapper: readonly string[];
  };
  readonly agent: AgentLimits & { readonly maxTurns: number; readonly resultTokens: number };
  readonly declarations: { readonly tokenBudget: number; readonly learn: boolean };
  readonly approvals: { readonly expiresMs: number };
  readonly keys: readonly KeyConfig[];
  readonly store: {
    readonly path: string;
    readonly retentionDays: number;
    readonly fsync: boolean;
    readonly maxBytes?: number | undefined;
    readonly maxBytesPerPrincipal?: number | undefined;
  };
  readonly server: {
    readonly host: string;
    readonly port: number;
    readonly allowedHosts: readonly string[];
    readonly allowedOrigins: readonly string[];
    readonly admin: boolean;
    readonly modelSuffixes: boolean;
    readonly bodyLimitBytes: number;
    readonly chatBodyLimitBytes: number;
    readonly memoryBudgetMb: number;
    readonly reattachMs: number;
  };
}

export interface LoadOptions {
  /** The file; absent: `TOOLARIUM_CONFIG`, else the demo. */
  readonly path?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly flags?: { readonly host?: string | undefined; readonly port?: number | undefined };
  /** Asked only when there is no file. `config` is as it would stand in one; its strings are not expanded. */
  readonly demo: () => { readonly config: unknown; readonly servers: readonly ServerSpec[] };
}

export interface LoadedConfig {
  readonly config: Config;
  /** One line each, for the log. */
  readonly warnings: readonly string[];
  /** The file's name as it was given, or `demo`. */
  readonly source: string;
}

/**
 * Loads the configuration: flags, then the environment, then the file, then defaults. Relative paths in a file are
 * relative to it, those in variables to the working directory.
 *
 * @throws `config_error` with one line for every fault: file, line and column, key, and what was expected. Values are
 *   never in it.
 */
export async function loadConfig({ path, env, flags = {}, demo }: LoadOptions): Promise<LoadedConfig> {
  const file = path ?? (env["TOOLARIUM_CONFIG"] || undefined);
  const base = file === undefined ? sourceInCode("demo", demo()) : await readConfigFile(file, env);
  const settings = readEnvironment(env, configSchema, base.raw);
  const { config, warnings } = finish(
    base,
    [...settings.overrides, ...overridesOf(flags)],
    settings.problems,
  );
  return { config, warnings, source: base.name };
}

/**
 * The configuration of a gateway made in code: no file, no environment, nothing expanded, and the store in memory
 * unless it says otherwise.
 *
 * @throws `config_error` as `loadConfig` does
 */
export function configFrom(
  config: unknown,
  servers: readonly ServerSpec[] = [],
): Omit<LoadedConfig, "source"> {
  return finish(sourceInCode("options", { config, servers }), [], []);
}

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

function finish(
  base: ConfigSource,
  overrides: readonly Override[],
  problems: readonly string[],
): Omit<LoadedConfig, "source"> {
  const { name, raw, document, servers, faults, warnings, toFilePath } = base;
  const origins = createOrigins({
    source: name,
    ...(document === undefined ? {} : { document }),
    overrides,
    toFilePath,
  });
  for (const { path, value } of overrides) setAt(raw, path, value);
  const resolved = resolveConfig(raw, { origins, servers, faulty: faults.map(({ path }) => path) });
  const lines = [
    ...faults.map(({ path, part, message }) => `${origins.at(path, part)}: ${message}`),
    ...problems,
    ...resolved.problems,
  ];
  if (lines.length > 0 || resolved.config === undefined) throw configError(lines);
  const remarks = warnings.map(({ path, part, message }) => `${origins.at(path, part)}: ${message}`);
  return { config: resolved.config, warnings: [...remarks, ...resolved.warnings] };
}

function overridesOf({ host, port }: NonNullable<LoadOptions["flags"]>): readonly Override[] {
  return [
    ...(host === undefined ? [] : [{ path: ["server", "host"], value: host, label: "--host" }]),
    ...(port === undefined ? [] : [{ path: ["server", "port"], value: port, label: "--port" }]),
  ];
}

/** Values on the way to a place that is something else already are left to the schema to refuse. */
function setAt(holder: Record<string, unknown>, [first, ...rest]: Path, value: unknown): void {
  if (first === undefined) return;
  if (rest.length === 0) holder[first] = value;
  else {
    const inner = holder[first] ?? {};
    holder[first] = inner;
    if (isRecord(inner)) setAt(inner, rest, value);
  }
}

function configError(lines: readonly string[]): ToolariumError {
  return new ToolariumError("config_error", lines.join("\n"));
}
