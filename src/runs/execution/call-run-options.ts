/**
 * Options of runs for calls made outside a program: their record, their policy, and the parts of the gateway they use.
 */
import type { RequestMark } from "../../journal.ts";
import type { Catalog } from "../../tools/catalog.ts";
import type { Bridge } from "../../tools/gate/bridge.ts";
import type { PolicyLayer } from "../../tools/policy-layer.ts";
import type { Journal } from "../live/live-journal.ts";
import type { OwnedRun } from "../live/owned-runs.ts";
import type { RunSpec } from "../record/run-spec.ts";

/** A request that resumes a chat. */
export interface ResumingRequest {
  readonly layers: readonly PolicyLayer[];
  readonly request: RequestMark;
}

export interface CallRunDeps {
  readonly bridge: Bridge;
  /** The tools as they are now. */
  readonly catalog: () => Catalog;
  /** What configuration and key allow now. */
  readonly presentLayers: (keyName: string | null) => readonly PolicyLayer[];
  /** Milliseconds for one call, from the configuration. */
  readonly callTimeoutMs: number;
}

export interface CallRunOptions {
  readonly record: Pick<OwnedRun, "id" | "principal"> & {
    readonly kind: "chat" | "call";
    readonly createdAt: number;
  };
  readonly spec: RunSpec;
  readonly journal: Journal;
  /** `auto`: policy decides. `granted`: a person asked for exactly this call, so only `deny` refuses it. */
  readonly consent: "auto" | "granted";
}
