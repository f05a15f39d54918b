/**
 * The life of one MCP server: started, listed, watched, restarted when its session is lost, until it is disposed. The
 * loop `#keepConnected` is the whole of it. The known tools stay listed while the server is away.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { ToolFailure } from "../journal.ts";
import type { Log } from "../log.ts";
import { type Ending, tellingLine } from "../telling-line.ts";
import type { ServerSource, ToolSource } from "../tools/tool-source.ts";
import { boundCall } from "./bounded-call.ts";
import { callOverSessions, type Whereabouts } from "./call-sessions.ts";
import { createHealth, type Health } from "./health.ts";
import { type Learned, openSession, toStartFailure } from "./open-session.ts";
import { createPresence, type Presence } from "./presence.ts";
import { createRareLog } from "./rare-log.ts";
import { createRelisting, type Relisting } from "./relisting.ts";
import type { CallOptions, CallOutcome, ConnectionState, ServerConnection, ServerState } from "./server.ts";
import { createServerWords, type ServerWords } from "./server-words.ts";
import type { McpSession } from "./session.ts";
import type { ToolListing } from "./tool-list.ts";
import { describeConnectionError, unavailable } from "./wire/connection-errors.ts";
import type { MessageBounds } from "./wire/message-bounds.ts";
import { type Backoff, createPauses } from "./wire/pauses.ts";
import type { McpSpec } from "./wire/transports.ts";

export interface ConnectionDeps {
  readonly log: Log;
  readonly backoffMs: Backoff;
  readonly bounds: MessageBounds;
  /** `source()` changed. */
  readonly onChange: () => void;
}

/** Starts the server in the background. */
export function createConnection(spec: McpSpec, deps: ConnectionDeps): ServerConnection {
  return new Connection(spec, deps);
}

class Connection implements ServerConnection {
  readonly settled: Promise<void>;
  readonly #spec: McpSpec;
  readonly #deps: ConnectionDeps;
  readonly #words: ServerWords;
  readonly #firstStart = Promise.withResolvers<void>();
  readonly #closed = new AbortController();
  readonly #loop: Promise<void>;

  readonly #health: Health = createHealth(this.#closed.signal);
  readonly #presence: Presence;

  readonly #sayUnavailable = createRareLog((reason, unsaid) =>
    this.#deps.log.warn({ server: this.#spec.name, reason, ...unsaid }, "mcp server not available"),
  );
  readonly #sayNotListed = createRareLog((reason, unsaid) =>
    this.#deps.log.warn({ server: this.#spec.name, reason, ...unsaid }, "mcp tool list not refreshed"),
  );

  #state: ConnectionState = "connecting";
  #learned: Learned = { sse: false, legacy: false };
  #source: ServerSource | undefined;
  #tools: ReadonlyMap<string, ToolSource> = new Map();
  #quarantined: ServerState["quarantined"] = [];
  #lastError: string | null = null;
  #stderr: string | null = null;
  #startedInMs: number | null = null;

  constructor(spec: McpSpec, deps: ConnectionDeps) {
    this.#spec = spec;
    this.#deps = deps;
    this.#words = createServerWords(spec);
    this.#presence = createPresence(this.#health, {
      isProcess: spec.type === "stdio",
      isRemote: spec.type === "http" || spec.type === "sse",
    });
    this.settled = this.#firstStart.promise;
    this.#loop = this.#keepConnected();
  }

  state(): ServerState {
    const session = this.#presence.session;
    const complaint = this.#state === "ready" ? this.#health.complaint() : undefined;
    return {
      name: this.#spec.name,
      type: this.#spec.type,
      state: complaint === undefined ? this.#state : "failed",
      protocolVersion: session?.protocolVersion ?? null,
      serverInfo: this.#words.info(session?.serverInfo ?? null),
      tools: this.#tools.size,
      quarantined: this.#quarantined,
      lastError: complaint === undefined ? this.#lastError : this.#words.reason(complaint),
      stderrTail: this.#words.stderr(session?.stderr() ?? this.#stderr),
      startedInMs: this.#startedInMs,
    };
  }

  source(): ServerSource | undefined {
    return this.#source;
  }

  call(name: string, args: unknown, options: CallOptions): Promise<CallOutcome> {
    const { signal, timeoutMs, maxTimeoutMs = timeoutMs, hasOutputSchema } = options;
    const whereabouts: Whereabouts = { atServer: false, unsentBecause: undefined };
    return boundCall(
      {
        signal,
        timeoutMs,
        maxTimeoutMs,
        closed: this.#closed.signal,
        onTimeout: (message) => this.#timedOut(message, whereabouts),
      },
      async (aborted, onProgress) => {
        const outcome = await callOverSessions(
          {
            health: this.#health,
            session: (signal) => this.#presence.next(signal, timeoutMs),
            unavailable: () => this.#unavailable(),
          },
          {
            attempt: async (session) => {
              const tool = this.#tools.get(name) ?? { name, inputSchema: {}, unavailable: undefined };
              if (tool.unavailable !== undefined)
                return { outcome: cannotBeCalled(tool.unavailable), trouble: undefined };
              return session.call(tool, args, { signal: aborted, hasOutputSchema, onProgress });
            },
            isRepeatable: options.isRepeatable === true,
            signal: aborted,
            whereabouts,
          },
        );
        return this.#words.outcome(outcome);
      },
      () => ({ kind: "tool", message: "The call could not be made." }),
    );
  }

  async known(signal: AbortSignal): Promise<void> {
    while (this.#source === undefined && (await this.#presence.next(signal, 0)) !== undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    const { session } = this.#presence;
    this.#presence.close();
    await session?.close();
    await this.#loop;
  }

  /** Never rejects. */
  async #keepConnected(): Promise<void> {
    const pauses = createPauses(this.#deps.backoffMs);
    while (!this.#closed.signal.aborted) {
      const session = await this.#start();
      this.#firstStart.resolve();
      let pauseMs = pauses.next();
      if (session !== undefined) {
        // The connection was disposed just as it became ready.
        if (this.#closed.signal.aborted) await session.close();
        const readyAt = performance.now();
        await this.#end(session, await session.ended);
        const wasOfUse = this.#health.answeredAt > readyAt;
        // A server that ends right after each start must not be restarted every second.
        if (wasOfUse || performance.now() - readyAt > this.#deps.backoffMs.max) pauses.reset();
        if (wasOfUse) pauseMs = Math.min(pauseMs, AFTER_A_USEFUL_LIFE_MS);
      }
      await delay(pauseMs, undefined, { signal: this.#closed.signal, ref: false }).catch(() => {});
    }
    this.#state = "closed";
  }

  async #start(): Promise<McpSession | undefined> {
    const { name, startTimeoutMs } = this.#spec;
    const { log } = this.#deps;
    const startedAt = performance.now();
    const limit = AbortSignal.timeout(startTimeoutMs);
    const relisting = this.#createRelisting();
    try {
      const opened = await openSession(
        this.#spec,
        this.#learned,
        AbortSignal.any([limit, this.#closed.signal]),
        {
          onToolsChanged: relisting.soon,
          onDoubt: (session, reason) => void this.#health.judge(session, { kind: "broken", reason }),
          onTrouble: (error) =>
            log.debug({ server: name, reason: this.#words.reason(error.message) }, "mcp trouble"),
        },
        this.#deps.bounds,
      );
      void opened.session.ended.then(relisting.stop);
      this.#learned = opened.learned;
      this.#startedInMs = Math.round(performance.now() - startedAt);
      this.#state = "ready";
      this.#lastError = null;
      this.#adopt(opened.listing, { mayBeEmpty: false });
      log.info({ server: name, tools: this.#tools.size, ms: this.#startedInMs }, "mcp server ready");
      this.#presence.came(opened.session);
      return opened.session;
    } catch (error) {
      relisting.stop();
      // What was learned may be outdated: the next start asks again.
      this.#learned = { ...this.#learned, legacy: false };
      if (this.#closed.signal.aborted) return undefined;
      const { reason, stderr, kind } = toStartFailure(error);
      this.#fail(limit.aborted ? `it was not ready within ${startTimeoutMs} ms` : reason, stderr, "start");
      this.#presence.failed(limit.aborted ? "lasting" : kind);
      return undefined;
    }
  }

  #createRelisting(): Relisting {
    return createRelisting({
      list: () => {
        const limit = AbortSignal.timeout(this.#spec.startTimeoutMs);
        return this.#presence.session?.list(AbortSignal.any([limit, this.#closed.signal]));
      },
      adopt: (listing, options) => this.#adopt(listing, options),
      onFailure: (error) => {
        // The known tools stay: a failed list says nothing about them.
        this.#sayNotListed(this.#words.reason(describeConnectionError(error)));
      },
    });
  }

  async #end(session: McpSession, reason: string): Promise<void> {
    this.#presence.left();
    if (!this.#closed.signal.aborted) this.#fail(reason, session.stderr(), "loss");
    await session.close();
  }

  #fail(reason: string, stderr: string | null, ending: Ending): void {
    this.#state = "failed";
    this.#stderr = stderr;
    // Redacted before it is cut, so that no half of a secret is left.
    const words = tellingLine(this.#words.redact(stderr ?? ""), ending);
    const error = this.#words.reason(words === "" ? reason : `${reason}; it wrote: ${words}`);
    this.#sayUnavailable(error);
    this.#lastError = error;
  }

  #adopt(listing: ToolListing, { mayBeEmpty }: { readonly mayBeEmpty: boolean }): void {
    // A server that has just restarted may not have loaded all its tools yet.
    if (listing.tools.length === 0 && this.#tools.size > 0 && !mayBeEmpty) return;
    const before = this.#source;
    const source: ServerSource = { server: this.#spec.name, tools: listing.tools };
    this.#quarantined = listing.quarantined.slice(0, MAX_QUARANTINED_SHOWN).map(({ tool, reason }) => ({
      tool: this.#words.name(tool),
      reason: this.#words.reason(reason),
    }));
    this.#tools = new Map(listing.tools.map((tool) => [tool.name, tool]));
    if (before !== undefined && JSON.stringify(before) === JSON.stringify(source)) return;
    this.#source = source;
    this.#deps.onChange();
  }

  #timedOut(message: string, { atServer, unsentBecause }: Whereabouts): ToolFailure {
    if (!atServer) return this.#unavailable(unsentBecause);
    const { session } = this.#presence;
    // A silent process may only be busy: its exit shows when it is lost.
    if (session !== undefined && this.#spec.type !== "stdio")
      void this.#health.judge(session, { kind: "spoilt", reason: "it did not answer in time" });
    return { kind: "timeout", message };
  }

  #unavailable(unsentBecause?: string): ToolFailure {
    const why = this.#state === "connecting" ? "it is still starting" : (this.#lastError ?? unsentBecause);
    return unavailable(this.#spec.name, why ?? "it is closed");
  }
}

function cannotBeCalled(message: string): CallOutcome {
  return { ok: false, failure: { kind: "unavailable", message } };
}

/**
 * Milliseconds before a restart of a server that ends after each call, or that lost its sessions: its calls are
 * waiting.
 */
const AFTER_A_USEFUL_LIFE_MS = 100;
const MAX_QUARANTINED_SHOWN = 100;
