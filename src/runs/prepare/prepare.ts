/** From a request to a program that can be handed to a worker, and to the record of its run. */
import { createHash } from "node:crypto";
import type { RunLimits, ToolNamespaces } from "../../../sandbox/index.ts";
import type { CompileOutcome, Compiler, Diagnostic } from "../../code/compile.ts";
import { inputShape } from "../../code/syntax/input-shape.ts";
import type { RunRecord, Store } from "../../store/store.ts";
import { type Catalog, toNamespaces } from "../../tools/catalog.ts";
import { spendTime, whenThereIsTime } from "../../tools/checking/deadline.ts";
import type { HumanDecision } from "../../tools/gate/gate-call.ts";
import { visible } from "../../tools/policy.ts";
import type { Policy } from "../../tools/policy-layer.ts";
import { isFilter } from "../../tools/request-filters.ts";
import { describeUnmatchedFilters } from "../../tools/unmatched.ts";
import type { ProgramIdentity } from "../execution/program-run-options.ts";
import { type CompiledText, compileForRun } from "../program/compile-for-run.ts";
import { programDeclarations } from "../program/program-globals.ts";
import { notesOnInput, toGuestValue } from "../record/guest-values.ts";
import { createRunId } from "../record/ids.ts";
import type { TokenBudgets } from "../record/receipt.ts";
import type { PendingCall, Shown } from "../record/report-shape.ts";
import type { RunSpec } from "../record/run-spec.ts";
import { builtinFunctions } from "./builtin-tools.ts";

export interface ProgramRequest {
  readonly principal: string;
  /** The key that asked; null or absent without keys. */
  readonly keyName?: string | null;
  /** The person for whom the key asks, if the request says so. */
  readonly user?: string | undefined;
  readonly code: string;
  readonly input?: unknown;
  readonly policy: Policy;
  readonly limits: RunLimits;
  readonly typecheck: "error" | "warn" | "off";
  /** `park`: a call that needs approval ends the response with status `waiting`. `deny`: it rejects in the program. */
  readonly approval: "park" | "deny";
  /** Decides a call while somebody waits for it; undefined leaves it pending. Must not reject. */
  readonly onApproval?: (pending: PendingCall) => Promise<HumanDecision | undefined>;
  /**
   * A failed program of the same principal. Where this program makes a changing call equal to one of its calls, it gets
   * the recorded result instead. Refused with `not_found` or `invalid_request` when there is no such failed program.
   */
  readonly repairOf?: string;
  /** The id of its run; absent for a new one. */
  readonly id?: string;
  /** The chat run this program belongs to. */
  readonly parent?: string;
  /** Changes made to the text before it got here, told to its author. */
  readonly notes?: readonly string[];
  /** Aborting cancels the run, until the run first waits. */
  readonly signal?: AbortSignal;
}

export interface PreparedProgram {
  readonly outcome: CompileOutcome;
  /** The calls in its text that its policy refuses. */
  readonly denied: CompiledText["denied"];
  readonly record: RunRecord;
  readonly identity: ProgramIdentity;
}

export interface PrepareDeps {
  readonly compiler: Compiler;
  readonly store: Pick<Store, "putSnapshot">;
  /**
   * Limits for what a model is shown of its tools. It is counted before the first program, and recorded. Absent: a
   * model is shown nothing.
   */
  readonly tokenBudgets?: TokenBudgets;
}

/** Rejects as `Compiler.compile` does, and when the store cannot keep anything. */
export async function prepareProgram(
  request: ProgramRequest,
  catalog: Catalog,
  deps: PrepareDeps,
): Promise<PreparedProgram> {
  const { code, approval, policy, limits, principal } = request;
  const input = toGuestValue(request.input ?? null);
  const { parent = null, keyName = null, user, repairOf, id = createRunId() } = request;
  const createdAt = Date.now();
  const compileStart = performance.now();
  // Ignores the request's signal: a cancelled run has a report like any other.
  const namespaces = { ...toNamespaces(catalog, visible(catalog, policy)), functions: builtinFunctions };
  const { sourceBytes } = limits;
  const { compiler, store, tokenBudgets } = deps;
  const preparing = Promise.all([
    compileForRun({ ...request, catalog, sourceBytes, input: inputShape(input, code) }, compiler),
    store.putSnapshot(JSON.stringify(namespaces)),
  ]);
  // The first count for a catalog takes long, so it runs beside the compiler, which is slow the first time too.
  const recorded = tokenBudgets && shownTo(catalog, policy, tokenBudgets);
  const [{ outcome, sites, denied }, snapshot] = await preparing;
  const spec: RunSpec = {
    limits,
    diagnostics: [
      ...(outcome.ok ? outcome.program.diagnostics : outcome.diagnostics),
      ...(request.notes ?? []).map(noteOnText),
      ...notesOnInput(request.input),
      ...(parent === null ? notesOnFilters(policy, catalog) : []),
    ],
    policy,
    catalogVersion: catalog.version,
    keyName,
    ...(user === undefined ? {} : { user }),
    program: {
      code,
      compiled: outcome.ok ? { js: outcome.program.js, positions: outcome.program.positions } : null,
      compileMs: performance.now() - compileStart,
      input,
      approval,
      ...(sites.length === 0 ? {} : { sites }),
      ...(recorded === undefined ? {} : { shown: recorded }),
      ...(repairOf === undefined ? {} : { repairOf }),
    },
  };
  await whenThereIsTime();
  const record: RunRecord = {
    id,
    principal,
    kind: "program",
    parent,
    createdAt,
    spec: spendTime(() => JSON.stringify(spec)),
    snapshot,
    requestKey: null,
  };
  return { outcome, denied, record, identity: toIdentity(record, spec, namespaces) };
}

function noteOnText(message: string): Diagnostic {
  return { severity: "note", code: null, message, line: 1, column: 1 };
}

/** For the client: the model that wrote a program of a chat did not write the filters. */
function notesOnFilters({ layers }: Policy, catalog: Catalog): readonly Diagnostic[] {
  const base = layers.filter((layer) => !isFilter(layer));
  return describeUnmatchedFilters(layers.filter(isFilter), catalog, base).map((message) => ({
    severity: "note",
    code: null,
    message,
    line: 1,
    column: 1,
  }));
}

function shownTo(catalog: Catalog, policy: Policy, budgets: TokenBudgets): Shown {
  const { tokens } = programDeclarations(catalog, policy).shown(budgets.declarations);
  return { declarationTokens: tokens, resultBudget: budgets.result };
}

export function toIdentity(record: RunRecord, spec: RunSpec, namespaces: ToolNamespaces): ProgramIdentity {
  const { id, principal, createdAt } = record;
  const { limits, diagnostics, policy, catalogVersion, keyName = null, program } = spec;
  if (program === undefined) throw new Error("the record of a program has no program");
  const programHash = createHash("sha256").update(program.code).digest("hex");
  const head = { id, createdAt, limits, diagnostics, program };
  return { head, principal, keyName, programHash, catalogVersion, policy, program, namespaces };
}
