/** Runs and events as the tests of stores and journals need them. */
import { randomBytes } from "node:crypto";
import type { JournalEvent } from "../../src/journal.ts";
import type { RunRecord } from "../../src/store/store.ts";

export function runRecord(fields: Partial<RunRecord> = {}): RunRecord {
  return {
    id: `run_${randomBytes(16).toString("base64url")}`,
    principal: "local",
    kind: "program",
    parent: null,
    createdAt: 1_000,
    spec: '{"code":"return 1"}',
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

/** One event of every type, with every optional field somewhere. */
export const everyEvent: readonly JournalEvent[] = [
  { seq: 1, at: 1_001, type: "opened", programHash: "ab12", catalogVersion: "cd34" },
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
  { seq: 4, at: 1_004, type: "decided", n: 0, call: "call_a", decision: "approved", by: "ann" },
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
  { seq: 11, at: 1_011, type: "waiting" },
  {
    seq: 12,
    at: 1_012,
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
    usage: {
      wallMs: 11,
      cpuMs: 0.5,
      queueMs: 0,
      compileMs: 6,
      toolCalls: 2,
      logBytes: 9,
      peakHeapBytes: 100,
      tokens: { declarations: 1, program: 2, result: 3, directEstimate: 4 },
    },
  },
];
