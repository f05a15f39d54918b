/** Something to be said of a program to its author. */
export interface Remark {
  /** `error`: of a program that is checked, it is a reason not to run it. */
  readonly severity: "error" | "warning" | "note";
  readonly message: string;
  /** Offset in the text that was inspected. */
  readonly offset: number;
}
