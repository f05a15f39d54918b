/**
 * Resolves a raw configuration from any source to the gateway's form: all faults are collected before it is refused.
 */

import type { z } from "zod";
import { defaultCeilings, defaultLimits, limitNames, type RunLimits } from "../../sandbox/index.ts";
import type { ServerSpec } from "../mcp/server.ts";
import { resolveStorePath } from "../store/settings.ts";
import type { Config, KeyConfig } from "./config.ts";
import type { Path } from "./document.ts";
import { faultsOfOutputSchemas, strangersAmong } from "./output-schemas.ts";
import { describeIssue, type Origins } from "./problems.ts";
import { checkChains, checkProviders, resolveProvider } from "./providers.ts";
import { type ConfigFile, configSchema } from "./schema.ts";
import { type ConfigRemark, resolveServer } from "./servers.ts";

export interface Resolved {
  /** Undefined when there are problems. */
  readonly config: Config | undefined;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

export interface ResolveSources {
  readonly origins: Origins;
  /** Servers that a file cannot describe. They come first. */
  readonly servers: readonly ServerSpec[];
  /** Paths that already have a fault: consequences of it are not reported. */
  readonly faulty: readonly Path[];
}

/** Shorter keys get a warning: 16 random characters cannot be guessed. */
const KEY_CHARS = 16;

export function resolveConfig(raw: unknown, { origins, servers, faulty }: ResolveSources): Resolved {
  const { file, issues, failed } = parseWhatCan(raw);
  const fresh = issues.filter(
    ({ path }) => !faulty.some((each) => each.every((step, index) => path[index] === step)),
  );
  const told = fresh.flatMap((issue) => origins.explain(issue, configSchema));
  if (file === undefined) return { config: undefined, problems: told, warnings: [] };

  const entries = Object.entries(file.mcpServers).map(([name, entry]) => resolveServer(name, entry));
  const specs = [...servers, ...entries.flatMap(({ spec }) => spec ?? [])];
  const limits = resolveLimits(file);
  const problems = [
    ...entries.flatMap((entry) => entry.problems),
    ...checkServerNames(servers, file),
    ...checkProviders(file),
    ...(failed.has("providers") ? [] : checkChains(file, issues)),
    ...(failed.has("limits") || failed.has("limitCeilings") ? [] : limits.problems),
    ...checkKeys(file),
    ...checkDecides(file),
    ...faultsOfOutputSchemas(file.tools.outputSchemas),
    ...(failed.has("keys") || failed.has("server") ? [] : checkOpenToOthers(file)),
  ];
  const warnings = [
    ...entries.flatMap((entry) => entry.warnings),
    ...checkKeyLengths(file),
    ...checkPatterns(file),
    ...strangersAmong(file.tools.outputSchemas, [
      ...servers.map(({ name }) => name),
      ...Object.keys(file.mcpServers),
    ]),
  ];
  const lines = [...told, ...problems.map((remark) => lineOf(remark, origins))];
  return {
    config: lines.length === 0 && issues.length === 0 ? toConfig(file, specs, limits) : undefined,
    problems: lines,
    warnings: warnings.map((remark) => lineOf(remark, origins)),
  };
}

/** Sections that are maps of names: their valid entries are checked even if others are faulty. */
const NAMED_ENTRIES: ReadonlySet<unknown> = new Set(["mcpServers", "providers", "models"]);

/** Leaves out the parts that do not parse, so that the rest can be checked for faults of its own. */
function parseWhatCan(raw: unknown): {
  readonly file: ConfigFile | undefined;
  readonly issues: readonly z.core.$ZodIssue[];
  readonly failed: ReadonlySet<string>;
} {
  const whole = configSchema.safeParse(raw, { error: describeIssue });
  if (whole.success) return { file: whole.data, issues: [], failed: new Set() };
  const { issues } = whole.error;
  const rest: unknown = structuredClone(raw);
  const failed = new Set<string>();
  for (const issue of issues) {
    const [section, name] = issue.path;
    const isEntry = section !== undefined && name !== undefined && NAMED_ENTRIES.has(section);
    const unknown = issue.code === "unrecognized_keys" && section === undefined ? issue.keys : [];
    for (const key of isEntry ? [name] : section === undefined ? unknown : [section])
      Reflect.deleteProperty(asObject(isEntry ? Reflect.get(asObject(rest), section) : rest), key);
    if (!isEntry && section !== undefined) failed.add(String(section));
  }
  return { file: configSchema.safeParse(rest).data, issues, failed };
}

function asObject(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}

function lineOf({ path, part, message }: ConfigRemark, origins: Origins): string {
  return `${origins.at(path, part)}: ${message}`;
}

function checkServerNames(
  servers: readonly ServerSpec[],
  { mcpServers }: ConfigFile,
): readonly ConfigRemark[] {
  return servers
    .filter(({ name }) => Object.hasOwn(mcpServers, name))
    .map(({ name }) => ({
      path: ["mcpServers", name],
      part: "key",
      message: "a server of this name is there already",
    }));
}

/** A default above a lowered ceiling is lowered too; an explicit limit is not. */
function resolveLimits(file: ConfigFile): {
  readonly limits: RunLimits;
  readonly ceilings: RunLimits;
  readonly problems: readonly ConfigRemark[];
} {
  const ceilings: RunLimits = { ...defaultCeilings, ...file.limitCeilings };
  const limits: Record<keyof RunLimits, number> = { ...defaultLimits, ...file.limits };
  const problems: ConfigRemark[] = [];
  for (const name of limitNames) {
    if (limits[name] <= ceilings[name]) continue;
    const message = `is above limitCeilings.${name}, which is ${ceilings[name]}`;
    if (file.limits[name] !== undefined) problems.push({ path: ["limits", name], part: "value", message });
    limits[name] = ceilings[name];
  }
  return { limits, ceilings, problems };
}

function checkKeys({ keys }: ConfigFile): readonly ConfigRemark[] {
  return keys.flatMap((key, index) => {
    const before = keys.slice(0, index);
    const repeated = (["name", "key"] as const).filter((field) =>
      before.some((each) => each[field] === key[field]),
    );
    return repeated.map(
      (field): ConfigRemark => ({
        path: ["keys", index, field],
        part: "value",
        message: "another key has the same",
      }),
    );
  });
}

/** `decides` has no effect on a key that may not decide. */
function checkDecides({ keys }: ConfigFile): readonly ConfigRemark[] {
  return keys.flatMap(({ decides, may }, index): readonly ConfigRemark[] =>
    decides === undefined || may.includes("decide")
      ? []
      : [
          {
            path: ["keys", index, "decides"],
            part: "key",
            message: 'needs the right to decide: add "decide" to the key\'s may',
          },
        ],
  );
}

function checkKeyLengths({ keys }: ConfigFile): readonly ConfigRemark[] {
  return keys.flatMap(({ key }, index) =>
    key.length >= KEY_CHARS
      ? []
      : [
          {
            path: ["keys", index, "key"],
            part: "value" as const,
            message: `is shorter than ${KEY_CHARS} characters; make it long and random`,
          },
        ],
  );
}

function checkOpenToOthers({ server, keys }: ConfigFile): readonly ConfigRemark[] {
  if (keys.length > 0 || isLoopback(server.host)) return [];
  const example = `"keys": [{ "name": "me", "key": "\${MY_KEY}" }]`;
  const message = `whoever reaches an address that is not loopback could use every tool: add keys, e.g. ${example}, or use 127.0.0.1`;
  return [{ path: ["server", "host"], part: "value", message }];
}

function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
}

/** A pattern that matches nothing is not an error, but probably a mistake. */
function checkPatterns({ tools, keys }: ConfigFile): readonly ConfigRemark[] {
  const lists: readonly (readonly [Path, readonly string[] | undefined])[] = [
    ...(["allow", "autoExecute", "readOnly", "idempotent"] as const).map(
      (list) => [["tools", list], tools[list]] as const,
    ),
    ...keys.flatMap((key, index) =>
      (["allow", "autoExecute"] as const).map(
        (list) => [["keys", index, "tools", list], key.tools[list]] as const,
      ),
    ),
  ];
  return lists.flatMap(([path, patterns = []]) =>
    patterns.flatMap((pattern, index) =>
      pattern === "*" || pattern.includes("/")
        ? []
        : [
            {
              path: [...path, index],
              part: "value" as const,
              message: 'has no "/", so it matches nothing; write server/tool, server/* or *',
            },
          ],
    ),
  );
}

function toConfig(
  file: ConfigFile,
  servers: readonly ServerSpec[],
  { limits, ceilings }: { readonly limits: RunLimits; readonly ceilings: RunLimits },
): Config {
  const { $schema: _, mcpServers: __, limitCeilings: ___, providers, models, keys, store, ...rest } = file;
  return {
    ...rest,
    servers,
    limits,
    limitCeilings: ceilings,
    providers: Object.entries(providers).map(([name, entry]) => resolveProvider(name, entry)),
    models: Object.entries(models).map(([name, members]) => ({ name, members })),
    keys: keys.map((key): KeyConfig => ({ ...key, principal: key.principal ?? key.name })),
    store: { ...store, path: resolveStorePath(store.path) },
  };
}
