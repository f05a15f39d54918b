/**
 * Text to program: the shapes the compiler answers with. The work is done in the compiler process
 * (`compile-program.ts`); the gateway talks to it through `compiler-process.ts`.
 */
import type { InputShape } from "./syntax/input-shape.ts";
import { isPosition, originsOf, type Position, type PositionMap } from "./syntax/positions.ts";

export { isPosition, originsOf, type Position, type PositionMap };

export interface CompileRequest {
  /** The model's own text, fences and all. */
  readonly code: string;
  /** Bytes of `code` after fences are removed; more is `source_too_large`. */
  readonly sourceBytes: number;
  /** Names that exist in the program besides the language's own (tool globals, `tools`, `input` …), for hints. */
  readonly globals: readonly string[];
  /** What the parameters of a function that is the program are filled with. Absent: there is no input. */
  readonly input?: InputShape;
  /** Those of them that hold nothing the program may use: no message names them. Absent: none. */
  readonly hidden?: readonly string[];
  /** Against what the program is type-checked; null: it is not. */
  readonly check: TypeCheck | null;
}

export interface TypeCheck {
  /** `error`: a program that does not fit is refused. `warn`: it gets warnings. */
  readonly mode: "error" | "warn";
  readonly declarations: Declarations;
  /**
   * The same declarations without types that were only observed; absent when there are none such. What is no fault
   * against these is no more than a warning.
   */
  readonly promised?: Declarations;
}

/** The `.d.ts` of a program's whole environment. Equal hash, equal text. */
export interface Declarations {
  readonly hash: string;
  readonly text: string;
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
  /** The calls the text makes on the names in `globals`, in order of first appearance, each once. */
  readonly toolReferences: readonly ToolReference[];
}

/**
 * A call as it stands in the text: `github.list({})` is root `github`, path `["list"]`; `calculator({})` has an empty
 * path; `tools["my-server"]["odd.name"]({})` is root `tools`, path `["my-server", "odd.name"]`.
 */
export interface ToolReference {
  readonly root: string;
  readonly path: readonly string[];
  /** Where it first stands, in the author's text: 1-based, columns in UTF-16 units. */
  readonly line: number;
  readonly column: number;
  /** The lines of its other places; absent when it stands once. */
  readonly otherLines?: readonly number[];
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
    }
  | TypeRefusal;

/** The program does not fit its tools, or uses names that are not there. */
export interface TypeRefusal {
  readonly ok: false;
  readonly code: "type_error";
  readonly message: string;
  /** The signature of the tool it is about. */
  readonly hint?: string;
  readonly line: number;
  readonly column: number;
  readonly diagnostics: readonly Diagnostic[];
  readonly toolReferences: readonly ToolReference[];
}

/** Who wants to know. */
export interface Sender {
  /** Those who wait are served in turns of their principals. Null: the gateway itself. */
  readonly principal: string | null;
  readonly signal?: AbortSignal;
}

/** The compiler as the rest of the gateway sees it. Bounded: few texts at once, the rest queue. */
export interface Compiler extends AsyncDisposable {
  /**
   * Resolves with whatever became of the text. Rejects with `queue_full`, with `disposed`, or with the signal's
   * reason; a compiler process that dies is replaced and is no reason to reject.
   */
  compile(request: CompileRequest, from: Sender): Promise<CompileOutcome>;
}

/** A remark about the program text. Lines and columns are 1-based, columns in UTF-16 units, in the author's text. */
export interface Diagnostic {
  readonly severity: "error" | "warning" | "note";
  /** TypeScript's number, or null when the remark is not TypeScript's. */
  readonly code: number | null;
  readonly message: string;
  readonly line: number;
  readonly column: number;
  /** Of a note about a value and not about the text: where in the value, `rows[].id`; empty for the whole of it. */
  readonly path?: string;
}
