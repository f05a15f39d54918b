/** Lets one act through at a time, in order of arrival. */
export function createTurnstile(): <T>(act: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (act) => {
    const result = last.then(act);
    last = result.catch(() => undefined);
    return result;
  };
}

/** A turnstile for each key, kept while it is in use. */
export function createTurnstiles(): <T>(key: string, act: () => Promise<T>) => Promise<T> {
  const open = new Map<string, { readonly pass: ReturnType<typeof createTurnstile>; inside: number }>();
  return async (key, act) => {
    const turnstile = open.get(key) ?? { pass: createTurnstile(), inside: 0 };
    open.set(key, turnstile);
    turnstile.inside += 1;
    try {
      return await turnstile.pass(act);
    } finally {
      turnstile.inside -= 1;
      if (turnstile.inside === 0) open.delete(key);
    }
  };
}
