/** Milliseconds before a retry: doubled each time, from `first` to `max`. */
export interface Backoff {
  readonly first: number;
  readonly max: number;
}

export interface Pauses {
  /** The next pause. */
  next(): number;
  /** Begins with `first` again. */
  reset(): void;
}

export function createPauses({ first, max }: Backoff): Pauses {
  let pause = first;
  return {
    next: () => {
      const now = pause;
      pause = Math.min(2 * pause, max);
      return now;
    },
    reset: () => {
      pause = first;
    },
  };
}
