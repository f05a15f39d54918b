import { expect, test } from "vitest";
import { describeFailure, describeRemarks, exitCodeOf } from "../../src/cli/outcome.ts";
import type { RunError } from "../../src/journal.ts";

function failed(error: Partial<RunError> & Pick<RunError, "code">) {
  const defaults = { message: "It failed.", effects: "none" } as const;
  return { status: "failed", pending: [], error: { ...defaults, ...error } } as const;
}

function failedTool(kind: NonNullable<RunError["tool"]>["kind"]) {
  return failed({ code: "guest_error", tool: { server: "shop", tool: "get_order", kind } });
}

const waiting = {
  status: "waiting",
  error: null,
  pending: [
    { call: "call_1", tool: "shop/place_order", arguments: { quantity: 1 }, reason: "not in autoExecute" },
  ],
} as const;

test.each([
  ["a completed program", { status: "completed", error: null, pending: [] } as const, 0],
  ["a program that threw", failed({ code: "guest_error" }), 1],
  ["a program that cannot be parsed", failed({ code: "syntax_error" }), 1],
  ["a tool that failed", failedTool("tool"), 1],
  ["arguments a tool does not take", failedTool("invalid_arguments"), 1],
  ["a tool nobody has", failedTool("unknown_tool"), 1],
  ["a tool that was cancelled", failedTool("cancelled"), 1],
  ["a result that is too large", failedTool("too_large"), 1],
  ["a tool that asks for what is not supported", failedTool("unsupported"), 1],
  ["a tool outside the allowed set", failedTool("denied"), 4],
  ["a call that waits for a person", waiting, 5],
  ["a program over a limit", failed({ code: "cpu_timeout" }), 6],
  ["a program with too many calls", failed({ code: "too_many_calls" }), 6],
  ["a server that is not there", failedTool("unavailable"), 7],
  ["a tool that does not answer", failedTool("timeout"), 7],
  ["a worker that died", failed({ code: "engine_crashed" }), 70],
  ["an interrupted program", { ...failed({ code: "cancelled" }), status: "cancelled" } as const, 130],
])("%s ends the command with its exit code", (_what, outcome, code) => {
  expect(exitCodeOf(outcome)).toBe(code);
});

test("a failure is told with its place, its hint, and whether something may have changed", () => {
  const outcome = failed({
    code: "guest_error",
    message: "Error: no",
    hint: "Try yes.",
    line: 3,
    column: 7,
    effects: "possible",
  });
  expect(describeFailure(outcome, "a.ts").split("\n")).toEqual([
    "a.ts:3:7: guest_error: Error: no",
    "Try yes.",
    "A call that can change something had started before the program ended.",
  ]);
});

test("warnings and notes are one line each with their place; errors are told as the failure", () => {
  const at = { code: null, line: 2, column: 5 };
  const diagnostics = [
    { ...at, severity: "error", message: "No." },
    { ...at, severity: "warning", message: "Perhaps." },
    { ...at, line: 7, severity: "note", message: "By the way." },
  ] as const;
  expect(describeRemarks({ diagnostics }, "a.ts")).toEqual([
    "a.ts:2:5 warning: Perhaps.",
    "a.ts:7:5 note: By the way.",
  ]);
});

test("a failure without a place names the file alone", () => {
  expect(describeFailure(failed({ code: "wall_timeout" }), "<stdin>")).toBe(
    "<stdin>: wall_timeout: It failed.",
  );
});

test("calls that wait are listed with their arguments and the reason", () => {
  expect(describeFailure(waiting, "a.ts")).toContain(
    '  shop/place_order {"quantity":1} (not in autoExecute)\n',
  );
});

test("calls that wait are followed by what can be done in this version", () => {
  expect(describeFailure(waiting, "a.ts").split("\n").at(-1)).toBe(
    "Add these tools to tools.autoExecute, or run the program with a policy that allows them.",
  );
});

test("a completed program leaves nothing to say", () => {
  expect(describeFailure({ status: "completed", error: null, pending: [] }, "a.ts")).toBe("");
});
