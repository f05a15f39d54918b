/**
 * What happens while calls of the model are answered, for people who watch a stream. Progress is sent only as it
 * happens: a replay has the outcomes alone, and the rest is in the events of its runs.
 */
import type { JournalEvent } from "../../journal.ts";
import type { CallRun } from "../../runs/execution/call-run.ts";
import { createStreamMapper, type StreamEvent } from "../../runs/record/events.ts";

export type Progress =
  /** A program of the model that is about to run. */
  | { readonly type: "code"; readonly run_id: string; readonly code: string }
  /** `log`, `call.started` or `call.finished` of a program or of the chat itself, as in the events of that run. */
  | { readonly type: string; readonly run_id: string; readonly [field: string]: unknown }
  /** What the model reads next: a program's report, or a call's value or failure. */
  | {
      readonly type: "result";
      readonly run_id?: string;
      readonly call?: string;
      readonly content: string;
    };

export type TellProgress = (progress: Progress) => void;

/** Longer arguments of a call are left out; the events of its run have them. */
const MAX_ARGUMENT_CHARS = 4_096;

const SHOWN: ReadonlySet<StreamEvent["event"]> = new Set(["log", "call.started", "call.finished"]);

/** Collects the progress that a piece of work reports. */
export class ProgressFeed {
  #told: Progress[] = [];
  #change = Promise.withResolvers<void>();

  readonly tell: TellProgress = (progress) => {
    this.#told.push(progress);
    this.#change.resolve();
  };

  /** Yields progress until the work is done, and returns what the work resolves with. */
  async *during<T>(work: Promise<T>): AsyncGenerator<Progress, T> {
    const over = work.then(
      () => {},
      () => {},
    );
    let isOver = false;
    void over.then(() => {
      isOver = true;
    });
    for (;;) {
      yield* this.#told.splice(0);
      if (isOver && this.#told.length === 0) return await work;
      await Promise.race([this.#change.promise, over]);
      this.#change = Promise.withResolvers();
    }
  }
}

/** Reports a program's events until it ends or waits. `since`: earliest time, in milliseconds since the Unix epoch. */
export async function followProgram(
  run: { readonly id: string; readonly createdAt: number },
  events: AsyncIterable<JournalEvent>,
  tell: TellProgress,
  since = 0,
): Promise<void> {
  const toProgress = progressOf(run);
  for await (const event of events)
    for (const progress of toProgress(event)) if (event.at >= since) tell(progress);
}

/**
 * Reports the events of the calls that a chat makes itself, after the event of this seq. Disposing it reports what is
 * recorded by then and ends it.
 */
export function followChat(
  run: Pick<CallRun, "id" | "createdAt" | "journal">,
  afterSeq: number,
  tell: TellProgress,
): Disposable {
  const { journal } = run;
  const toProgress = progressOf(run);
  let next = 0;
  const catchUp = (): void => {
    for (; next < journal.events.length; next += 1) {
      const event = journal.events[next];
      // Each event says only what changed, so earlier events are read too, without reporting them.
      for (const progress of event === undefined ? [] : toProgress(event))
        if (next >= afterSeq) tell(progress);
    }
  };
  catchUp();
  const live = journal.subscribe(next);
  void (async () => {
    for await (const _ of live) catchUp();
  })();
  return {
    [Symbol.dispose]() {
      catchUp();
      void live.return?.();
    },
  };
}

function progressOf(run: { readonly id: string; readonly createdAt: number }) {
  const toStreamEvent = createStreamMapper(run);
  return (event: JournalEvent): readonly Progress[] => {
    const shown = toStreamEvent(event);
    if (shown === undefined || !SHOWN.has(shown.event)) return [];
    const { run: id, seq: _, arguments: args, ...data } = shown.data;
    const isShort = args !== undefined && JSON.stringify(args).length <= MAX_ARGUMENT_CHARS;
    return [{ run_id: id, ...data, ...(isShort ? { arguments: args } : {}) }];
  };
}
