/** The declarations of every program's environment besides its tools. */
import type { ToolErrorKind } from "../../../sandbox/index.ts";

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

/** Members of `tools` that are not servers, by name. Each ends in a line break. */
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
declare const crypto: { randomUUID(): string; getRandomValues<T>(array: T): T };
declare const console: Console;
interface Console {
  log(...values: unknown[]): void;
  info(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
  debug(...values: unknown[]): void;
}
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

/** The declared members of those names that are objects. */
export const environmentMembers: ReadonlyMap<string, readonly string[]> = new Map(
  [...ENVIRONMENT_DECLARATIONS.matchAll(/declare const (\w+): \{(.*?)\};/gs)].map(
    ([, name = "", body = ""]) =>
      [name, [...body.matchAll(/(?:^|[{;\n])\s*(\w+)\(/g)].map(([, member = ""]) => member)] as const,
  ),
);

/**
 * Names of other platforms. They are declared to check a program, but not to a model, which knows them. A tool or
 * server of such a name keeps it. Functions are declared as constants, because declared functions are tools.
 */
const platform: readonly (readonly [name: string, declaration: string])[] = [
  [
    "setInterval",
    "declare const setInterval: (callback: (...args: any[]) => void, ms?: number, ...args: any[]) => number;",
  ],
  ["clearInterval", "declare const clearInterval: (id?: number) => void;"],
  [
    "setImmediate",
    "declare const setImmediate: (callback: (...args: any[]) => void, ...args: any[]) => number;",
  ],
  ["clearImmediate", "declare const clearImmediate: (id?: number) => void;"],
  ["queueMicrotask", "declare const queueMicrotask: (callback: () => void) => void;"],
  [
    "structuredClone",
    "declare const structuredClone: <T = any>(value: T, options?: { transfer?: readonly unknown[] }) => T;",
  ],
  ["btoa", "declare const btoa: (text: string) => string;"],
  ["atob", "declare const atob: (text: string) => string;"],
  [
    "performance",
    `declare const performance: Performance;
interface Performance {
  now(): number;
  readonly timeOrigin: number;
}`,
  ],
  [
    "TextEncoder",
    `declare class TextEncoder {
  readonly encoding: string;
  encode(text?: string): Uint8Array<ArrayBuffer>;
  encodeInto(text: string, bytes: Uint8Array): { read: number; written: number };
}`,
  ],
  [
    "TextDecoder",
    `declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  readonly encoding: string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  decode(bytes?: ArrayBuffer | ArrayBufferView, options?: { stream?: boolean }): string;
}`,
  ],
];
const consoleMembers = `interface Console {
  table(data?: unknown, columns?: readonly string[]): void;
  dir(value?: unknown, options?: unknown): void;
  dirxml(...values: unknown[]): void;
  group(...values: unknown[]): void;
  groupCollapsed(...values: unknown[]): void;
  groupEnd(): void;
  time(label?: string): void;
  timeLog(label?: string, ...values: unknown[]): void;
  timeEnd(label?: string): void;
  assert(condition?: unknown, ...values: unknown[]): void;
  count(label?: string): void;
  countReset(label?: string): void;
  trace(...values: unknown[]): void;
  clear(): void;
}
`;

/** All of them, for tests and tables. */
export const platformNames: readonly string[] = platform.map(([name]) => name);

/** Ends in a line break. `taken`: globals with another meaning. */
export function declarePlatform(taken: ReadonlySet<string>): string {
  const free = platform.flatMap(([name, declaration]) => (taken.has(name) ? [] : [`${declaration}\n`]));
  return `${consoleMembers}${free.join("")}`;
}
