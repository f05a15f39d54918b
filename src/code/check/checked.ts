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
  /** TypeScript's explanations of the text, outermost first. */
  readonly chain: readonly { readonly code: number; readonly text: string }[];
  /** Codes of the related remarks. */
  readonly related: readonly number[];
  readonly start: number;
  readonly end: number;
}

/** The parts of a type that hints use. */
export interface SeenType {
  /** Whether the tools' declarations define it, rather than the program or the language. */
  readonly ofTools: boolean;
  readonly properties: readonly { readonly name: string; readonly isArray: boolean }[];
}

/** A checked program. Until it is disposed, the checker keeps it in memory. */
export interface CheckedProgram extends AsyncDisposable {
  readonly faults: readonly TypeFault[];
  /**
   * The type of the name at an offset. With `unwrap` 1 or more, the type inside it: an array's elements, a promise's
   * result. Undefined when there is none. Rejects with `CheckerBroken`.
   */
  typeAt(offset: number, unwrap: number): Promise<SeenType | undefined>;
}

export interface TypeChecker {
  readonly pid: number;
  /** Number of tool sets opened so far; each takes memory that closing it would not free. */
  readonly toolSets: number;
  hasToolSet(hash: string): boolean;
  /** `program` is the body of an async function; offsets are those of this text. Rejects with `CheckerBroken`. */
  check(tools: ToolTypes, program: string): Promise<CheckedProgram>;
  /** SIGKILL. Idempotent. */
  kill(): void;
  /** Resolves when its process is gone. */
  readonly gone: Promise<void>;
}
