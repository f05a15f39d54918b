/** From a request to the record of calls made outside a program. */
import type { RunLimits } from "../../../sandbox/index.ts";
import type { Log } from "../../log.ts";
import type { MemoryBudget } from "../../memory-budget.ts";
import type { Policy } from "../../tools/policy-layer.ts";
import { CallRun } from "../execution/call-run.ts";
import type { CallRunDeps } from "../execution/call-run-options.ts";
import { createJournal, type JournalOptions, type JournalStore } from "../live/live-journal.ts";
import type { Claim, Ownership } from "../live/ownership.ts";
import { createRunMemory } from "../live/run-memory.ts";
import { createRunId } from "../record/ids.ts";
import { requestKey } from "../record/request-keys.ts";
import type { ChatSpec, RunSpec } from "../record/run-spec.ts";

/** Calls made outside a program: a chat request in agent or code mode, or one explicit call. */
export interface CallRunRequest {
  readonly principal: string;
  /** The key that asked; null or absent without keys. */
  readonly keyName?: string | null;
  /** The person for whom the key asks, if the request says so. */
  readonly user?: string | undefined;
  readonly kind: "chat" | "call";
  readonly policy: Policy;
  readonly limits: RunLimits;
  /** `auto`: policy decides. `granted`: a person asked for exactly this call, so only `deny` refuses it. */
  readonly consent: "auto" | "granted";
  readonly chat?: ChatSpec;
  /** Opens nothing when the same request of the principal has opened a run before: see `Store.createRun`. */
  readonly once?: boolean;
  /** Aborting cancels the calls in flight and ends the record as cancelled. */
  readonly signal?: AbortSignal;
}

export interface OpenCallsDeps extends CallRunDeps {
  readonly store: JournalStore;
  readonly ownership: Pick<Ownership, "begin">;
  readonly log: Log;
  readonly onLost?: JournalOptions["onLost"];
  readonly memory?: MemoryBudget | undefined;
}

/** The run is being answered when it is returned. `known`: the run that the same request has opened before. */
export async function openCallRun(
  request: CallRunRequest,
  deps: OpenCallsDeps,
): Promise<{ readonly run: CallRun; readonly claim: Claim } | { readonly known: string }> {
  const { principal, keyName = null, user, kind, policy, limits, consent, chat } = request;
  const catalog = deps.catalog();
  const spec: RunSpec = {
    limits,
    diagnostics: [],
    policy,
    catalogVersion: catalog.version,
    keyName,
    ...(user === undefined ? {} : { user }),
    ...(chat === undefined ? {} : { chat }),
  };
  const head = { id: createRunId(), principal, kind, createdAt: Date.now() };
  const record = {
    ...head,
    parent: null,
    spec: JSON.stringify(spec),
    snapshot: null,
    requestKey: chat === undefined ? null : requestKey(chat.request),
  };
  const { store, ownership, log, onLost } = deps;
  const claim = ownership.begin(record.id);
  if (request.once === true) {
    const known = await store.createRun(record, { once: true });
    if (known !== record.id) return { known };
  }
  const memory = deps.memory && createRunMemory(deps.memory);
  memory?.goOn(record.spec.length);
  const stored = request.once === true ? { stored: [] } : {};
  const journal = createJournal({ store, run: record, claim, log, onLost, memory, ...stored });
  const run = new CallRun({ record: head, spec, journal, consent }, deps);
  run.open(catalog);
  return { run, claim };
}
