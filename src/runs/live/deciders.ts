/**
 * Which keys may decide a call that needs approval, and what they see. A key decides the calls of its own principal;
 * with `decides` also those of others, as far as its own rules include the tool. Of others' runs it sees these calls
 * and nothing else.
 */
import type { StoredRun } from "../../store/store.ts";
import { matchesGlob } from "../../tools/patterns.ts";
import { refusingRule } from "../../tools/policy.ts";
import type { Policy } from "../../tools/policy-layer.ts";
import { readJson } from "../record/calls.ts";
import type { PendingCall, Report } from "../record/report-shape.ts";
import { parseSpec } from "../record/run-spec.ts";
import type { AskedCall } from "../summary/run-summary.ts";

/** Whether this tool's calls are decided for this principal. */
export type DecideScope = (principal: string, tool: string) => boolean;

/** What a viewer may see of others: with `admin` all their runs, with `decides` some of their waiting calls. */
export interface Viewer {
  readonly principal: string;
  readonly admin: boolean;
  /** Absent: only calls of the own principal. */
  readonly decides?: DecideScope;
}

/** A call that waits for a person, with what the person needs to know. */
export interface Approval extends PendingCall {
  readonly run: string;
  /** The chat that the program belongs to; null when there is none. */
  readonly parent: string | null;
  /** Milliseconds since the Unix epoch. */
  readonly askedAt: number;
  readonly requestedBy: {
    readonly principal: string;
    /** The name of the key; null when the gateway has none. */
    readonly key: string | null;
    /** The person behind the key, as the request named them. */
    readonly user: string | null;
  };
  /** Null when the model itself asked, without a program. */
  readonly program: {
    /** The author's text. */
    readonly source: string;
    /** 1-based lines on which it calls this tool; none when the tool's name is computed. */
    readonly lines: readonly number[];
  } | null;
}

/** Patterns: names of principals with `*` as a wildcard. `policy`: what the key's own rules leave it. */
export function createDecideScope(patterns: readonly string[], policy: Policy): DecideScope {
  return (principal, tool) =>
    patterns.some((pattern) => matchesGlob(pattern, principal)) && refusingRule(tool, policy) === undefined;
}

/** Whether the viewer may see the whole run. */
export function seesWhole({ principal }: Pick<StoredRun, "principal">, viewer: Viewer): boolean {
  return viewer.admin || principal === viewer.principal;
}

/** Whether the viewer may decide this tool's calls in this run. */
export function isAsked({ principal }: Pick<StoredRun, "principal">, tool: string, viewer: Viewer): boolean {
  return viewer.admin || principal === viewer.principal || viewer.decides?.(principal, tool) === true;
}

const HIDDEN = "Only the owner of the run may read this.";

/** The report without what only its owner may read: program, result, logs and other calls. */
export function narrowReport(report: Report, mayDecide: (tool: string) => boolean): Report {
  const { error } = report;
  return {
    ...report,
    result: null,
    error: error === null ? null : { code: error.code, message: HIDDEN, effects: error.effects },
    diagnostics: [],
    logs: [],
    calls: report.calls
      .filter(({ tool }) => mayDecide(tool))
      .map((call) => ({ ...call, error: call.error && { kind: call.error.kind, message: HIDDEN } })),
    pending: report.pending.filter(({ tool }) => mayDecide(tool)),
  };
}

/** A call of this run that needs approval, as people see it. */
export function toApproval(
  { id, principal, parent, spec }: Pick<StoredRun, "id" | "principal" | "parent" | "spec">,
  { call, tool, args, reason, askedAt }: AskedCall,
): Approval {
  const { program, keyName = null, user = null } = parseSpec(spec);
  const lines = program?.sites?.find((site) => site.tool === tool)?.lines ?? [];
  return {
    run: id,
    parent,
    call,
    tool,
    arguments: readJson(args),
    reason,
    askedAt,
    requestedBy: { principal, key: keyName, user },
    program: program === undefined ? null : { source: program.code, lines },
  };
}
