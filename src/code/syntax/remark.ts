/** A remark about a program, for its author. */
export interface Remark {
  /** `error`: in a program that is checked, a reason not to run it. */
  readonly severity: "error" | "warning" | "note";
  readonly message: string;
  /** Offset in the inspected text. */
  readonly offset: number;
}
