/**
 * Chats whose client cut the connection before it had the whole answer. A client that does not mark its retries sends
 * the same body again: such a request resumes the chat, if that has had effects which must not happen twice. Two equal
 * requests that are both connected are two chats, so each cut serves one request.
 */

import type { CallRun } from "../../runs/execution/call-run.ts";
import { leftAt } from "../../runs/live/endings.ts";
import type { Runner } from "../../runs/runner.ts";
import { type Chapter, chaptersOf, turnsOf } from "../turns/kept-turns.ts";
import type { ChatRequest } from "../turns/request.ts";

export interface CutRequests {
  /** Remembers the chat once the signal aborts, which means that the client left early. */
  watch(key: string, run: string, signal: AbortSignal): void;
  /** Removes and returns the chat that was cut last under this key within the window. */
  take(key: string): string | undefined;
  /**
   * Whether clients that lost their connection when an earlier process ended may still retry: for `windowMs` after the
   * start of this one.
   */
  readonly mayHaveBeenLeft: boolean;
}

/** `windowMs`: milliseconds after a cut in which the same body resumes the chat. */
export function createCutRequests(windowMs: number): CutRequests {
  const startedAt = performance.now();
  const cuts = new Map<string, { readonly run: string; readonly at: number }[]>();
  const isOver = ({ at }: { readonly at: number }): boolean => performance.now() - at > windowMs;

  function note(key: string, run: string): void {
    for (const [other, known] of cuts) if (known.every(isOver)) cuts.delete(other);
    const kept = (cuts.get(key) ?? []).filter((cut) => cut.run !== run);
    cuts.set(key, [...kept, { run, at: performance.now() }]);
  }

  return {
    watch(key, run, signal) {
      if (signal.aborted) note(key, run);
      else signal.addEventListener("abort", () => note(key, run), { once: true });
    },
    take(key) {
      const known = cuts.get(key)?.filter((cut) => !isOver(cut)) ?? [];
      const cut = known.pop();
      if (known.length === 0) cuts.delete(key);
      else cuts.set(key, known);
      return cut?.run;
    },
    get mayHaveBeenLeft() {
      return performance.now() - startedAt <= windowMs;
    },
  };
}

/**
 * The answer in this chat that the same request resumes; undefined when the request begins a new chat. `isKnownCut`:
 * this process saw the cut; otherwise the chat's journal must record one within the window.
 */
export async function findCutChapter(
  run: CallRun,
  { mark, mode }: ChatRequest,
  { reader }: Pick<Runner, "reader">,
  windowMs: number,
  isKnownCut: boolean,
): Promise<Chapter | undefined> {
  const { state } = run.journal;
  const isLeft = Date.now() - (leftAt(state) ?? Number.NEGATIVE_INFINITY) <= windowMs;
  if (run.spec.chat?.mode !== mode || !(isKnownCut || isLeft)) return undefined;
  const chapter = chaptersOf(run).findLast(
    ({ request }) => request.key === mark.key && request.bodyHash === mark.bodyHash,
  );
  const programs = turnsOf(state).flatMap(({ places }) => places.flatMap((place) => place.run ?? []));
  for (const each of [state, ...(await Promise.all(programs.map((id) => reader.state(id))))])
    if (each.hasEffects) return chapter;
  return undefined;
}
