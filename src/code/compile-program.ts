/**
 * Text to program: normalizes it, emits and checks it side by side, and reports everything in the author's positions.
 * Runs in the compiler process only, because a text can stall or kill the functions called here.
 *
 * The text is read six times, each for a reason of its own: the lexical scan bounds its nesting before any parser
 * recurses, Babel gives its structure, esbuild removes types (TypeScript only), `vm.Script` finds V8's early errors,
 * the type checker compares it with the tools, and V8 compiles it in the isolate. After a type fault Babel reads the
 * body once more to find the place.
 */

import type { Unchecked } from "./check/check-service.ts";
import {
  type Checking,
  checkBody,
  checkHiddenTools,
  sayUnchecked,
  type TypeRemark,
  type TypesByHash,
} from "./check-program.ts";
import type { CompileOutcome, CompileRequest, Diagnostic, ToolReference } from "./compile.ts";
import { arrange, withoutResultNotes } from "./diagnostics.ts";
import { type Emitted, emit } from "./emit.ts";
import { toolGlobals } from "./entry/inspect.ts";
import { type Normalized, normalize } from "./intake/normalize.ts";
import { callingNames } from "./syntax/environment-names.ts";
import { encodePositions, originalPosition, type Position } from "./syntax/positions.ts";
import type { Remark } from "./syntax/remark.ts";
import { lineStarts, positionAt } from "./syntax/source-text.ts";

/** The request to a compiler process: declarations are given by their hash. */
export interface ProgramRequest
  extends Pick<CompileRequest, "code" | "sourceBytes" | "globals" | "hidden" | "input"> {
  readonly check: ProgramCheck;
}

export type ProgramCheck =
  | { readonly mode: "error" | "warn"; readonly types: TypesByHash }
  | { readonly mode: "off" }
  /**
   * The check against types does not take place this time: too many programs wait, or it took too much memory before.
   * What the text alone shows is judged by the mode all the same.
   */
  | { readonly mode: "error" | "warn"; readonly types: null; readonly why: "busy" | "memory" };

export interface Compiled {
  readonly outcome: CompileOutcome;
  /** Whether the outcome depends on the text alone, so that it may be cached. */
  readonly lasting: boolean;
}

/**
 * Resolves for every text. `onEmitted` is called when only the check is unfinished. Rejects when esbuild cannot be
 * started.
 */
export async function compileProgram(
  request: ProgramRequest,
  checking?: Checking,
  onEmitted: () => void = () => undefined,
): Promise<Compiled> {
  const normalized = normalize(request);
  const starts = lineStarts(request.code);
  if (!normalized.ok) {
    const { code, message, hint, offset } = normalized;
    return lasting(refusal(code, message, positionAt(starts, offset), [], hint));
  }
  const emitting = emit(normalized.body.text, normalized.typescript);
  const checked = check(request, normalized, checking);
  const emitted = await emitting;
  const remarks = normalized.remarks.map((remark) => toDiagnostic(remark, starts));
  if (!emitted.ok) return lasting(refuseEmit(request.code, normalized, emitted, remarks));
  onEmitted();
  const { found, unchecked } = await checked;
  const isStrict = request.check.mode === "error";
  const arranged = arrange(
    [
      ...(unchecked === undefined ? [] : [toDiagnostic({ ...sayUnchecked(unchecked), offset: 0 }, starts)]),
      ...remarks,
      ...found.map((remark) => toDiagnostic(remark, starts)),
    ].map((diagnostic) => (isStrict ? diagnostic : soften(diagnostic))),
  );
  const diagnostics = arranged.map(withHint);
  const toolReferences = normalized.toolReferences.map(
    ({ root, path, offset, others }): ToolReference => ({
      root,
      path,
      ...positionAt(starts, offset),
      ...(others === undefined ? {} : { otherLines: others.map((other) => positionAt(starts, other).line) }),
    }),
  );
  const fault = arranged.find(({ severity }) => severity === "error");
  return {
    lasting: unchecked === undefined,
    outcome:
      fault === undefined
        ? {
            ok: true,
            program: {
              js: emitted.js,
              positions: encodePositions(request.code, normalized.body, emitted.mappings),
              diagnostics,
              runs: normalized.runs,
              toolReferences,
            },
          }
        : refuseTypes(fault, withoutResultNotes(diagnostics), toolReferences),
  };
}

interface CheckFindings {
  readonly found: readonly (Remark | TypeRemark)[];
  readonly unchecked?: Unchecked;
}

async function check(
  { check, globals }: ProgramRequest,
  { body, shadowed }: Extract<Normalized, { ok: true }>,
  checking: Checking | undefined,
): Promise<CheckFindings> {
  if (check.mode === "off") return { found: [] };
  if (check.types === null) return { found: [], unchecked: { why: check.why } };
  if (checking === undefined) return { found: [], unchecked: { why: "down", reason: "there is none" } };
  const roots = new Set([...toolGlobals(globals), ...callingNames]);
  const result = await checkBody(body, roots, check.types, checking);
  if (!result.checked) return { found: [], unchecked: result.unchecked };
  return { found: [...(await checkHiddenTools(shadowed, check.types, checking)), ...result.value] };
}

function toDiagnostic(
  { severity, message, offset, ...rest }: Remark & Partial<TypeRemark>,
  starts: readonly number[],
): Hinted {
  const { code = null, signature } = rest;
  const hint = signature === undefined ? {} : { hint: signature };
  return { severity, code, message, ...positionAt(starts, offset), ...hint };
}

interface Hinted extends Diagnostic {
  readonly hint?: string;
}

function withHint({ hint, ...diagnostic }: Hinted): Diagnostic {
  return hint === undefined ? diagnostic : { ...diagnostic, message: `${diagnostic.message} ${hint}` };
}

function soften(diagnostic: Hinted): Hinted {
  return diagnostic.severity === "error" ? { ...diagnostic, severity: "warning" } : diagnostic;
}

function lasting(outcome: CompileOutcome): Compiled {
  return { outcome, lasting: true };
}

function refuseTypes(
  { message, line, column, hint }: Hinted,
  diagnostics: readonly Diagnostic[],
  toolReferences: readonly ToolReference[],
): CompileOutcome {
  const shown = hint === undefined ? {} : { hint };
  return { ok: false, code: "type_error", message, ...shown, line, column, diagnostics, toolReferences };
}

function refuseEmit(
  author: string,
  normalized: Extract<Normalized, { ok: true }>,
  emitted: Extract<Emitted, { ok: false }>,
  diagnostics: readonly Diagnostic[],
): CompileOutcome {
  const map = encodePositions(author, normalized.body, emitted.stage === "engine" ? emitted.mappings : null);
  const position = originalPosition(map, emitted.line, emitted.column) ?? { line: 1, column: 1 };
  const code = emitted.tooDeep ? "source_too_large" : "syntax_error";
  return refusal(code, emitted.message, position, diagnostics);
}

function refusal(
  code: "syntax_error" | "source_too_large",
  message: string,
  { line, column }: Position,
  diagnostics: readonly Diagnostic[],
  hint?: string,
): CompileOutcome {
  const said = hint === undefined ? message : `${message} ${hint}`;
  return {
    ok: false,
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    line,
    column,
    diagnostics: [...diagnostics, { severity: "error", code: null, message: said, line, column }],
  };
}
