/** Opens a live session from a specification, over whichever transport and revision the server accepts. */

import { createRequire } from "node:module";
import {
  Client,
  type ClientOptions,
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SseError,
} from "@modelcontextprotocol/client";
import { z } from "zod";
import { MAX_TIMER_MS } from "../timers.ts";
import { createMcpSession, type McpSession, type SessionEvents } from "./session.ts";
import type { ToolListing } from "./tool-list.ts";
import { describeConnectionError, httpStatusOf, isPassing } from "./wire/connection-errors.ts";
import type { MessageBounds } from "./wire/message-bounds.ts";
import { isNoAnswer } from "./wire/read-message.ts";
import { createLink, type McpSpec } from "./wire/transports.ts";

/** What earlier starts found out about a server; the next start uses it. */
export interface Learned {
  /** Use SSE: the server refused streamable HTTP. */
  readonly sse: boolean;
  /** It knows no revision of 2026: skip the question about revisions, which makes some servers exit. */
  readonly legacy: boolean;
}

export interface Opened {
  readonly session: McpSession;
  /** Its tools at the start. */
  readonly listing: ToolListing;
  readonly learned: Learned;
}

/** Why a start failed. */
export interface StartFailure {
  /** A clause that completes "the server is not available: …". */
  readonly reason: string;
  /** What the child process wrote to stderr, unredacted. */
  readonly stderr: string | null;
  /**
   * `passing`: the server is away for a moment; `exited`: its process ran and ended; `lasting`: waiting does not
   * help.
   */
  readonly kind: "passing" | "exited" | "lasting";
}

/**
 * Opens a session in the way that `learned` says, or another that works, and lists its tools. Rejects with what
 * `toStartFailure` reads; nothing stays open then.
 */
export async function openSession(
  spec: McpSpec,
  learned: Learned,
  signal: AbortSignal,
  events: SessionEvents,
  bounds: MessageBounds,
): Promise<Opened> {
  try {
    return await connect(spec, learned, signal, events, bounds);
  } catch (error) {
    const other = signal.aborted ? undefined : anotherRoad(spec, learned, error);
    if (other === undefined) throw error;
    try {
      // Uses a fresh client and transport: a failed start leaves the others unusable.
      return await connect(spec, other, signal, events, bounds);
    } catch (again) {
      // Over SSE a streamable server refuses everything, and its message there says nothing.
      throw spec.type === "stdio" ? again : error;
    }
  }
}

export function toStartFailure(error: unknown): StartFailure {
  if (error instanceof StartError) return error;
  return { reason: describeConnectionError(error), stderr: null, kind: "lasting" };
}

class StartError extends Error implements StartFailure {
  readonly reason: string;
  readonly stderr: string | null;
  readonly kind: StartFailure["kind"];
  /** A server that was addressed by streamable HTTP uses the older transport. */
  readonly speaksSse: boolean;

  constructor(
    { reason, stderr, kind }: StartFailure,
    { speaksSse, cause }: { speaksSse: boolean; cause: unknown },
  ) {
    super(reason, { cause });
    this.reason = reason;
    this.stderr = stderr;
    this.kind = kind;
    this.speaksSse = speaksSse;
  }
}

/** What to try after this failure; undefined when nothing else can help. */
function anotherRoad(spec: McpSpec, learned: Learned, failure: unknown): Learned | undefined {
  if (!(failure instanceof StartError)) return undefined;
  const error = failure.cause;
  switch (spec.type) {
    case "http": {
      const status = httpStatusOf(error) ?? 0;
      const refused = status >= 400 && status < 500 && !REFUSED_FOR_OTHER_REASONS.includes(status);
      const unanswered = error instanceof ProtocolError && isNoAnswer(error);
      const isElsewhere = failure.speaksSse || refused || unanswered;
      return isElsewhere && spec.fallbackToSse ? { ...learned, sse: !learned.sse } : undefined;
    }
    case "stdio": {
      // Some servers end when the first message is not `initialize`.
      const endedByProbe = error instanceof SdkError && error.code === SdkErrorCode.EraNegotiationFailed;
      return endedByProbe && spec.protocol === "auto" ? { ...learned, legacy: true } : undefined;
    }
    case "sse":
    case "in-process":
      return undefined;
  }
}

/** Refusals for credentials, a proxy, time or rate: SSE would be refused for the same reason. */
const REFUSED_FOR_OTHER_REASONS: readonly number[] = [401, 403, 407, 408, 429];

async function connect(
  spec: McpSpec,
  learned: Learned,
  signal: AbortSignal,
  events: SessionEvents,
  bounds: MessageBounds,
): Promise<Opened> {
  const ended = Promise.withResolvers<string>();
  let session: McpSession | undefined;
  const link = createLink(spec, {
    sse: spec.type === "sse" || learned.sse,
    bounds,
    stream: {
      onGap: () => events.onToolsChanged({ announced: false }),
      onRefused: () => {
        if (session !== undefined) events.onDoubt(session, "its event stream broke");
      },
    },
  });
  const client = new Client(clientInfo, clientOptions(spec));
  client.onclose = () => ended.resolve(link.exit() ?? "it closed the connection");
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => {});
  client.onerror = (error) => {
    events.onTrouble(error);
    // The event source would open another stream, on which no answer arrives.
    if (error instanceof SseError) broken.reject(error);
  };
  try {
    // The SDK has no signal for the question about revisions, and a timeout of its own for everything else.
    const connected = client.connect(link.transport, {
      signal,
      timeout: MAX_TIMER_MS,
      ...(learned.legacy ? { prior: { kind: "legacy" } } : {}),
    });
    await orAborted(signal, Promise.race([connected, broken.promise]));
    session = createMcpSession(spec, { client, link, ended, events });
    const listing = await session.list(signal);
    signal.throwIfAborted();
    return { session, listing, learned: { ...learned, legacy: client.getProtocolEra() === "legacy" } };
  } catch (error) {
    const reason = link.exit() ?? describeConnectionError(error);
    const kind = isPassing(error) ? "passing" : link.hasRun() && link.exit() !== null ? "exited" : "lasting";
    await (session ?? link).close();
    throw new StartError(
      { reason, stderr: link.stderr(), kind },
      { speaksSse: link.speaksSse(), cause: error },
    );
  }
}

function clientOptions(spec: McpSpec): ClientOptions {
  const common: ClientOptions = { capabilities: {}, inputRequired: { autoFulfill: false } };
  if (spec.protocol === "auto") {
    // Only on stdio does a late answer mean an old server. A third of the time leaves it enough to start the old way.
    const probe = spec.type === "stdio" ? { probe: { timeoutMs: Math.ceil(spec.startTimeoutMs / 3) } } : {};
    return { ...common, versionNegotiation: { mode: "auto", ...probe } };
  }
  return spec.protocol >= FIRST_NEGOTIATED_REVISION
    ? { ...common, versionNegotiation: { mode: { pin: spec.protocol } } }
    : { ...common, supportedProtocolVersions: [spec.protocol] };
}

/** From this revision on a client asks for the server's revisions instead of initializing. */
const FIRST_NEGOTIATED_REVISION = "2026-07-28";

const clientInfo = { name: "toolarium", version: readVersion() };

function readVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)("toolarium/package.json");
  return z.object({ version: z.string() }).parse(manifest).version;
}

/** Rejects as soon as the signal aborts; the outcome of the work is then ignored. */
function orAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  return Promise.race([work, aborted.promise]).finally(() => signal.removeEventListener("abort", onAbort));
}
