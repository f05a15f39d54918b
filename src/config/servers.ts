/** Resolves entries of `mcpServers` to the servers that the hub connects to. */
import type { ServerSpec } from "../mcp/server.ts";
import type { Path } from "./document.ts";
import { adviceOnForeignKey } from "./foreign-keys.ts";
import { didYouMean } from "./problems.ts";
import type { ServerEntry } from "./schema.ts";

/** A remark about an entry, with its place. */
export interface ConfigRemark {
  readonly path: Path;
  readonly part: "key" | "value";
  readonly message: string;
}

export interface ResolvedServer {
  readonly spec: ServerSpec | undefined;
  readonly problems: readonly ConfigRemark[];
  readonly warnings: readonly ConfigRemark[];
}

const knownKeys: readonly (keyof ServerEntry & string)[] = [
  "type",
  "command",
  "args",
  "env",
  "cwd",
  "url",
  "headers",
  "disabled",
  "startTimeoutMs",
  "timeoutMs",
  "protocol",
  "trustAnnotations",
];

/** Without `type`, `command` means stdio and `url` means streamable HTTP, with a fallback to SSE. */
export function resolveServer(name: string, entry: ServerEntry): ResolvedServer {
  const path = ["mcpServers", name];
  const target = resolveTarget(entry);
  const problems = [describeBadName(name), "problem" in target ? target.problem : undefined]
    .filter((message) => message !== undefined)
    .map((message): ConfigRemark => ({ path, part: "key", message }));
  const warnings = Object.keys(entry)
    .filter((key) => !knownKeys.includes(key))
    .flatMap((key): readonly ConfigRemark[] => {
      const advice = adviceOnForeignKey(name, key, entry[key]);
      if (advice === null) return [];
      const message =
        advice ?? `is ignored: Toolarium has no such server setting${didYouMean(key, knownKeys)}`;
      return [{ path: [...path, key], part: "key", message }];
    });
  const spec =
    problems.length > 0 || "problem" in target ? undefined : { ...commonOf(name, entry), ...target };
  return { spec, problems, warnings };
}

function describeBadName(name: string): string | undefined {
  if (name === "local") return 'the name "local" belongs to tools that are defined in code';
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(name) && !name.includes("__")) return undefined;
  const rule =
    'a server\'s name has at most 64 letters, digits, "_", "." and "-", begins with a letter or digit, and has no "__"';
  const cleaned = cleanName(name);
  return cleaned === "" ? rule : `${rule}; write e.g. ${JSON.stringify(cleaned)}`;
}

/** `@org/server-files` → `server-files`, `My Server` → `My-Server` */
function cleanName(name: string): string {
  const last = name.split("/").findLast((part) => /[A-Za-z0-9]/.test(part)) ?? "";
  return last
    .replace(/[^A-Za-z0-9_.-]+/g, "-")
    .replace(/__+/g, "_")
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "")
    .slice(0, 64);
}

type Target =
  | Pick<Extract<ServerSpec, { type: "stdio" }>, "type" | "command" | "args" | "env" | "cwd">
  | Pick<Extract<ServerSpec, { type: "http" | "sse" }>, "type" | "url" | "headers" | "fallbackToSse">;

function resolveTarget(entry: ServerEntry): Target | { readonly problem: string } {
  const { type, command, args, env, cwd, url, headers } = entry;
  if (type === undefined && command !== undefined && url !== undefined)
    return { problem: "has a command and a url: keep one, or say which by type" };
  if (type === "stdio" || (type === undefined && command !== undefined)) {
    if (command === undefined) return { problem: "a stdio server needs a command" };
    return { type: "stdio", command, args, env, ...(cwd === undefined ? {} : { cwd }) };
  }
  if (url === undefined)
    return {
      problem: type === undefined ? "needs a command or a url" : `a server of type ${type} needs a url`,
    };
  return type === "sse"
    ? { type: "sse", url, headers, fallbackToSse: false }
    : { type: "http", url, headers, fallbackToSse: true };
}

function commonOf(
  name: string,
  { disabled, startTimeoutMs, timeoutMs, trustAnnotations, protocol }: ServerEntry,
) {
  return {
    name,
    disabled,
    startTimeoutMs,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    trustAnnotations,
    protocol,
  };
}
