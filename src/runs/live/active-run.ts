/** What the runner returns to the caller that began a run, or decided one of its calls. */
import type { JournalEvent } from "../../journal.ts";
import type { HumanDecision } from "../../tools/gate/gate-call.ts";
import type { PolicyLayer } from "../../tools/policy-layer.ts";
import type { SettledCall } from "../record/call-result.ts";
import type { Report } from "../record/report-shape.ts";
import type { Viewer } from "./deciders.ts";

/** A run that began in this process. */
export interface ActiveRun {
  readonly id: string;
  report(): Report;
  /**
   * Resolves when the run has ended or waits for a person. Rejects with `store_unavailable` or `store_damaged` when its
   * record cannot be kept: its outcome is not known yet. A rejection that nobody awaits does not end the process.
   */
  readonly done: Promise<Report>;
  cancel(): void;
  /**
   * Resolves when everything recorded of the run so far is kept; rejects as `done`. Nobody hears of the run earlier.
   */
  kept(): Promise<void>;
  /**
   * Events after this seq, then live ones, each once it is kept. `rest`, the default: until the run ends or waits.
   * `end`: until this process no longer owns it.
   */
  events(afterSeq?: number, until?: "rest" | "end"): AsyncIterable<JournalEvent>;
}

/** A person's decision on a call, through whichever interface. */
export interface Decision {
  readonly run: string;
  readonly call: string;
  readonly decision: HumanDecision;
  readonly viewer: Viewer;
  /** What the deciding request adds to the run's policy: it can only narrow. */
  readonly layers?: readonly PolicyLayer[];
}

/** The result of a decision. */
export interface Decided {
  /** The report once the run has ended or waits again, as far as the viewer may read it. Rejects as `ActiveRun.done`. */
  readonly done: Promise<Report>;
  /** The report as it stands now, as far as the viewer may read it. */
  report(): Promise<Report>;
  /** How the call was settled; undefined when its run ended first. */
  readonly settled: Promise<SettledCall | undefined>;
}
