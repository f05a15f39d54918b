/**
 * Text to checked program. Runs in the compiler process (`compiler-process.ts`); these are the shapes it answers with.
 */
import type { Diagnostic } from "../runs/report.ts";

export interface CompileRequest {
  /** The model's own text, fences and all. */
  readonly code: string;
  /** Bytes of `code` after fences are removed; more is `source_too_large`. */
  readonly sourceBytes: number;
  /** Names that exist in the program besides the language's own (tool globals, `tools`, `input` …), for hints. */
  readonly globals: readonly string[];
}

export interface CompiledProgram {
  /**
   * One JavaScript expression: `(async () => { … })`. Evaluated as a script it gives the program's function.
   * Stack positions in it are mapped back with `positions`.
   */
  readonly js: string;
  readonly positions: PositionMap;
  /** Notes about repairs made, warnings; never errors. */
  readonly diagnostics: readonly Diagnostic[];
  /** False when the text held only comments or types: it runs, and returns nothing. */
  readonly runs: boolean;
}

/** Plain data that maps a position in `js` to the author's text. Structure is `compile`'s own; use `originalPosition`. */
export interface PositionMap {
  readonly encoded: string;
}

export type CompileOutcome =
  | { readonly ok: true; readonly program: CompiledProgram }
  | {
      readonly ok: false;
      readonly code: "syntax_error" | "source_too_large" | "compile_timeout" | "internal_error";
      readonly message: string;
      readonly hint?: string;
      readonly line?: number;
      readonly column?: number;
      readonly diagnostics: readonly Diagnostic[];
    };

/** The compiler as the rest of the gateway sees it. Bounded: at most `inFlight` at once, the rest queue. */
export interface Compiler extends AsyncDisposable {
  compile(request: CompileRequest, signal?: AbortSignal): Promise<CompileOutcome>;
}
