/** The hub: all MCP connections of the gateway. Each has a state of its own, and none can delay another. */

import type { ToolFailure } from "../journal.ts";
import type { Log } from "../log.ts";
import { createMemoryBudget } from "../memory-budget.ts";
import { MAX_TIMER_MS } from "../timers.ts";
import { type ConnectionDeps, createConnection } from "./connection.ts";
import { createLocalServer } from "./local.ts";
import type { Hub, ServerConnection, ServerSpec } from "./server.ts";
import type { MessageBounds } from "./wire/message-bounds.ts";
import type { Backoff } from "./wire/pauses.ts";

export interface HubDeps {
  readonly log: Log;
  /** Milliseconds before a failed or lost server is started again, doubled each time. Default 1 000 to 60 000. */
  readonly backoffMs?: Backoff;
  /** Bounds for the messages of all servers. Default: 64 MiB each, 512 MB of memory together. */
  readonly bounds?: MessageBounds | undefined;
}

const defaultBounds = (): MessageBounds => ({
  maxBytes: 64 * 1_048_576,
  budget: createMemoryBudget(512),
});

/**
 * Returns at once; all servers start in parallel in the background. Throws when two specifications have one name.
 *
 * @example
 * await using hub = createHub([{ type: "stdio", name: "files", command: "npx", … }], { log });
 * await hub.settled;
 * const outcome = await hub.call("files", "list_directory", { path: "/data" }, { principal: "local", signal, timeoutMs: 5_000, hasOutputSchema: false });
 */
export function createHub(specs: readonly ServerSpec[], deps: HubDeps): Hub {
  const listeners = new Set<() => void>();
  const onChange = (): void => {
    for (const listener of listeners) {
      try {
        listener();
      } catch (error) {
        deps.log.error({ err: error }, "a listener of the hub threw");
      }
    }
  };
  const { log, backoffMs = { first: 1_000, max: 60_000 }, bounds = defaultBounds() } = deps;
  const specOf = new Map(specs.map((spec) => [spec.name, spec]));
  if (specOf.size < specs.length) throw new Error("Two servers have the same name.");
  const servers = new Map(specs.map((spec) => [spec.name, open(spec, { log, backoffMs, bounds, onChange })]));
  const all = [...servers.values()];

  return {
    settled: Promise.all(all.map((server) => server.settled)).then(() => {}),
    servers: () => all.map((server) => server.state()),
    sources: () => all.map((server) => server.source()).filter((source) => source !== undefined),
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    call: (name, tool, args, options) => {
      const server = servers.get(name);
      const failure: ToolFailure = { kind: "unavailable", message: `There is no server "${name}".` };
      if (server === undefined) return Promise.resolve({ ok: false, failure });
      const timeoutMs = Math.min(options.timeoutMs, specOf.get(name)?.timeoutMs ?? options.timeoutMs);
      return server.call(tool, args, { ...options, timeoutMs });
    },
    whenListed: async (name, { signal, timeoutMs }) => {
      const server = servers.get(name);
      if (server === undefined || server.source() !== undefined) return undefined;
      const limit = AbortSignal.timeout(Math.ceil(Math.min(timeoutMs, MAX_TIMER_MS)));
      await server.known(AbortSignal.any([signal, limit]));
      if (server.source() !== undefined) return undefined;
      const { state, lastError } = server.state();
      const why = lastError === null ? `it is ${state}` : lastError;
      return { kind: "unavailable", message: `The server "${name}" is not connected: ${why}` };
    },
    [Symbol.asyncDispose]: async () => {
      listeners.clear();
      await Promise.all(all.map((server) => server[Symbol.asyncDispose]()));
    },
  };
}

function open(spec: ServerSpec, deps: ConnectionDeps): ServerConnection {
  if (spec.disabled) return disabledServer(spec);
  return spec.type === "local" ? createLocalServer(spec) : createConnection(spec, deps);
}

function disabledServer(spec: ServerSpec): ServerConnection {
  const failure: ToolFailure = {
    kind: "unavailable",
    message: `The server "${spec.name}" is disabled in the configuration.`,
  };
  return {
    settled: Promise.resolve(),
    state: () => ({
      name: spec.name,
      type: spec.type,
      state: "disabled",
      protocolVersion: null,
      serverInfo: null,
      tools: 0,
      quarantined: [],
      lastError: null,
      stderrTail: null,
      startedInMs: null,
    }),
    source: () => undefined,
    known: () => Promise.resolve(),
    call: () => Promise.resolve({ ok: false, failure }),
    [Symbol.asyncDispose]: async () => {},
  };
}
