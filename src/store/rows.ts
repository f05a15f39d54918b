/** Reads stored rows. They are parsed like any outside input, because a file can be older, newer or damaged. */
import { z } from "zod";
import type { ToolErrorKind } from "../../sandbox/index.ts";
import type { RunErrorCode } from "../error-codes.ts";
import { errorTable, ToolariumError, toolFailureCode } from "../errors.ts";
import type { JournalEvent, RunError, RunUsage, RunWarning, ToolFailure } from "../journal.ts";
import type { PolicyLayer } from "../tools/policy-layer.ts";
import { restoreLargeTexts } from "./large-texts.ts";

import type { FoundCall, StoredRun, StoredShape, SummarizedRun } from "./store.ts";

/**
 * `findPayload` returns the texts that are kept outside of the event, by hash.
 *
 * Throws `store_damaged` when the text is not an event, or such a text is gone; `internal_error` when the event is of a
 * newer version.
 */
export function parseJournalEvent(
  text: string,
  findPayload: (hash: string) => string | undefined,
): JournalEvent {
  const row = readJson(text);
  const { v } = versioned.safeParse(row).data ?? {};
  if (v === undefined || v < 1 || v > JOURNAL_VERSION)
    throw new ToolariumError(
      v === undefined || v < 1 ? "store_damaged" : "internal_error",
      `A stored journal event has version ${v ?? "none"}; this version reads 1 to ${JOURNAL_VERSION}.`,
    );
  const event = journalEvent.safeParse(restoreLargeTexts({ ...row }, findPayload));
  if (!event.success)
    throw new ToolariumError("store_damaged", "A stored journal event is damaged.", { cause: event.error });
  return event.data;
}

/** Throws `store_damaged` when the row is not a run. */
export function parseRunRow(row: unknown): StoredRun {
  const run = runRow.safeParse(row);
  if (!run.success)
    throw new ToolariumError("store_damaged", "A stored run is damaged.", { cause: run.error });
  return run.data;
}

/** Throws `store_damaged` when the row does not name its run. */
export function parseRunRef(row: unknown): FoundCall["run"] {
  const ref = runRow.pick({ id: true, principal: true, status: true }).safeParse(row);
  if (!ref.success)
    throw new ToolariumError("store_damaged", "A stored run is damaged.", { cause: ref.error });
  return ref.data;
}

/** Throws `store_damaged` when the row does not name its run. */
export function parseSummaryRow(row: unknown): SummarizedRun {
  const run = summaryRow.safeParse(row);
  if (!run.success)
    throw new ToolariumError("store_damaged", "A stored run is damaged.", { cause: run.error });
  return run.data;
}

/** Undefined for a damaged row: its content can be learned again. */
export function parseShapeRow(row: unknown): StoredShape | undefined {
  return shapeRow.safeParse(row).data;
}

function readJson(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

const count = z.int().nonnegative();
const kind = z.custom<ToolErrorKind>((value) => isKeyOf(toolFailureCode, value));

const toolFailure = z.object({
  kind,
  message: z.string(),
  data: z.unknown().exactOptional(),
}) satisfies z.ZodType<ToolFailure>;

const runError = z.object({
  code: z.custom<RunErrorCode>((value) => isKeyOf(errorTable, value)),
  message: z.string(),
  hint: z.string().exactOptional(),
  line: z.number().exactOptional(),
  column: z.number().exactOptional(),
  effects: z.enum(["none", "possible"]),
  tool: z.object({ server: z.string(), tool: z.string(), kind }).exactOptional(),
}) satisfies z.ZodType<RunError>;

const runWarning = z.object({
  severity: z.enum(["warning", "note"]),
  message: z.string(),
  line: z.int().exactOptional(),
  column: z.int().exactOptional(),
}) satisfies z.ZodType<RunWarning>;

const logLevel = z.enum(["log", "info", "warn", "error", "debug"]);

export const runUsage: z.ZodObject<{ [name in keyof RunUsage]: z.ZodNumber }> = z.object({
  wallMs: z.number(),
  cpuMs: z.number(),
  queueMs: z.number(),
  compileMs: z.number(),
  toolCalls: z.number(),
  logBytes: z.number(),
  peakHeapBytes: z.number(),
});

const head = { seq: z.int().positive(), at: z.number() };
const callHead = { ...head, n: count, call: z.string() };

const policyLayer = z.object({
  rule: z.string(),
  allow: z.array(z.string()).exactOptional(),
  autoExecute: z.array(z.string()).exactOptional(),
  servers: z.array(z.string()).exactOptional(),
  deployment: z.literal(true).exactOptional(),
}) satisfies z.ZodType<PolicyLayer>;

const versioned = z.object({ v: z.int() });

const journalEvent = z.discriminatedUnion("type", [
  z.object({
    ...head,
    type: z.literal("opened"),
    programHash: z.string().nullable(),
    catalogVersion: z.string(),
    engine: z.string().nullable().exactOptional(),
  }),
  z.object({
    ...head,
    type: z.literal("resumed"),
    cause: z.enum(["decision", "restart", "client"]),
    engine: z.string().nullable(),
    layers: z.array(policyLayer).exactOptional(),
    request: z.object({ key: z.string().nullable(), bodyHash: z.string() }).exactOptional(),
  }),
  z.object({
    ...callHead,
    type: z.literal("requested"),
    tool: z.string(),
    args: z.string(),
    argsBytes: count,
    inText: z.literal(true).exactOptional(),
  }),
  z.object({
    ...callHead,
    type: z.literal("decided"),
    decision: z.enum(["auto", "ask", "approved", "denied", "result"]),
    by: z.string(),
    policy: z.string().exactOptional(),
    reason: z.string().exactOptional(),
    args: z.string().exactOptional(),
    edited: z.boolean().exactOptional(),
    value: z.string().exactOptional(),
    layers: z.array(policyLayer).exactOptional(),
    heldBack: z.literal(true).exactOptional(),
  }),
  z.object({
    ...callHead,
    type: z.literal("started"),
    tool: z.string(),
    argsHash: z.string(),
    readOnly: z.boolean(),
  }),
  z.object({
    ...callHead,
    type: z.literal("settled"),
    outcome: z.discriminatedUnion("ok", [
      z.object({ ok: z.literal(true), value: z.string() }),
      z.object({ ok: z.literal(false), failure: toolFailure }),
    ]),
    resultBytes: count,
    reused: z.boolean(),
  }),
  z.object({ ...head, type: z.literal("timer"), n: count, delayMs: z.number() }),
  z.object({
    ...head,
    type: z.literal("log"),
    level: logLevel,
    text: z.string(),
  }),
  z.object({
    ...head,
    type: z.literal("turn"),
    message: z.string(),
    calls: z.array(
      z.object({
        id: z.string(),
        call: z.string().exactOptional(),
        run: z.string().exactOptional(),
        caller: z.literal(true).exactOptional(),
      }),
    ),
    usage: z.string().nullable(),
    finish: z.string(),
  }),
  z.object({
    ...head,
    type: z.literal("answered"),
    id: z.string(),
    content: z.string(),
    parts: z.literal(true).exactOptional(),
  }),
  z.object({
    ...head,
    type: z.literal("waiting"),
    usage: runUsage.exactOptional(),
    lastLogs: z.array(z.object({ level: logLevel, text: z.string() })).exactOptional(),
  }),
  z.object({
    ...head,
    type: z.literal("ended"),
    status: z.enum(["completed", "failed", "cancelled"]),
    result: z.string().nullable(),
    error: runError.nullable(),
    usage: runUsage,
    warnings: z.array(z.union([z.string(), runWarning])).exactOptional(),
  }),
  z.object({ ...head, type: z.literal("reopened") }),
]) satisfies z.ZodType<JournalEvent>;

const runRow = z.object({
  id: z.string(),
  principal: z.string(),
  kind: z.enum(["program", "chat", "call"]),
  parent: z.string().nullable(),
  createdAt: z.number(),
  spec: z.string(),
  snapshot: z.string().nullable(),
  requestKey: z.string().nullable(),
  status: z.enum(["queued", "running", "waiting", "completed", "failed", "cancelled"]),
}) satisfies z.ZodType<StoredRun>;

const summaryRow = runRow
  .pick({ id: true, principal: true, kind: true, parent: true, createdAt: true, status: true })
  .extend({ summary: z.string().nullable() }) satisfies z.ZodType<SummarizedRun>;

const shapeRow = z.object({
  principal: z.string(),
  tool: z.string(),
  definition: z.string(),
  seenAt: z.number(),
  shape: z.string(),
}) satisfies z.ZodType<StoredShape>;

function isKeyOf(table: object, value: unknown): boolean {
  return typeof value === "string" && Object.hasOwn(table, value);
}

/**
 * Written into every stored event as `v`. Raise it when an older version could not read a new event; events of lower
 * versions are still read. 2: runs that resume after they waited, chats, edited and supplied results, large texts by
 * their hash.
 */
export const JOURNAL_VERSION = 2;
