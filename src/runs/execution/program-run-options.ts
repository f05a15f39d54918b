/** What a program run is made of: who it is, its record, and what it needs of the gateway. */
import type { ToolNamespaces, WorkerPool } from "../../../sandbox/index.ts";
import type { Log } from "../../log.ts";
import type { Builtins } from "../../tools/builtin.ts";
import type { Catalog } from "../../tools/catalog.ts";
import type { Bridge } from "../../tools/gate/bridge.ts";
import type { GateCall } from "../../tools/gate/gate-call.ts";
import type { Policy, PolicyLayer } from "../../tools/policy-layer.ts";
import type { Journal } from "../live/live-journal.ts";
import type { PendingCall, ReportHead } from "../record/report-shape.ts";
import type { ProgramSpec } from "../record/run-spec.ts";

export interface ProgramDeps {
  readonly pool: Pick<WorkerPool, "run" | "engine">;
  readonly bridge: Bridge;
  readonly log: Log;
  /** What the gateway answers to the programs of this principal. */
  readonly builtins: (principal: string) => Builtins;
  /** The tools as they are now; with a principal, as its calls have taught what they give. */
  readonly catalog: (principal?: string) => Catalog;
  /** What configuration and key allow now. */
  readonly presentLayers: (keyName: string | null) => readonly PolicyLayer[];
  /** Milliseconds for one call, from the configuration. */
  readonly callTimeoutMs: number;
}

export interface ProgramIdentity {
  readonly head: ReportHead;
  readonly principal: string;
  readonly keyName: string | null;
  readonly programHash: string;
  readonly catalogVersion: string;
  readonly policy: Policy;
  readonly program: ProgramSpec;
  /** The names that the program finds. */
  readonly namespaces: ToolNamespaces;
}

export interface ProgramRunOptions {
  readonly identity: ProgramIdentity;
  /** Makes the journal at its first use: a run that finds no place leaves no record. */
  readonly journal: () => Journal;
  /** The snapshot the program was compiled against; absent when it was compiled in an earlier process. */
  readonly catalog?: Catalog;
  /** Asks somebody who is there; resolves when the answer, if there is one, has been recorded. Must not reject. */
  readonly onPending?: (pending: PendingCall) => Promise<void>;
  /** A result of the run that this one repairs. */
  readonly reuse?: GateCall["reuse"];
}
