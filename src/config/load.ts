/**
 * Loads the configuration from a file, the environment and flags. No other file reads the environment or expands
 * `${…}`.
 */

import { ToolariumError } from "../errors.ts";
import { isRecord } from "../json.ts";
import type { ServerSpec } from "../mcp/server.ts";
import type { Config } from "./config.ts";
import type { Path } from "./document.ts";
import { readEnvironment } from "./environment.ts";
import { createOrigins, type Override } from "./problems.ts";
import { resolveConfig } from "./resolve.ts";
import { configSchema } from "./schema.ts";
import { type ConfigSource, readConfigFile, sourceInCode } from "./source.ts";

export interface LoadOptions {
  /** The file. Absent: `TOOLARIUM_CONFIG`, else the demo. */
  readonly path?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly flags?: { readonly host?: string | undefined; readonly port?: number | undefined };
  /** Called only without a file. `config` has the shape of a file's content; its strings are not expanded. */
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
 * `config`: an object as a configuration file holds it. `servers`: beside its `mcpServers`, those that no file can
 * describe, such as `localServer(tools)`.
 *
 * @throws `config_error` with one line for every fault: the key, and what was expected
 *
 * @example
 * import { configFrom } from "toolarium";
 *
 * const { config, warnings } = configFrom({
 *   mcpServers: { crm: { url: "https://crm.example/mcp" } },
 *   tools: { allow: ["crm/get_*"], autoExecute: ["crm/get_*"] },
 * });
 * console.log(config.servers[0]?.name, config.server.port, warnings.length); // crm 8080 0
 */
export function configFrom(
  config: unknown,
  servers: readonly ServerSpec[] = [],
): Omit<LoadedConfig, "source"> {
  return finish(sourceInCode("options", { config, servers }), [], []);
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

/** A value whose path leads through a non-object is left for the schema to refuse. */
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
