/** Hubs and specifications for the tests of `src/mcp`. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { type Logger, pino } from "pino";
import { createHub, type HubDeps } from "../../src/mcp/hub.ts";
import type { CallOptions, CallOutcome, Hub, ServerSpec } from "../../src/mcp/server.ts";

export const common = {
  disabled: false,
  startTimeoutMs: 10_000,
  trustAnnotations: false,
  protocol: "auto",
} as const;

type Overrides = Partial<Omit<Extract<ServerSpec, { type: "stdio" }>, "type">>;

/** A fixture under `test/fixtures/mcp` as a child process. */
export function stdio(fixture: string, args: readonly string[] = [], overrides: Overrides = {}): ServerSpec {
  const file = join(import.meta.dirname, "../fixtures/mcp", `${fixture}.ts`);
  return {
    ...common,
    name: fixture,
    type: "stdio",
    command: process.execPath,
    args: [file, ...args],
    env: {},
    ...overrides,
  };
}

export function remote(
  url: string,
  overrides: Partial<Omit<Extract<ServerSpec, { type: "http" | "sse" }>, "url">> = {},
): ServerSpec {
  return { ...common, name: "remote", type: "http", url, headers: {}, fallbackToSse: true, ...overrides };
}

/** A hub that restarts lost servers quickly. `lines` collects its log. */
export function openHub(specs: readonly ServerSpec[], lines: string[] = [], bounds?: HubDeps["bounds"]): Hub {
  const log: Logger = pino({ level: "debug", base: null }, { write: (line) => void lines.push(line) });
  return createHub(specs, { log, backoffMs: { first: 20, max: 200 }, bounds });
}

export function call(
  hub: Hub,
  server: string,
  tool: string,
  args: unknown = {},
  options: Partial<CallOptions> = {},
): Promise<CallOutcome> {
  const signal = new AbortController().signal;
  const defaults = { principal: "local", signal, timeoutMs: 10_000, hasOutputSchema: false };
  return hub.call(server, tool, args, { ...defaults, ...options });
}

export function stateOf(hub: Hub, server: string): ReturnType<Hub["servers"]>[number] {
  const state = hub.servers().find(({ name }) => name === server);
  if (state === undefined) throw new Error(`the hub has no server ${server}`);
  return state;
}

export function toolNames(hub: Hub, server: string): readonly string[] {
  return (
    hub
      .sources()
      .find((source) => source.server === server)
      ?.tools.map(({ name }) => name) ?? []
  );
}

/** Whether a process runs. One that ended but was not reaped by whoever inherited it does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).trim()[0] !== "Z";
  } catch {
    return false;
  }
}
