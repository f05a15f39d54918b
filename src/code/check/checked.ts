/** The type checker as the check service uses it. Not thread-safe: one text at a time. */

/** Equal hash, equal text. */
export interface ToolTypes {
  readonly hash: string;
  readonly text: string;
}

/** What TypeScript says about a stretch of the program, in its own words. */
export interface TypeFault {
  readonly code: number;
  readonly text: string;
  /** What the text is explained by, outermost first. */
  readonly chain: readonly { readonly code: number; readonly text: string }[];
  /** Codes of remarks made beside it. */
  readonly related: readonly number[];
  readonly start: number;
  readonly end: number;
}

/** A type, as far as hints need to know it. */
export interface SeenType {
  /** Whether the tools' declarations define it, and not the program or the language. */
  readonly ofTools: boolean;
  readonly properties: readonly { readonly name: string; readonly isArray: boolean }[];
}

/** A program that was checked. Dispose it, or the checker keeps it. */
export interface CheckedProgram extends AsyncDisposable {
  readonly faults: readonly TypeFault[];
  /**
   * The type of the name at an offset, or with `unwrap` 1 and more what its values hold: an array's elements, a
   * promise's result. Undefined when there is none. Rejects with `CheckerBroken`.
   */
  typeAt(offset: number, unwrap: number): Promise<SeenType | undefined>;
}

export interface TypeChecker {
  readonly pid: number;
  /** Tool sets it has opened; each costs memory that closing it would not give back. */
  readonly toolSets: number;
  hasToolSet(hash: string): boolean;
  /** `program` is the body of an async function; offsets are those of this text. Rejects with `CheckerBroken`. */
  check(tools: ToolTypes, program: string): Promise<CheckedProgram>;
  /** SIGKILL. Idempotent. */
  kill(): void;
  /** Resolves when its process is gone. */
  readonly gone: Promise<void>;
}
