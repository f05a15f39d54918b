/** The command line as data: parsed and checked, not yet carried out. */

import { parseArgs } from "node:util";
import { z } from "zod";
import { ToolariumError } from "../errors.ts";
import { parseJson } from "../json.ts";
import { type AuditFilters, auditFilterFields, timesInOrder } from "../runs/read/audit-query.ts";
import { nearestNames } from "../tools/nearest.ts";

export type Command =
  | { readonly type: "help" }
  | { readonly type: "version" }
  | ServeCommand
  | RunCommand
  | McpCommand
  | AuditCommand
  | VerifyCommand
  | ReplayCommand;

export interface ServeCommand {
  readonly type: "serve";
  readonly configPath?: string;
  readonly host?: string;
  /** 0–65535; 0 picks a free port. */
  readonly port?: number;
}

export interface RunCommand {
  readonly type: "run";
  /** `-` is standard input. */
  readonly file: string;
  readonly configPath?: string;
  /** Print the whole report instead of the result. */
  readonly json: boolean;
  /** The program's global `input`; absent: undefined. */
  readonly input?: unknown;
}

export interface McpCommand {
  readonly type: "mcp";
  readonly face: "code" | "tools";
  readonly configPath?: string;
  /** Of a running gateway, whose MCP server is passed on; absent: a gateway of its own. */
  readonly url?: URL;
}

export interface AuditCommand {
  readonly type: "audit";
  readonly configPath?: string;
  /** Print one JSON object per line instead of a table. */
  readonly json: boolean;
  readonly filters: AuditFilters;
  /** At least 1. */
  readonly limit: number;
}

/** `audit --verify` */
export interface VerifyCommand {
  readonly type: "verify";
  readonly configPath?: string;
  readonly json: boolean;
  /** Absent: all runs. */
  readonly run?: string;
}

export interface ReplayCommand {
  readonly type: "replay";
  readonly run: string;
  readonly configPath?: string;
  readonly json: boolean;
}

/** Parses the arguments after the script's name. @throws `usage_error` that names the argument and what was expected */
export function parseCommand(argv: readonly string[]): Command {
  const { values, positionals } = parseStrictly(argv);
  if (values.help) return { type: "help" };
  if (values.version) return { type: "version" };

  const [name = "serve", ...operands] = positionals;
  switch (name) {
    case "serve":
      return parseServe(values, operands);
    case "run":
      return parseRun(values, operands);
    case "mcp":
      return parseMcp(values, operands);
    case "audit":
      return values.verify ? parseVerify(values, operands) : parseAudit(values, operands);
    case "replay":
      return parseReplay(values, operands);
    default:
      throw usageError(describeUnknownCommand(name));
  }
}

const options = {
  config: { type: "string" },
  host: { type: "string" },
  port: { type: "string" },
  json: { type: "boolean" },
  input: { type: "string" },
  face: { type: "string" },
  url: { type: "string" },
  tool: { type: "string" },
  server: { type: "string" },
  decision: { type: "string" },
  run: { type: "string" },
  from: { type: "string" },
  to: { type: "string" },
  limit: { type: "string" },
  verify: { type: "boolean" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean" },
} as const;

type Option = keyof typeof options;

type Values = {
  readonly [O in Option]?: ((typeof options)[O]["type"] extends "boolean" ? boolean : string) | undefined;
};

function parseStrictly(argv: readonly string[]): {
  readonly values: Values;
  readonly positionals: readonly string[];
} {
  try {
    return parseArgs({ args: [...argv], allowPositionals: true, options });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw usageError(describeMisread(message));
  }
}

/** Node's messages mention `--` and kinds of arguments; the reader needs the name that was probably meant. */
function describeMisread(message: string): string {
  const unknown = /^Unknown option '(?<option>-[^']*)'/.exec(message)?.groups?.["option"];
  if (unknown !== undefined) {
    const [near] = nearestNames(unknown.replace(/^-+/, ""), Object.keys(options), 1);
    return `There is no option ${unknown}${near === undefined ? "" : `; did you mean --${near}?`}`;
  }
  const bare = /^Option '(?:-\w, )?(?<option>--[\w-]+) <value>' argument (?:missing|is ambiguous)/.exec(
    message,
  );
  const option = bare?.groups?.["option"];
  return option === undefined ? message : `${option} needs a value after it`;
}

const commandNames = ["serve", "run", "mcp", "audit", "replay"] as const;

function describeUnknownCommand(name: string): string {
  const quoted = JSON.stringify(name);
  if (/\.jsonc?$/i.test(name)) return `There is no command ${quoted}. A configuration goes behind --config`;
  if (/\.[cm]?[jt]s$/i.test(name))
    return `There is no command ${quoted}. To run a program: toolarium run ${name}`;
  const [near] = nearestNames(name, commandNames, 1);
  if (near !== undefined) return `There is no command ${quoted}; did you mean ${near}?`;
  return `There is no command ${quoted}. The commands are serve, run, mcp, audit and replay`;
}

function parseServe(values: Values, operands: readonly string[]): ServeCommand {
  refuseExtra("serve", operands);
  refuseOthers("serve", values, ["config", "host", "port"]);
  const host = values.host === undefined ? {} : { host: values.host };
  const port = values.port === undefined ? {} : { port: parsePort(values.port) };
  return { type: "serve", ...configPathOf(values), ...host, ...port };
}

function parseRun(values: Values, [file, ...more]: readonly string[]): RunCommand {
  if (file === undefined) throw usageError("`run` needs a program: a file name, or - for standard input.");
  refuseExtra("run", more);
  refuseOthers("run", values, ["config", "json", "input"]);
  const input = values.input === undefined ? {} : { input: parseInput(values.input) };
  return { type: "run", file, ...configPathOf(values), json: values.json ?? false, ...input };
}

function parseMcp(values: Values, operands: readonly string[]): McpCommand {
  refuseExtra("mcp", operands);
  refuseOthers("mcp", values, ["config", "face", "url"]);
  const { face = "code", url } = values;
  if (face !== "code" && face !== "tools")
    throw usageError(`--face wants code or tools, not ${JSON.stringify(face)}.`);
  if (url === undefined) return { type: "mcp", face, ...configPathOf(values) };
  if (values.config !== undefined)
    throw usageError("`mcp` takes --config or --url: a running gateway has its own.");
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw usageError(`--url wants an address as in http://127.0.0.1:8080, not ${JSON.stringify(url)}.`);
  return { type: "mcp", face, url: new URL(url) };
}

const filterNames = ["tool", "server", "decision", "run", "from", "to"] as const satisfies readonly Option[];
const filterSchema = z.strictObject(auditFilterFields).check(timesInOrder);

function parseAudit(values: Values, operands: readonly string[]): AuditCommand {
  refuseExtra("audit", operands);
  refuseOthers("audit", values, [...filterNames, "config", "json", "limit"]);
  const given = filterNames.filter((name) => values[name] !== undefined);
  const parsed = filterSchema.safeParse(Object.fromEntries(given.map((name) => [name, values[name]])));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw usageError(`--${String(issue?.path[0])}: ${issue?.message}`);
  }
  return {
    type: "audit",
    ...configPathOf(values),
    json: values.json ?? false,
    filters: parsed.data,
    limit: values.limit === undefined ? 50 : parseLimit(values.limit),
  };
}

function parseVerify(values: Values, operands: readonly string[]): VerifyCommand {
  refuseExtra("audit --verify", operands);
  refuseOthers("audit --verify", values, ["verify", "config", "json", "run"]);
  const run = values.run === undefined ? {} : { run: values.run };
  return { type: "verify", ...configPathOf(values), json: values.json ?? false, ...run };
}

function parseReplay(values: Values, [run, ...more]: readonly string[]): ReplayCommand {
  if (run === undefined) throw usageError("`replay` needs the id of a run.");
  refuseExtra("replay", more);
  refuseOthers("replay", values, ["config", "json"]);
  return { type: "replay", run, ...configPathOf(values), json: values.json ?? false };
}

function configPathOf({ config }: Values): { readonly configPath?: string } {
  return config === undefined ? {} : { configPath: config };
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw usageError(`--port wants a number from 0 to 65535, not ${JSON.stringify(text)}.`);
  return port;
}

function parseLimit(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw usageError(`--limit wants a whole number from 1 on, not ${JSON.stringify(text)}.`);
  return Number(text);
}

function parseInput(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw usageError(`--input wants JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function refuseExtra(command: string, operands: readonly string[]): void {
  if (operands.length > 0)
    throw usageError(`\`${command}\` does not know what to do with ${JSON.stringify(operands[0])}.`);
}

function refuseOthers(command: string, values: Values, known: readonly Option[]): void {
  const other = Object.keys(values).find((name) => !known.some((option) => option === name));
  if (other !== undefined) throw usageError(`\`${command}\` has no option --${other}.`);
}

/** Node's messages end without a full stop. */
function usageError(message: string): ToolariumError {
  const sentence = message.endsWith("?") ? message : `${message.replace(/\.$/, "")}.`;
  return new ToolariumError("usage_error", `${sentence} Try toolarium --help.`);
}
