/** Runs and events as the tests of stores and journals need them. */
import { randomBytes } from "node:crypto";
import type { JournalEvent, JournalEventBody, RunUsage } from "../../src/journal.ts";
import type { RunRecord } from "../../src/store/store.ts";

export function runRecord(fields: Partial<RunRecord> = {}): RunRecord {
  return {
    id: `run_${randomBytes(16).toString("base64url")}`,
    principal: "local",
    kind: "program",
    parent: null,
    createdAt: 1_000,
    spec: '{"code":"return 1"}',
    snapshot: null,
    requestKey: null,
    ...fields,
  };
}

export function logEvent(seq: number, text = `line ${seq}`): JournalEvent {
  return { seq, at: 1_000 + seq, type: "log", level: "log", text };
}

/** `count` log events, from this seq on. */
export function logEvents(count: number, firstSeq = 1): readonly JournalEvent[] {
  return Array.from({ length: count }, (_, index) => logEvent(firstSeq + index));
}

/** What happens to one call of a tool, from this seq on; `n` numbers it within its run. */
export function callEvents(
  firstSeq: number,
  { n = firstSeq, tool = "files/read", decision = "auto", at = 1_000 + firstSeq }: CallShape = {},
): readonly JournalEvent[] {
  const head = { n, call: `call_${n}` };
  const bodies: readonly JournalEventBody[] = [
    { ...head, type: "requested", tool, args: "{}", argsBytes: 2 },
    { ...head, type: "decided", decision, by: decision === "auto" ? "policy" : "ann" },
    { ...head, type: "started", tool, argsHash: "ef56", readOnly: true },
    { ...head, type: "settled", outcome: { ok: true, value: "1" }, resultBytes: 1, reused: false },
  ];
  return bodies.map((body, index) => ({ seq: firstSeq + index, at: at + index, ...body }));
}

interface CallShape {
  readonly n?: number;
  readonly tool?: string;
  readonly decision?: "auto" | "ask" | "approved" | "denied" | "result";
  /** Of its first event; the others follow a millisecond apart. */
  readonly at?: number;
}

export const endUsage: RunUsage = {
  wallMs: 11,
  cpuMs: 0.5,
  queueMs: 0,
  compileMs: 6,
  toolCalls: 2,
  logBytes: 9,
  peakHeapBytes: 100,
};

/** One event of every type, with every optional field somewhere. */
export const everyEvent: readonly JournalEvent[] = [
  { seq: 1, at: 1_001, type: "opened", programHash: "ab12", catalogVersion: "cd34", engine: "v8" },
  {
    seq: 2,
    at: 1_002,
    type: "requested",
    n: 0,
    call: "call_a",
    tool: "files/read",
    args: '{"p":"ü"}',
    argsBytes: 10,
  },
  {
    seq: 3,
    at: 1_003,
    type: "decided",
    n: 0,
    call: "call_a",
    decision: "ask",
    by: "policy",
    reason: "not in autoExecute",
    args: '{"p":"ü"}',
  },
  {
    seq: 4,
    at: 1_004,
    type: "decided",
    n: 0,
    call: "call_a",
    decision: "approved",
    by: "ann",
    policy: "0f",
    layers: [{ rule: "tools_filter", allow: ["a/*"] }],
  },
  {
    seq: 5,
    at: 1_005,
    type: "started",
    n: 0,
    call: "call_a",
    tool: "files/read",
    argsHash: "ef56",
    readOnly: false,
  },
  {
    seq: 6,
    at: 1_006,
    type: "settled",
    n: 0,
    call: "call_a",
    outcome: { ok: true, value: '"text"' },
    resultBytes: 6,
    reused: false,
  },
  {
    seq: 7,
    at: 1_007,
    type: "requested",
    n: 1,
    call: "call_b",
    tool: "files/drop",
    args: "{}",
    argsBytes: 2,
  },
  {
    seq: 8,
    at: 1_008,
    type: "settled",
    n: 1,
    call: "call_b",
    resultBytes: 0,
    reused: true,
    outcome: { ok: false, failure: { kind: "tool", message: "no", data: { nested: [1, null] } } },
  },
  { seq: 9, at: 1_009, type: "timer", n: 2, delayMs: 1.5 },
  { seq: 10, at: 1_010, type: "log", level: "warn", text: "line\n\u0000 end" },
  { seq: 11, at: 1_011, type: "waiting", usage: endUsage },
  {
    seq: 12,
    at: 1_012,
    type: "resumed",
    cause: "client",
    engine: null,
    layers: [
      { rule: "body", allow: ["*"], autoExecute: [], servers: ["files"] },
      { rule: "tools.allow", deployment: true },
    ],
    request: { key: null, bodyHash: "h" },
  },
  {
    seq: 13,
    at: 1_013,
    type: "decided",
    n: 1,
    call: "call_b",
    decision: "result",
    by: "ann",
    edited: true,
    value: '"given"',
  },
  {
    seq: 14,
    at: 1_014,
    type: "turn",
    message: '{"role":"assistant"}',
    calls: [
      { id: "a", call: "call_a" },
      { id: "b", run: "run_b" },
      { id: "c" },
      { id: "d", call: "call_d", caller: true },
    ],
    usage: '{"total_tokens":3}',
    finish: '{"reason":"stop"}',
  },
  { seq: 15, at: 1_015, type: "answered", id: "a", content: "the text" },
  {
    seq: 16,
    at: 1_016,
    type: "ended",
    status: "failed",
    result: null,
    error: {
      code: "guest_error",
      message: "Error: no",
      hint: "try",
      line: 1,
      column: 2,
      effects: "possible",
      tool: { server: "files", tool: "drop", kind: "tool" },
    },
    usage: endUsage,
    warnings: ["a call was not awaited"],
  },
  { seq: 17, at: 1_017, type: "reopened" },
];
