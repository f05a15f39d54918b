/**
 * Watches the program's promises for the run's report: rejections that were handled late, so that they are not reported
 * as unhandled, and the promise the program waits for when nothing can ever settle it.
 *
 * The language asks a promise for its constructor when it is awaited or given handlers, and that is noticed here; the
 * program gets the usual answer. A handler of ours on a pending promise would cost the stacks of errors their
 * asynchronous frames, so none is added until a rejection went unhandled.
 */
interface Promises {
  begin(): void;
  /** An entry of the host began. */
  entered(): void;
  /** Errors that were handled after their promise had been rejected. */
  late(): { readonly size: number; readonly reasons: Record<number, unknown> };
  /** A trace of where the program waits; undefined when that is not known. */
  waiting(): Promise<object | undefined>;
}
interface Stacks {
  depthOf(error: object): number;
  onRejected(hear: (error: object) => void): void;
}

({ depthOf, onRejected }: Stacks): Promises => {
  /** Awaited promises traced in one entry: a trace costs two microseconds. */
  const MOST_TRACED = 2_000;
  /** The promises awaited last are kept: the one that the program waits for is among them. */
  const MOST_RECENT = 64;
  const MOST_FOLLOWED = 20_000;
  const MOST_LATE = 100;
  const { apply, defineProperty } = Reflect;
  const { create } = Object;
  const GuestPromise = Promise;
  const GuestError = Error;
  // Only for the run's report: what the program does never depends on it.
  const Weak = WeakRef;
  const { deref } = WeakRef.prototype;
  const { then } = Promise.prototype;
  const { add, has } = WeakSet.prototype;
  const settled = GuestPromise.resolve();
  const prototype = Promise.prototype;

  interface Recent {
    readonly promise: WeakRef<object>;
    readonly trace: object;
  }
  let recent: Record<number, Recent> = create(null);
  let traced = 0;
  let tracedInEntry = 0;
  let rejected = new WeakSet();
  let mayBeLate = false;
  let seen = new WeakSet();
  let followed = 0;
  let reasons: Record<number, unknown> = create(null);
  let lateCount = 0;
  let inside = false;

  onRejected((error) => {
    mayBeLate = true;
    apply(add, rejected, [error]);
  });

  const remember = (promise: object): void => {
    if (tracedInEntry >= MOST_TRACED) return;
    tracedInEntry += 1;
    recent[traced % MOST_RECENT] = { promise: new Weak(promise), trace: new GuestError() };
    traced += 1;
  };
  const follow = (promise: object): void => {
    if (followed >= MOST_FOLLOWED || apply(has, seen, [promise])) return;
    followed += 1;
    apply(add, seen, [promise]);
    let isLate = true;
    const end = (): void => undefined;
    const fail = (reason: unknown): void => {
      if (isLate && lateCount < MOST_LATE && apply(has, rejected, [reason])) reasons[lateCount++] = reason;
    };
    apply(then, promise, [end, fail]);
    // Handlers of promises settled earlier run in the order in which they were added.
    const after = (): void => {
      isLate = false;
    };
    apply(then, settled, [after]);
  };
  const touch = (promise: object): void => {
    inside = true;
    try {
      remember(promise);
      if (mayBeLate) follow(promise);
    } catch {
      // Not a promise: an object that inherits from the prototype of promises.
    } finally {
      inside = false;
    }
  };

  defineProperty(prototype, "constructor", {
    __proto__: null,
    configurable: true,
    enumerable: false,
    get(this: object) {
      if (!inside && this !== prototype) touch(this);
      return GuestPromise;
    },
    set(this: object, value: unknown) {
      defineProperty(this, "constructor", {
        __proto__: null,
        value,
        writable: true,
        enumerable: true,
        configurable: true,
      } as never);
    },
  } as never);

  return {
    begin() {
      recent = create(null);
      rejected = new WeakSet();
      seen = new WeakSet();
      reasons = create(null);
      traced = tracedInEntry = followed = lateCount = 0;
      mayBeLate = false;
    },
    entered() {
      tracedInEntry = 0;
    },
    late: () => ({ size: lateCount, reasons }),
    async waiting() {
      // The run is over, so handlers of ours do no harm.
      const pending: Record<number, object> = create(null);
      inside = true;
      for (const at in recent) {
        const { promise, trace } = recent[at] as Recent;
        const target: object | undefined = apply(deref, promise, []);
        if (target === undefined) continue;
        pending[at] = trace;
        const end = (): void => {
          delete pending[at];
        };
        try {
          apply(then, target, [end, end]);
        } catch {
          delete pending[at];
        }
      }
      inside = false;
      await undefined;
      let found: object | undefined;
      let depth = 0;
      for (let i = traced; i < traced + MOST_RECENT; i++) {
        const trace = pending[i % MOST_RECENT];
        const frames = trace === undefined ? 0 : depthOf(trace);
        // Where promises wait for each other, the innermost has the most frames. Of equals, the last counts.
        if (frames === 0 || frames < depth) continue;
        depth = frames;
        found = trace;
      }
      return found;
    },
  };
};

export {};
