/** One `tools/call` of a client: who asks, how it is told of progress, and how its person is asked. */
import {
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  type ElicitRequestFormParams,
  inputResponse,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type { Visit } from "./visit.ts";

export interface Exchange {
  readonly visit: Visit;
  /** Aborts when the client gives the request up, or is gone. */
  readonly signal: AbortSignal;
  /** Says how far it is. Null: the client did not ask for that. */
  readonly tell: ((message: string) => void) | null;
  /**
   * How a person is asked. `now`: by a request of ours while the client's waits (revisions until 2025-11-25). `later`: the
   * answer holds the questions, and the client sends its request again with what was said (2026-07-28). Null: not at all.
   */
  readonly asks: "now" | "later" | null;
  /** Puts one form to the person. Rejects when the client cannot, or is gone. Only where `asks` is `now`. */
  ask(form: ElicitRequestFormParams): Promise<Said>;
  /** What came back, where `asks` is `later`: null in the first request. The client's word, to be checked. */
  readonly returned: { readonly run: string; said(call: string): Said | undefined } | null;
}

/** What a person did with a form. */
export interface Said {
  readonly action: "accept" | "decline" | "cancel";
  readonly content: { readonly [field: string]: unknown };
}

export interface ExchangeOptions {
  readonly visit: Visit;
  /** Of the session; undefined where there is none. */
  readonly capabilities: ClientCapabilities | undefined;
  /** Milliseconds for which a person may take. */
  readonly patienceMs: number;
  /** Aborts when the gateway stops: nobody is asked any more, and what waits, waits on. */
  readonly closing?: AbortSignal | undefined;
}

/** Timers cannot wait longer. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const MAX_MESSAGE_CHARS = 1_000;
/** Milliseconds between signs of life while a person thinks: clients give a silent request up after 60 s. */
const STILL_HERE_MS = 10_000;

export function toExchange(
  { mcpReq }: ServerContext,
  { visit, capabilities, patienceMs, closing }: ExchangeOptions,
): Exchange {
  const { envelope, signal } = mcpReq;
  const isModern = envelope !== undefined;
  const declared = isModern ? declaredIn(envelope) : capabilities;
  const tell = progressOf(mcpReq);
  return {
    visit,
    signal,
    tell,
    asks: takesForms(declared) ? (isModern ? "later" : "now") : null,
    async ask(form) {
      const timer = setInterval(() => tell?.("Waiting for a person to decide."), STILL_HERE_MS);
      try {
        const timeout = Math.min(patienceMs, MAX_TIMER_MS);
        const until = closing === undefined ? signal : AbortSignal.any([signal, closing]);
        const request = { method: "elicitation/create" as const, params: form };
        return toSaid(await mcpReq.send(request, { timeout, signal: until }));
      } finally {
        clearInterval(timer);
      }
    },
    returned: isModern ? returnedBy(mcpReq) : null,
  };
}

/** The SDK has checked it, and types it as nothing. */
function declaredIn(envelope: { readonly [CLIENT_CAPABILITIES_META_KEY]?: ClientCapabilities }) {
  return envelope[CLIENT_CAPABILITIES_META_KEY];
}

/** A capability without modes means forms: they came first. */
function takesForms(capabilities: ClientCapabilities | undefined): boolean {
  const elicitation = capabilities?.elicitation;
  return elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined);
}

function progressOf({ _meta, notify }: ServerContext["mcpReq"]): Exchange["tell"] {
  const progressToken = _meta?.progressToken;
  if (progressToken === undefined) return null;
  let progress = 0;
  return (text) => {
    progress += 1;
    const message = text.length > MAX_MESSAGE_CHARS ? `${text.slice(0, MAX_MESSAGE_CHARS)}…` : text;
    // A client that is gone is told nothing; the signal says so.
    notify({ method: "notifications/progress", params: { progressToken, progress, message } }).catch(
      () => {},
    );
  };
}

function returnedBy({ requestState, inputResponses }: ServerContext["mcpReq"]): Exchange["returned"] {
  const run = requestState();
  if (typeof run !== "string") return null;
  return {
    run,
    said(call) {
      const response = inputResponse(inputResponses, call);
      return response.kind === "elicit" ? toSaid(response) : undefined;
    },
  };
}

function toSaid({
  action,
  content,
}: {
  action: Said["action"];
  content?: Said["content"] | undefined;
}): Said {
  return { action, content: content ?? {} };
}
