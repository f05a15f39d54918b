/**
 * What is fixed about a run, kept beside its journal: enough to resume it in another process. Many runs share the names
 * that their programs find. Those are kept once, as the record's snapshot.
 */
import type { RunLimits, ToolNamespaces } from "../../../sandbox/index.ts";
import type { Diagnostic, PositionMap } from "../../code/compile.ts";
import type { Mode } from "../../config/modes.ts";
import type { RequestMark } from "../../journal.ts";
import type { Store } from "../../store/store.ts";
import type { Policy } from "../../tools/policy-layer.ts";
import type { CallSite } from "../program/compile-for-run.ts";
import type { Shown } from "./report-shape.ts";

export interface RunSpec {
  readonly limits: RunLimits;
  readonly diagnostics: readonly Diagnostic[];
  /** As the request had it; a later request can only add layers. */
  readonly policy: Policy;
  readonly catalogVersion: string;
  /** The key that asked; null without keys. Its present rules are checked again whenever the run resumes. */
  readonly keyName?: string | null;
  /** The person behind the key, as the request named them; absent when it named nobody. */
  readonly user?: string;
  readonly program?: ProgramSpec;
  readonly chat?: ChatSpec;
}

/** What is fixed about one answer to a user, however many requests it takes. */
export interface ChatSpec {
  readonly mode: Mode;
  /** As the first request named it. */
  readonly model: string;
  readonly request: RequestMark;
}

export interface ProgramSpec {
  /** The author's text. */
  readonly code: string;
  /** Null when the compiler refused it. */
  readonly compiled: { readonly js: string; readonly positions: PositionMap } | null;
  readonly compileMs: number;
  readonly input: unknown;
  readonly approval: "park" | "deny";
  /** What a model was shown of its tools and is shown of its result. Absent in runs of earlier versions. */
  readonly shown?: Shown;
  /** Where its text calls which tools. Absent in runs of earlier versions. */
  readonly sites?: readonly CallSite[];
  /** The failed run whose effects are not repeated. */
  readonly repairOf?: string;
}

/** The record is our own: the store checks that it is whole. Runs of the first version have neither `program` nor `chat`. */
export function parseSpec(text: string): RunSpec {
  return JSON.parse(text) as RunSpec;
}

/** The names that a program found when it was compiled. A run whose snapshot is gone finds none, and diverges. */
export async function readNamespaces(
  store: Pick<Store, "getSnapshot">,
  snapshot: string | null,
): Promise<ToolNamespaces> {
  const text = snapshot === null ? undefined : await store.getSnapshot(snapshot);
  return text === undefined ? { servers: [], locals: [] } : (JSON.parse(text) as ToolNamespaces);
}
