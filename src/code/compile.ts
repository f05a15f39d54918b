/**
 * Text to program: request and outcome. The compiler process does the work (`compile-program.ts`); the gateway reaches
 * it through `compiler-process.ts`.
 */
import type { InputShape } from "./syntax/input-shape.ts";
import { isPosition, originsOf, type Position, type PositionMap } from "./syntax/positions.ts";

export { isPosition, originsOf, type Position, type PositionMap };

export interface CompileRequest {
  /** The model's text as it came, fences included. */
  readonly code: string;
  /** Largest size in bytes, after fences are removed. Excess: `source_too_large`. */
  readonly sourceBytes: number;
  /** The program's globals besides the language's own (tool globals, `tools`, `input` …), for hints. */
  readonly globals: readonly string[];
  /** The shape of the values for the parameters of a program that is a function. Absent: there is no input. */
  readonly input?: InputShape;
  /** Globals among these that hold nothing the program may use: no message names them. Absent: none. */
  readonly hidden?: readonly string[];
  /** What the program is type-checked against; null: it is not checked. */
  readonly check: TypeCheck | null;
}

export interface TypeCheck {
  /** `error`: faults refuse the program. `warn`: faults become warnings. */
  readonly mode: "error" | "warn";
  readonly declarations: Declarations;
  /**
   * The same declarations without observed types; absent when there are none. A fault that these do not show is only a
   * warning.
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
   * `positions` maps stack positions back to the author's text.
   */
  readonly js: string;
  readonly positions: PositionMap;
  /** Notes about repairs, and warnings; never errors. */
  readonly diagnostics: readonly Diagnostic[];
  /** False when the text held only comments or types: it runs, and returns nothing. */
  readonly runs: boolean;
  /** The calls the text makes on the names in `globals`, in order of first appearance, each once. */
  readonly toolReferences: readonly ToolReference[];
}

/**
 * A call in the text: `github.list({})` is root `github`, path `["list"]`; `calculator({})` has an empty path;
 * `tools["my-server"]["odd.name"]({})` is root `tools`, path `["my-server", "odd.name"]`.
 */
export interface ToolReference {
  readonly root: string;
  readonly path: readonly string[];
  /** Its first place in the author's text: 1-based, columns in UTF-16 units. */
  readonly line: number;
  readonly column: number;
  /** The lines of its other places; absent when there are none. */
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

/** The program does not fit its tools, or uses names that do not exist. */
export interface TypeRefusal {
  readonly ok: false;
  readonly code: "type_error";
  readonly message: string;
  /** The signature of the tool that the message is about. */
  readonly hint?: string;
  readonly line: number;
  readonly column: number;
  readonly diagnostics: readonly Diagnostic[];
  readonly toolReferences: readonly ToolReference[];
}

/** The sender of a text. */
export interface Sender {
  /** Queued texts are served in turns of their principals. Null: the gateway itself. */
  readonly principal: string | null;
  readonly signal?: AbortSignal;
}

/** The compiler as the rest of the gateway sees it. Bounded: few texts are compiled at once, the others are queued. */
export interface Compiler extends AsyncDisposable {
  /**
   * Resolves with the outcome of the text. Rejects with `queue_full`, with `disposed`, with `not_ready` when no
   * compiler process starts or gets CPU time, or with the signal's reason. A compiler process that dies is replaced;
   * that alone is no reason to reject.
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
  /** For a note about a value instead of the text: the place in the value, `rows[].id`; empty for the whole value. */
  readonly path?: string;
}
