/** Checks entries of `providers` and `models` and resolves them to the gateway's form. */
import type { z } from "zod";
import type { ProviderConfig, ProviderKey } from "./config.ts";
import { didYouMean } from "./problems.ts";
import type { ConfigFile, ProviderEntry } from "./schema.ts";
import type { ConfigRemark } from "./servers.ts";

/** An empty key, such as `${KEY:-}` leaves, counts as none. */
export function resolveProvider(name: string, entry: ProviderEntry): ProviderConfig {
  const { type, models, retries, firstByteTimeoutMs, idleTimeoutMs, region = null } = entry;
  return {
    name,
    type,
    // Missing only in a file that is refused.
    baseUrl: entry.baseUrl ?? defaultBaseUrl(entry) ?? "",
    apiKeys: keysOf(entry),
    ...headersOf(entry),
    ...(entry.proxy === undefined ? {} : { proxy: entry.proxy }),
    models: models.map((model) => (typeof model === "string" ? model : model.name)),
    ...modelOptionsOf(entry),
    retries,
    timeouts: { firstByteMs: firstByteTimeoutMs, idleMs: idleTimeoutMs },
    region,
    signing: signingOf(entry),
  };
}

/** Set here instead of by the packages, which would read the environment first. */
function defaultBaseUrl({ type, region }: ProviderEntry): string | undefined {
  switch (type) {
    case "openai":
      return undefined;
    case "anthropic":
      return "https://api.anthropic.com/v1";
    case "google":
      return "https://generativelanguage.googleapis.com/v1beta";
    case "bedrock":
      return region === undefined ? undefined : `https://bedrock-runtime.${region}.amazonaws.com`;
  }
}

function headersOf({ headers, organization, project }: ProviderEntry): Pick<ProviderConfig, "headers"> {
  const own = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  const all = {
    ...(organization === undefined ? {} : { "openai-organization": organization }),
    ...(project === undefined ? {} : { "openai-project": project }),
    ...Object.fromEntries(own),
  };
  return Object.keys(all).length === 0 ? {} : { headers: all };
}

function modelOptionsOf({ models }: ProviderEntry): Pick<ProviderConfig, "modelOptions"> {
  const entries = models.flatMap((model) => {
    if (typeof model === "string") return [];
    const { name, ...options } = model;
    return [[name, options] as const];
  });
  return entries.length === 0 ? {} : { modelOptions: Object.fromEntries(entries) };
}

function keysOf({ apiKey = "", apiKeys }: ProviderEntry): readonly ProviderKey[] {
  return apiKeys ?? (apiKey === "" ? [] : [{ key: apiKey, weight: 1 }]);
}

function signingOf({ accessKeyId, secretAccessKey, sessionToken }: ProviderEntry): ProviderConfig["signing"] {
  if (accessKeyId === undefined || secretAccessKey === undefined) return null;
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

export function checkProviders({ providers }: ConfigFile): readonly ConfigRemark[] {
  return Object.entries(providers).flatMap(([name, entry]) => [
    ...checkName(name),
    ...checkKeys(name, entry),
    ...checkType(name, entry),
    ...checkHeaders(name, entry),
  ]);
}

function checkName(name: string): readonly ConfigRemark[] {
  if (name !== "" && !name.includes("/") && name !== "builtin") return [];
  const message =
    name === "builtin" ? 'the name "builtin" is taken' : 'a provider\'s name is not empty and has no "/"';
  return [{ path: ["providers", name], part: "key", message }];
}

function checkKeys(provider: string, { apiKey, apiKeys = [] }: ProviderEntry): readonly ConfigRemark[] {
  const both: ConfigRemark = {
    path: ["providers", provider, "apiKeys"],
    part: "key",
    message: "says the same as apiKey, which is there too; keep one of them",
  };
  const repeated = apiKeys.flatMap(({ key }, index): readonly ConfigRemark[] =>
    apiKeys.findIndex((each) => each.key === key) === index
      ? []
      : [
          {
            path: ["providers", provider, "apiKeys", index, "key"],
            part: "value",
            message: "stands here twice; give one entry the weight of both",
          },
        ],
  );
  return [...(apiKey !== undefined && apiKeys.length > 0 ? [both] : []), ...repeated];
}

/** Whether the entry has everything that its type needs, and nothing that its type does not use. */
function checkType(provider: string, entry: ProviderEntry): readonly ConfigRemark[] {
  const { type, baseUrl, region } = entry;
  const remark = (key: string, part: ConfigRemark["part"], message: string): ConfigRemark => ({
    path: ["providers", provider, key],
    part,
    message,
  });
  const idle = BEDROCK_KEYS.filter((key) => type !== "bedrock" && entry[key] !== undefined).map((key) =>
    remark(key, "key", 'is only for providers of the type "bedrock"'),
  );
  const openAis = OPENAI_KEYS.filter((key) => type !== "openai" && entry[key] !== undefined).map((key) =>
    remark(key, "key", 'is only for providers of the type "openai"'),
  );
  if (type === "openai")
    return baseUrl === undefined
      ? [...idle, remark("baseUrl", "value", "is missing: expected a string")]
      : idle;
  const needs: ConfigRemark[] = [];
  if (type === "bedrock" && region === undefined)
    needs.push(remark("region", "value", 'is missing: expected an AWS region such as "eu-central-1"'));
  if (keysOf(entry).length === 0 && signingOf(entry) === null) {
    const or = type === "bedrock" ? ", or accessKeyId and secretAccessKey" : "";
    needs.push(
      remark("apiKey", "value", `is missing: a provider of the type "${type}" needs apiKey or apiKeys${or}`),
    );
  }
  return [...idle, ...openAis, ...needs];
}

const FRAMING = new Set(["host", "content-length", "content-type", "transfer-encoding", "connection"]);

/** Headers that frame or route a message cannot be configured. */
function checkHeaders(provider: string, { headers }: ProviderEntry): readonly ConfigRemark[] {
  return Object.keys(headers).flatMap((name): readonly ConfigRemark[] => {
    const message = FRAMING.has(name.toLowerCase())
      ? "is set by the gateway itself; leave it out"
      : /^[\w!#$%&'*+.^`|~-]+$/.test(name)
        ? undefined
        : "expected the name of a header";
    return message === undefined
      ? []
      : [{ path: ["providers", provider, "headers", name], part: "key", message }];
  });
}

const OPENAI_KEYS = ["organization", "project"] as const;
const BEDROCK_KEYS = ["region", "accessKeyId", "secretAccessKey", "sessionToken"] as const;

/** `issues`: faults in the file's shape. A provider with such faults counts as present, although it was not parsed. */
export function checkChains(
  { providers, models }: ConfigFile,
  issues: readonly z.core.$ZodIssue[],
): readonly ConfigRemark[] {
  const faulty = issues.flatMap(({ path }) => (path[0] === "providers" ? [String(path[1])] : []));
  const known = [...Object.keys(providers), ...faulty];
  return Object.entries(models).flatMap(([name, members]) => [
    ...checkChainName(name),
    ...members.flatMap((member, index): readonly ConfigRemark[] => {
      const message = describeBadMember(member, known);
      return message === undefined ? [] : [{ path: ["models", name, index], part: "value", message }];
    }),
  ]);
}

function checkChainName(name: string): readonly ConfigRemark[] {
  if (name !== "" && !name.includes("/") && !/:(code|agent|plain)$/.test(name)) return [];
  const message = 'the name of a chain is not empty, has no "/", and does not end in a mode';
  return [{ path: ["models", name], part: "key", message }];
}

function describeBadMember(member: string, known: readonly string[]): string | undefined {
  const [provider = "", ...model] = member.split("/");
  if (model.join("/") === "") return "expected provider/model";
  if (known.includes(provider)) return undefined;
  return `names a provider that is not configured${didYouMean(provider, known)}`;
}
