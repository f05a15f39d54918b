/**
 * The life of one MCP server: started, listed, watched, restarted when it is lost, until it is disposed. The loop
 * `#keepConnected` is the whole of it. What a server once offered stays known while it is away.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { ToolFailure } from "../journal.ts";
import type { Log } from "../log.ts";
import type { ServerSource, ToolSource } from "../tools/catalog.ts";
import { boundCall } from "./bounded-call.ts";
import { describeConnectionError, unavailable } from "./connection-errors.ts";
import type { CallOptions, CallOutcome, ConnectionState, ServerConnection, ServerState } from "./hub.ts";
import { type Learned, openSession, toStartFailure } from "./open-session.ts";
import { createRedact, type Redact, redactJson, withoutPaths } from "./redact.ts";
import { createRelisting, type Relisting } from "./relisting.ts";
import type { Session } from "./session.ts";
import { type Ending, tellingLine } from "./telling-line.ts";
import type { ToolListing } from "./tool-list.ts";
import type { McpSpec } from "./transports.ts";

/** Milliseconds before a lost or failed server is started again: doubled each time, from `first` to `max`. */
export interface Backoff {
  readonly first: number;
  readonly max: number;
}

export interface ConnectionDeps {
  readonly log: Log;
  readonly backoffMs: Backoff;
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
  readonly #redact: Redact;
  readonly #firstStart = Promise.withResolvers<void>();
  readonly #closed = new AbortController();
  readonly #loop: Promise<void>;

  #state: ConnectionState = "connecting";
  #session: Session | undefined;
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
    this.#redact = createRedact(spec);
    this.settled = this.#firstStart.promise;
    this.#loop = this.#keepConnected();
  }

  state(): ServerState {
    return {
      name: this.#spec.name,
      type: this.#spec.type,
      state: this.#state,
      protocolVersion: this.#session?.protocolVersion ?? null,
      serverInfo: this.#session?.serverInfo ?? null,
      tools: this.#tools.size,
      quarantined: this.#quarantined,
      lastError: this.#lastError,
      stderrTail: this.#shownStderr(),
      startedInMs: this.#startedInMs,
    };
  }

  source(): ServerSource | undefined {
    return this.#source;
  }

  call(name: string, args: unknown, options: CallOptions): Promise<CallOutcome> {
    const { signal, timeoutMs } = options;
    return boundCall(
      { signal, timeoutMs, closed: this.#closed.signal, onTimeout: () => this.#timedOut(timeoutMs) },
      async (aborted) => {
        if (this.#state === "connecting") await this.settled;
        if (this.#session === undefined) return { ok: false, failure: this.#unavailable() };
        const tool = this.#tools.get(name) ?? { name, inputSchema: {}, unavailable: undefined };
        if (tool.unavailable !== undefined)
          return { ok: false, failure: { kind: "unavailable", message: tool.unavailable } };
        const { hasOutputSchema } = options;
        return this.#withoutSecrets(
          await this.#session.call(tool, args, { signal: aborted, hasOutputSchema }),
        );
      },
      () => ({ kind: "tool", message: "The call could not be made." }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    await this.#session?.close();
    await this.#loop;
  }

  /** Never rejects. */
  async #keepConnected(): Promise<void> {
    const { first, max } = this.#deps.backoffMs;
    let delayMs = first;
    while (!this.#closed.signal.aborted) {
      const session = await this.#start();
      this.#firstStart.resolve();
      if (session !== undefined) {
        // Disposed in the very moment in which it became ready.
        if (this.#closed.signal.aborted) await session.close();
        const readyAt = performance.now();
        await this.#end(session, await session.ended);
        // A server that falls over right after each start must not be started every second.
        if (performance.now() - readyAt > max) delayMs = first;
      }
      await delay(delayMs, undefined, { signal: this.#closed.signal, ref: false }).catch(() => {});
      delayMs = Math.min(2 * delayMs, max);
    }
    this.#state = "closed";
  }

  async #start(): Promise<Session | undefined> {
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
          onTrouble: (error) =>
            log.debug({ server: name, reason: this.#clean(error.message) }, "mcp trouble"),
        },
      );
      void opened.session.ended.then(relisting.stop);
      this.#session = opened.session;
      this.#learned = opened.learned;
      this.#startedInMs = Math.round(performance.now() - startedAt);
      this.#state = "ready";
      this.#lastError = null;
      this.#adopt(opened.listing, { mayBeEmpty: false });
      log.info({ server: name, tools: this.#tools.size, ms: this.#startedInMs }, "mcp server ready");
      return opened.session;
    } catch (error) {
      relisting.stop();
      // What was learned may be out of date: the next start asks again.
      this.#learned = { ...this.#learned, legacy: false };
      if (this.#closed.signal.aborted) return undefined;
      const { reason, stderr } = toStartFailure(error);
      this.#fail(limit.aborted ? `it was not ready within ${startTimeoutMs} ms` : reason, stderr, "start");
      return undefined;
    }
  }

  #createRelisting(): Relisting {
    return createRelisting({
      list: () => {
        const limit = AbortSignal.timeout(this.#spec.startTimeoutMs);
        return this.#session?.list(AbortSignal.any([limit, this.#closed.signal]));
      },
      adopt: (listing, options) => this.#adopt(listing, options),
      onFailure: (error) => {
        // The known tools stay: a failed list says nothing about them.
        const reason = this.#clean(describeConnectionError(error));
        this.#deps.log.warn({ server: this.#spec.name, reason }, "mcp tool list not refreshed");
      },
    });
  }

  async #end(session: Session, reason: string): Promise<void> {
    this.#session = undefined;
    if (!this.#closed.signal.aborted) this.#fail(reason, session.stderr(), "loss");
    await session.close();
  }

  #fail(reason: string, stderr: string | null, ending: Ending): void {
    this.#state = "failed";
    this.#stderr = stderr;
    // Redacted before it is cut, so that no half of a secret is left.
    const words = tellingLine(this.#redact(stderr ?? ""), ending);
    const error = this.#clean(words === "" ? reason : `${reason}; it wrote: ${words}`);
    if (error !== this.#lastError)
      this.#deps.log.warn({ server: this.#spec.name, reason: error }, "mcp server not available");
    this.#lastError = error;
  }

  #adopt(listing: ToolListing, { mayBeEmpty }: { readonly mayBeEmpty: boolean }): void {
    // A server that has just come back may not have its tools together yet.
    if (listing.tools.length === 0 && this.#tools.size > 0 && !mayBeEmpty) return;
    const before = this.#source;
    const source: ServerSource = { server: this.#spec.name, tools: listing.tools };
    this.#quarantined = listing.quarantined.map(({ tool, reason }) => ({
      tool,
      reason: this.#clean(reason),
    }));
    this.#tools = new Map(listing.tools.map((tool) => [tool.name, tool]));
    if (before !== undefined && JSON.stringify(before) === JSON.stringify(source)) return;
    this.#source = source;
    this.#deps.onChange();
  }

  #timedOut(timeoutMs: number): ToolFailure {
    return this.#state === "connecting"
      ? this.#unavailable()
      : { kind: "timeout", message: `The tool did not answer within ${timeoutMs} ms.` };
  }

  #unavailable(): ToolFailure {
    const reason =
      this.#state === "connecting" ? "it is still starting" : (this.#lastError ?? "it is closed");
    return unavailable(this.#spec.name, reason);
  }

  #withoutSecrets(outcome: CallOutcome): CallOutcome {
    if (outcome.ok) return outcome;
    const { failure } = outcome;
    // A tool may well speak of paths; what we say of a connection must not.
    const message =
      failure.kind === "unavailable" ? this.#clean(failure.message) : this.#redact(failure.message);
    const data = failure.data === undefined ? {} : { data: redactJson(failure.data, this.#redact) };
    return { ok: false, failure: { kind: failure.kind, message, ...data } };
  }

  #clean(text: string): string {
    return withoutPaths(this.#redact(text));
  }

  #shownStderr(): string | null {
    const stderr = this.#session?.stderr() ?? this.#stderr;
    return stderr === null ? null : this.#redact(stderr).slice(-STDERR_SHOWN_CHARS).toWellFormed();
  }
}

const STDERR_SHOWN_CHARS = 4_096;
