/** Works through all items, this many at a time. */
export async function inLanes<T>(
  lanes: number,
  items: Iterable<T>,
  act: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (let next = queue.next(); next.done !== true; next = queue.next()) await act(next.value);
  };
  await Promise.all(Array.from({ length: lanes }, work));
}
