/** The messages between the thread that serves requests and the store's own. */
import type { ErrorCode } from "../../../errors.ts";
import type { Kept } from "../../quota.ts";
import type {
  CallQuery,
  RunQuery,
  StoredShape,
  StoredSummary,
  SummaryQuery,
  WaitingRun,
} from "../../store.ts";
import type { CallRowPage } from "./call-search.ts";
import type { RedoEntry } from "./redo-log.ts";
import type { RunRow, RunRowPage } from "./run-search.ts";
import type { ShapeRow } from "./shapes.ts";
import type { JournalRows } from "./tables.ts";
import type { VerifiedPart } from "./verification.ts";

export interface StoreThreadOptions {
  readonly path: string;
  readonly readOnly: boolean;
  /** Whether answers say how large the database is. */
  readonly countBytes: boolean;
  /** Whether they say how much the runs of each principal take. */
  readonly countUsage: boolean;
  /** Milliseconds to wait for another process that holds the file. Default 2 s. */
  readonly busyMs?: number;
}

export type WriteRequest =
  | RedoEntry
  | { readonly op: "putSummary"; readonly run: string; readonly seq: number; readonly summary: StoredSummary }
  | { readonly op: "putSnapshot"; readonly text: string; readonly at: number }
  | { readonly op: "deleteRunsBefore"; readonly epochMs: number }
  | { readonly op: "deleteSnapshotsBefore"; readonly epochMs: number }
  | { readonly op: "putShapes"; readonly shapes: readonly StoredShape[] }
  | { readonly op: "deleteShapesBefore"; readonly epochMs: number };

export const writeOps: ReadonlySet<Envelope["request"]["op"]> = new Set<WriteRequest["op"]>([
  "createRun",
  "append",
  "putSummary",
  "putSnapshot",
  "deleteRunsBefore",
  "deleteSnapshotsBefore",
  "putShapes",
  "deleteShapesBefore",
]);

export type ReadRequest =
  | { readonly op: "getRun"; readonly id: string }
  | { readonly op: "readJournal"; readonly run: string; readonly afterSeq: number }
  | { readonly op: "listRuns"; readonly query: RunQuery }
  | { readonly op: "listSummaries"; readonly query: SummaryQuery }
  | { readonly op: "listWaiting"; readonly limit: number; readonly after: WaitingRun | undefined }
  | { readonly op: "findByRequestKey"; readonly principal: string; readonly key: string }
  | { readonly op: "getSnapshot"; readonly hash: string }
  | { readonly op: "findCalls"; readonly query: CallQuery }
  | { readonly op: "readShapes" }
  | { readonly op: "verify"; readonly after: number; readonly run: string | undefined };

/** The value that answers each request. */
export interface StoreValues {
  createRun: string;
  append: undefined;
  putSummary: undefined;
  putSnapshot: string;
  deleteRunsBefore: number;
  deleteSnapshotsBefore: undefined;
  putShapes: undefined;
  deleteShapesBefore: undefined;
  getRun: RunRow | undefined;
  readJournal: JournalRows;
  listRuns: RunRowPage;
  listSummaries: RunRowPage;
  listWaiting: readonly WaitingRun[];
  findByRequestKey: RunRow | undefined;
  getSnapshot: string | undefined;
  findCalls: CallRowPage;
  readShapes: readonly ShapeRow[];
  verify: VerifiedPart;
}

export interface Envelope {
  readonly id: number;
  readonly request: WriteRequest | ReadRequest;
}

export type ToThread =
  | { readonly type: "requests"; readonly envelopes: readonly Envelope[] }
  /** A write failed: try whether writes can be made again. */
  | { readonly type: "revive" }
  | { readonly type: "close" };

export type Answer = { readonly id: number } & (
  | { readonly ok: true; readonly value: StoreValues[keyof StoreValues] }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string; readonly param?: string }
);

export type FromThread =
  /** `lost`: how many writes of an earlier process were lost. */
  | { readonly type: "ready"; readonly identity: string; readonly kept: Kept; readonly lost: number }
  | { readonly type: "refused"; readonly code: ErrorCode; readonly message: string }
  | {
      readonly type: "answers";
      readonly answers: readonly Answer[];
      readonly commits: number;
      readonly kept: Kept;
    }
  /** `reason`: why writes still fail; null when they succeed. */
  | { readonly type: "revived"; readonly reason: string | null; readonly kept: Kept };
