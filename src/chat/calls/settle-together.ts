/** Calls `act` on every item in order, `atOnce` at a time. Never rejects; outcomes are in the order of the items. */
export async function settleTogether<Item, T>(
  atOnce: number,
  items: readonly Item[],
  act: (item: Item) => Promise<T>,
): Promise<readonly PromiseSettledResult<T>[]> {
  const outcomes: PromiseSettledResult<T>[] = [];
  const rest = items.entries();
  const work = async (): Promise<void> => {
    for (const [index, item] of rest)
      [outcomes[index]] = (await Promise.allSettled([act(item)])) as [PromiseSettledResult<T>];
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
  return outcomes;
}
