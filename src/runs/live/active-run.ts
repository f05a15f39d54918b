/** What the runner gives back to whoever began a run, or decided one of its calls. */
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
   * Resolves when the run ended or waits for a person. Rejects with `store_unavailable` or `store_damaged` when its
   * record cannot be kept: then what became of it is not known yet. Whoever ignores it ends no process.
   */
  readonly done: Promise<Report>;
  cancel(): void;
  /** Resolves when all that is known of it is kept; rejects as `done`. Nobody is told of a run before. */
  kept(): Promise<void>;
  /** Events after this seq, then live ones, each once it is kept. `rest`, the default: until the run ends or waits. `end`: until it is not owned here any more. */
  events(afterSeq?: number, until?: "rest" | "end"): AsyncIterable<JournalEvent>;
}

/** What a person says of a call, by any road. */
export interface Decision {
  readonly run: string;
  readonly call: string;
  readonly decision: HumanDecision;
  readonly viewer: Viewer;
  /** What the deciding request adds to the run's policy: it can only narrow. */
  readonly layers?: readonly PolicyLayer[];
}

/** What follows from a decision. */
export interface Decided {
  /** The report once the run has ended or waits again, as far as the viewer may read it. Rejects as `ActiveRun.done`. */
  readonly done: Promise<Report>;
  /** The same, as it stands. */
  report(): Promise<Report>;
  /** What became of the call; undefined when its run ended first. */
  readonly settled: Promise<SettledCall | undefined>;
}
