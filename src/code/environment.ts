/** What every program finds besides its tools, as declarations. */
import type { ToolErrorKind } from "../../sandbox/index.ts";

const kinds: { readonly [K in ToolErrorKind]: true } = {
  tool: true,
  denied: true,
  invalid_arguments: true,
  timeout: true,
  cancelled: true,
  unavailable: true,
  too_large: true,
  unsupported: true,
  unknown_tool: true,
};
const kind = Object.keys(kinds)
  .map((name) => `"${name}"`)
  .join(" | ");

/** Members of `tools` that are no servers, by their names. Each ends in a line break. */
export const TOOLS_FUNCTIONS: ReadonlyMap<string, string> = new Map([
  [
    "search",
    `/** The tools that fit these words, best first. */
search(query: string, options?: { limit?: number }): Promise<{ tool: string; callable: string; description: string; signature: string }[]>;
`,
  ],
  [
    "describe",
    `/** Declarations of tools, by names like "server/tool". */
describe(...names: string[]): Promise<string>;
`,
  ],
]);

/** Ends in a line break. */
export const ENVIRONMENT_DECLARATIONS: string = `/** The JSON value given with the program; null when there was none. */
declare const input: any;
declare function sleep(ms: number): Promise<void>;
declare function setTimeout(callback: (...args: any[]) => void, ms?: number, ...args: any[]): number;
declare function clearTimeout(id?: number): void;
declare const crypto: { randomUUID(): string };
declare const console: {
  log(...values: unknown[]): void;
  info(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
  debug(...values: unknown[]): void;
};
declare const runs: {
  /** What a completed run of yours returned, in full, by its id. */
  result(id: string): Promise<any>;
};
/** What a tool call that failed rejects with. */
declare const ToolError: { readonly prototype: ToolError; new (...values: never): ToolError };
interface ToolError extends Error {
  readonly name: "ToolError";
  readonly server: string;
  readonly tool: string;
  readonly kind: ${kind};
  readonly data?: unknown;
}
`;

/** What those of these names that are objects have, as declared. */
export const environmentMembers: ReadonlyMap<string, readonly string[]> = new Map(
  [...ENVIRONMENT_DECLARATIONS.matchAll(/declare const (\w+): \{(.*?)\};/gs)].map(
    ([, name = "", body = ""]) =>
      [name, [...body.matchAll(/(?:^|[{;\n])\s*(\w+)\(/g)].map(([, member = ""]) => member)] as const,
  ),
);
