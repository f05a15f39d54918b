/**
 * The posts of the guest, its only way out: rows, one frame per burst, flushed in a microtask of the same entry.
 * Nothing is posted once the program is over.
 */
interface Posts {
  /** Clears everything for the next run. */
  begin(): void;
  /** Until then posts are discarded. */
  connect(post: Post): void;
  /** The number of the next call or timer; both share one sequence. */
  issue(): number;
  emit(row: string): void;
  /** Queues a console line. */
  print(level: string, text: string): void;
  /** Queues a remark: what a value lost on its way out of the isolate. */
  remark(text: string | undefined): void;
  /** Posts the last row together with everything unsent: the worker reads the heap's size when it sees this post. */
  finish(row: string): void;
  isOver(): boolean;
}
type Post = (text: string, last: boolean) => void;
interface Printed {
  add(level: string, text: string): "send now" | "send soon" | "send later";
  take(): string;
}

(printed: Printed): Posts => {
  const BATCH_CHARS = 65_536;
  const MAX_REMARK_CHARS = 400;
  const { stringify } = JSON;
  const { apply } = Reflect;
  const { slice } = String.prototype;
  let issued = 0;
  let over = false;
  let batch = "";
  let flushes = false;
  let say: Post = () => undefined;

  const gather = (rows: string): void => {
    if (rows !== "") batch += (batch === "" ? "" : ",") + rows;
  };
  const send = (last: boolean): void => {
    gather(printed.take());
    const rows = batch;
    batch = "";
    if (rows !== "") say(`[${rows}]`, last);
  };
  /** `await` instead of `then`, which would ask the program's Promise for its constructor and species. */
  const flushAfterBurst = async (): Promise<void> => {
    flushes = true;
    await undefined;
    flushes = false;
    send(false);
  };
  const flushSoon = (): void => {
    if (!flushes) void flushAfterBurst();
  };
  const emit = (row: string): void => {
    if (over) return;
    gather(printed.take());
    gather(row);
    if (batch.length > BATCH_CHARS) send(false);
    else flushSoon();
  };

  return {
    emit,
    isOver: () => over,
    connect(post) {
      say = post;
    },
    begin() {
      issued = 0;
      over = false;
    },
    issue() {
      issued += 1;
      return issued;
    },
    print(level, text) {
      // Reading the values may have ended the run.
      if (over) return;
      const when = printed.add(level, text);
      if (when === "send now") send(false);
      else if (when === "send soon") flushSoon();
    },
    remark(text) {
      if (text !== undefined) emit(`["remark",${stringify(apply(slice, text, [0, MAX_REMARK_CHARS]))}]`);
    },
    finish(row) {
      if (over) return;
      over = true;
      gather(printed.take());
      gather(row);
      send(true);
    },
  };
};

export {};
