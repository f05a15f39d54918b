/**
 * `POST /v1/chat/completions`: passes a request to the chat engine, and its events to a stream or a body. An answer
 * here is the reply to the user.
 */
import { createHash } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { resolveAnswerLimits } from "../../access/answer-limits.ts";
import { requireRight } from "../../access/caller.ts";
import type { ChatEvent } from "../../chat/events.ts";
import { toRefusal } from "../../errors.ts";
import type { Gateway } from "../../gateway.ts";
import type { Log } from "../../log.ts";
import { type ModeSource, selectMode } from "../openai/chat-mode.ts";
import {
  type AnswerEnvelope,
  createEnvelope,
  type StreamOptions,
  toChunks,
  toCompletion,
} from "../openai/openai-answer.ts";
import { type ChatBody, parseChatBody } from "../openai/openai-wire.ts";
import { type RawAnswerOptions, sendRawAnswer } from "../openai/raw-answer.ts";
import { callerOf, policyFor, userOf } from "../request/access.ts";
import { disconnectSignal, sendEventStream } from "../request/sse.ts";

/**
 * Milliseconds that a stream waits for its first event before it sends its headers. A failure within that time (a wrong
 * key, a rate limit, an unknown model) still gets the status that clients act on. Later the headers are sent anyway, so
 * that the client does not time out.
 */
const HEADERS_GRACE_MS = 1_000;

export function registerChatRoutes(app: FastifyInstance, gateway: Gateway): void {
  const bodyLimit = gateway.config.server.chatBodyLimitBytes;
  app.post("/v1/chat/completions", { bodyLimit, config: { needsTools: true } }, async (request, reply) => {
    const signal = disconnectSignal(reply);
    try {
      return await answerChat(gateway, request, reply, signal);
    } catch (error) {
      // The client has left, so there is nobody to answer.
      if (signal.aborted) return reply.hijack();
      throw error;
    }
  });
}

async function answerChat(
  gateway: Gateway,
  request: FastifyRequest,
  reply: FastifyReply,
  signal: AbortSignal,
): Promise<FastifyReply> {
  const caller = callerOf(request);
  requireRight(caller, "run");
  const body = parseChatBody(request.body);
  const { mode, isAsked } = selectMode(modeSources(gateway, request, body), caller.mode);
  const policy = policyFor(request, body.toolsFilter);
  const limits = resolveAnswerLimits(gateway.config.agent, caller.agent, body.limits);
  releaseWithResponse(reply, await gateway.access.takeSlot(caller));

  const { model, messages, tools, choices, stream, params } = body;
  const { principal, keyName, rights } = caller;
  const includeSteps = header(request, "x-toolarium-steps") === "true";
  const events = gateway.chat.run({
    principal,
    keyName,
    user: userOf(request, params["safety_identifier"] ?? params["user"]),
    mayDecide: rights.has("decide"),
    policy,
    // Agent mode could continue only one of several answers, so plain mode returns the calls of all of them.
    mode: mode === "agent" && choices > 1 ? "plain" : mode,
    asksForMode: isAsked,
    mark: {
      key: header(request, "idempotency-key"),
      // Lazy: only a chat that is recorded or looked up needs the hash.
      get bodyHash() {
        return hash(JSON.stringify(request.body));
      },
    },
    isFresh: header(request, "x-toolarium-fresh") === "true",
    isRetry: Number(header(request, "x-stainless-retry-count")) >= 1,
    model,
    messages,
    tools,
    choices,
    stream,
    limits,
    wantsProgress: stream && includeSteps,
    params,
    signal,
  });
  const answer = await beginAnswer(events[Symbol.asyncIterator](), stream ? HEADERS_GRACE_MS : undefined);
  const onFailure = (error: unknown): void => {
    if (!signal.aborted) logFailure(gateway.log, error);
  };
  reply.header("cache-control", "no-store");
  if (answer.added > 0) reply.header("x-toolarium-hint", hintOnAddedTools(answer.added));
  if (answer.runId !== null) reply.header("x-toolarium-run-id", answer.runId);
  if (answer.model !== null) reply.header("x-toolarium-model", encodeURI(answer.model));
  if (answer.isRaw) return sendRaw(reply, answer.events, { isStream: stream, onFailure });
  const isChain = gateway.models.resolve(model).provider === null;
  const envelope = createEnvelope(model, isChain);
  if (!stream) return sendCompletion(reply, answer.events, envelope);
  const options: StreamOptions = {
    envelope,
    includeUsage: body.includeUsage,
    includeSteps,
    onFailure,
  };
  return sendEventStream(reply, toChunks(answer.events, options));
}

/** Explains calls of the gateway's tools to clients that did not ask for those tools. */
function hintOnAddedTools(added: number): string {
  return (
    `Plain mode offered ${added} tools of this gateway to the model; their calls are the client's to answer. ` +
    "Send each to POST /v1/mcp/tool/execute, which gives the tool message, or ask with mode agent or code. " +
    "The header x-mcp-include-tools chooses tools; an empty one offers none."
  );
}

function header({ headers }: FastifyRequest, name: string): string | null {
  const value = headers[name];
  return typeof value === "string" && value !== "" ? value : null;
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

function releaseWithResponse(reply: FastifyReply, slot: AsyncDisposable): void {
  const release = (): void => void slot[Symbol.asyncDispose]();
  if (reply.raw.closed) release();
  else reply.raw.once("close", release);
}

function modeSources({ models }: Gateway, request: FastifyRequest, body: ChatBody): readonly ModeSource[] {
  return [
    ...body.modes,
    // A header cannot be null, so a blank one names no mode.
    { source: "x-toolarium-mode", mode: request.headers["x-toolarium-mode"] || undefined },
    { source: "the suffix of the model", mode: models.resolve(body.model).modeSuffix },
  ];
}

interface BegunAnswer {
  readonly runId: string | null;
  /** Number of tools that plain mode added to the client's. */
  readonly added: number;
  /** The `provider/model` that replies. Null when it is not known yet, and for a built-in model. */
  readonly model: string | null;
  /** All events, including those that were already read. */
  readonly events: AsyncIterable<ChatEvent>;
  /** Whether the answer is known to be raw bytes of the provider. */
  readonly isRaw: boolean;
}

/**
 * Waits for the first event of the model, for at most this many milliseconds.
 *
 * @throws what the engine throws before that
 */
async function beginAnswer(
  iterator: AsyncIterator<ChatEvent>,
  graceMs: number | undefined,
): Promise<BegunAnswer> {
  const started = await iterator.next();
  const beginning = readBeginning(iterator);
  const begun = graceMs === undefined ? await beginning : await within(graceMs, beginning);
  const first = begun?.first;
  const start = !started.done && started.value.type === "started" ? started.value : undefined;
  return {
    runId: start?.runId ?? null,
    added: start?.added ?? 0,
    model: begun?.answering?.model ?? null,
    isRaw: first !== undefined && !first.done && first.value.type === "raw",
    events: (async function* () {
      try {
        if (!started.done) yield started.value;
        const { answering, first: second } = await beginning;
        if (answering !== undefined) yield answering;
        for (let next = second; !next.done; next = await iterator.next()) yield next.value;
      } finally {
        await iterator.return?.();
      }
    })(),
  };
}

interface Beginning {
  readonly answering: (ChatEvent & { readonly type: "answering" }) | undefined;
  readonly first: IteratorResult<ChatEvent, unknown>;
}

/** Reads up to the first event of the model, and the name of the model that replies. */
async function readBeginning(iterator: AsyncIterator<ChatEvent>): Promise<Beginning> {
  const first = await iterator.next();
  if (first.done || first.value.type !== "answering") return { answering: undefined, first };
  return { answering: first.value, first: await iterator.next() };
}

/** The promise's value, or undefined after `ms`. A later rejection is ignored. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const over = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => over.resolve(undefined), ms);
  try {
    return await Promise.race([promise, over.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function sendCompletion(
  reply: FastifyReply,
  events: AsyncIterable<ChatEvent>,
  envelope: AnswerEnvelope,
): Promise<FastifyReply> {
  const completion = await toCompletion(events, envelope);
  if (completion.failed) reply.header("x-should-retry", "false");
  return reply.type("application/json; charset=utf-8").send(completion.body);
}

/** Passes raw bytes on, then reads `events` to its end, so that the engine can clean up. */
async function sendRaw(
  reply: FastifyReply,
  events: AsyncIterable<ChatEvent>,
  options: RawAnswerOptions,
): Promise<FastifyReply> {
  for await (const event of events) if (event.type === "raw") await sendRawAnswer(reply, event, options);
  return reply;
}

/** Logs a failure after status 200: the status does not show it. */
function logFailure(log: Log, error: unknown): void {
  const refusal = toRefusal(error);
  if (refusal.code === "internal_error") log.error({ err: refusal.cause ?? refusal }, "bug");
  else log.warn({ code: refusal.code }, "a chat stream failed");
}
