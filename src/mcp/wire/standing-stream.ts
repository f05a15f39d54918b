/**
 * The event stream that a streamable HTTP server may open for unsolicited messages. Some servers end it at once, again
 * and again. It is reopened after pauses that double, and the SDK sees one stream that never ends.
 */
import { setTimeout as delay } from "node:timers/promises";
import { createPauses } from "./pauses.ts";

export interface StandingStream {
  /** Requests the stream; the id is that of the last event. Rejects when the server cannot be reached. */
  readonly open: (lastEventId: string | undefined) => Promise<Response>;
  /** Reads one stream. `onId` gets the id of each event that has one. */
  readonly read: (body: ReadableStream<Uint8Array>, onId: (id: string) => void) => ReadableStream<Uint8Array>;
  readonly signal: AbortSignal | undefined;
  readonly events: StreamEvents;
}

export interface StreamEvents {
  /** The stream is open again after a gap in which messages may have been lost. */
  readonly onGap: () => void;
  /** The stream was open and is now refused: the server may no longer know the session, or be gone. */
  readonly onRefused: () => void;
}

/** Answers with a stream; with 405, as servers without one do; or with a refusal that the SDK can handle. */
export async function keepStream(standing: StandingStream): Promise<Response> {
  const first = await attempt(standing, undefined);
  if (first.type === "refused")
    return FOR_THE_SDK.includes(first.response.status) ? first.response : new Response(null, { status: 405 });
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  pump(standing, first, writable)
    .catch(() => {})
    .finally(() => writable.close().catch(() => {}));
  return new Response(readable, { headers: { "content-type": "text/event-stream" } });
}

type Attempt =
  | { readonly type: "open"; readonly body: ReadableStream<Uint8Array> }
  | { readonly type: "refused"; readonly response: Response }
  /** A retry may succeed in a moment. */
  | { readonly type: "failed" };

/** Returns when the signal aborts, or when the server no longer has such a stream. */
async function pump(
  standing: StandingStream,
  first: Attempt,
  writable: WritableStream<Uint8Array>,
): Promise<void> {
  const { signal, events, read } = standing;
  const pauses = createPauses(PAUSE_MS);
  let lastEventId: string | undefined;
  let wasOpen = false;
  for (let now = first; signal?.aborted !== true; now = await attempt(standing, lastEventId)) {
    const openedAt = performance.now();
    if (now.type === "open") {
      if (wasOpen && lastEventId === undefined) events.onGap();
      wasOpen = true;
      const body = read(now.body, (id) => {
        lastEventId = id;
      });
      // The stream is reopened, however it ended.
      await body.pipeTo(writable, { preventClose: true, preventAbort: true }).catch(() => {});
    } else {
      const isGone = now.type === "refused" && !KNOWS_NO_SESSION.includes(now.response.status);
      if (isGone || !(wasOpen || now.type === "failed")) return;
      if (wasOpen) events.onRefused();
    }
    if (performance.now() - openedAt > PAUSE_MS.max) pauses.reset();
    await delay(pauses.next(), undefined, { ref: false, ...(signal === undefined ? {} : { signal }) });
  }
}

async function attempt({ open, signal }: StandingStream, lastEventId: string | undefined): Promise<Attempt> {
  try {
    const response = await open(lastEventId);
    const { status, body } = response;
    const type = response.headers.get("content-type") ?? "";
    if (response.ok && body !== null && !/html|json/i.test(type)) return { type: "open", body };
    if (!FOR_THE_SDK.includes(status)) await body?.cancel().catch(() => {});
    return status >= 500 && status !== 501 ? { type: "failed" } : { type: "refused", response };
  } catch (error) {
    if (signal?.aborted === true) throw error;
    return { type: "failed" };
  }
}

const PAUSE_MS = { first: 500, max: 60_000 };
/** Statuses that the SDK handles: credentials that may be renewed, and redirects. */
const FOR_THE_SDK: readonly number[] = [301, 302, 303, 307, 308, 401, 403];
const KNOWS_NO_SESSION: readonly number[] = [400, 401, 403, 404, 410];
