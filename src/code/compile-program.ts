/**
 * Text to program: normalise, emit, and say everything in the author's positions. Runs in the compiler process only:
 * what it calls can be stalled or killed by the text it is given.
 */
import type { CompileOutcome, CompileRequest, Diagnostic } from "./compile.ts";
import { type Emitted, emit } from "./emit.ts";
import type { Remark } from "./inspect.ts";
import { type Normalized, normalize } from "./normalize.ts";
import { encodePositions, originalPosition, type Position } from "./positions.ts";
import { lineStarts, positionAt } from "./source-text.ts";

/** Resolves for every text. Rejects when esbuild cannot be started. */
export async function compileProgram(request: CompileRequest): Promise<CompileOutcome> {
  const starts = lineStarts(request.code);
  const normalized = normalize(request);
  if (!normalized.ok) {
    const { code, message, hint, offset } = normalized;
    return refusal(code, message, positionAt(starts, offset), [], hint);
  }
  const diagnostics = normalized.remarks.map((remark) => toDiagnostic(remark, starts));
  const emitted = await emit(normalized.body.text, normalized.typescript);
  if (!emitted.ok) return refuseEmit(request.code, normalized, emitted, diagnostics);
  return {
    ok: true,
    program: {
      js: emitted.js,
      positions: encodePositions(request.code, normalized.body, emitted.mappings),
      diagnostics,
      runs: normalized.runs,
      toolReferences: normalized.toolReferences.map(({ root, path, offset }) => ({
        root,
        path,
        ...positionAt(starts, offset),
      })),
    },
  };
}

function toDiagnostic({ severity, message, offset }: Remark, starts: readonly number[]): Diagnostic {
  return { severity, code: null, message, ...positionAt(starts, offset) };
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
