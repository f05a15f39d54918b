/** The command line as data: what was asked for, checked, with nothing done yet. */
import { parseArgs } from "node:util";
import { ToolariumError } from "../errors.ts";

export type Command = { readonly type: "help" } | { readonly type: "version" } | ServeCommand | RunCommand;

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

export const usage = `Usage: toolarium [serve] [--config FILE] [--host HOST] [--port PORT]
       toolarium run FILE|- [--config FILE] [--json] [--input JSON]

  serve    Start the gateway. Without a configuration it serves the demo on http://127.0.0.1:8080.
  run      Run one program without a server. Console lines go to stderr, the result to stdout as JSON.

  --config FILE  Configuration: JSON with comments. Default: $TOOLARIUM_CONFIG, else the demo.
  --host HOST    Address to listen on. Default 127.0.0.1; any that is not loopback needs keys.
  --port PORT    Port to listen on. Default 8080; 0 picks a free one.
  --json         Print the whole report instead of the result.
  --input JSON   The value of the program's global \`input\`.
  --help         Print this.
  --version      Print the version.

Log level: TOOLARIUM_LOG = trace, debug, info, warn, error, fatal or silent.
Exit codes: 0 done, 1 program failed, 2 usage, 3 configuration, 4 denied, 5 approval needed, 6 limit,
            7 upstream, 70 fault of Toolarium's own, 130 interrupted.
`;

/** Reads the arguments after the script's name. @throws `usage_error` that names the argument and what was expected */
export function parseCommand(argv: readonly string[]): Command {
  const { values, positionals } = parseStrictly(argv);
  if (values.help) return { type: "help" };
  if (values.version) return { type: "version" };

  const [name = "serve", ...operands] = positionals;
  const configPath = values.config === undefined ? {} : { configPath: values.config };
  switch (name) {
    case "serve": {
      refuseExtra("serve", operands);
      refuseOptions("serve", { json: values.json, input: values.input });
      const host = values.host === undefined ? {} : { host: values.host };
      const port = values.port === undefined ? {} : { port: parsePort(values.port) };
      return { type: "serve", ...configPath, ...host, ...port };
    }
    case "run": {
      const [file, ...more] = operands;
      if (file === undefined)
        throw usageError("`run` needs a program: a file name, or - for standard input.");
      refuseExtra("run", more);
      refuseOptions("run", { host: values.host, port: values.port });
      const input = values.input === undefined ? {} : { input: parseInput(values.input) };
      return { type: "run", file, ...configPath, json: values.json ?? false, ...input };
    }
    default:
      throw usageError(`There is no command ${JSON.stringify(name)}. The commands are serve and run.`);
  }
}

interface ParsedArguments {
  readonly values: {
    readonly config?: string | undefined;
    readonly host?: string | undefined;
    readonly port?: string | undefined;
    readonly json?: boolean | undefined;
    readonly input?: string | undefined;
    readonly help?: boolean | undefined;
    readonly version?: boolean | undefined;
  };
  readonly positionals: readonly string[];
}

function parseStrictly(argv: readonly string[]): ParsedArguments {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        config: { type: "string" },
        host: { type: "string" },
        port: { type: "string" },
        json: { type: "boolean" },
        input: { type: "string" },
        help: { type: "boolean", short: "h" },
        version: { type: "boolean" },
      },
    });
  } catch (error) {
    throw usageError(error instanceof Error ? error.message : String(error));
  }
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw usageError(`--port wants a number from 0 to 65535, not ${JSON.stringify(text)}.`);
  return port;
}

function parseInput(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw usageError(`--input wants JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function refuseExtra(command: string, operands: readonly string[]): void {
  if (operands.length > 0)
    throw usageError(`\`${command}\` does not know what to do with ${JSON.stringify(operands[0])}.`);
}

function refuseOptions(command: string, given: { readonly [option: string]: unknown }): void {
  for (const [option, value] of Object.entries(given))
    if (value !== undefined) throw usageError(`\`${command}\` has no option --${option}.`);
}

/** Some messages are Node's, which end without a full stop. */
function usageError(message: string): ToolariumError {
  return new ToolariumError("usage_error", `${message.replace(/\.$/, "")}. Try toolarium --help.`);
}
