/** Walks over every run of the store, page by page. */
import type { RunStatus } from "../journal.ts";
import type { RunQuery, Store, StoredRun } from "./store.ts";

/** Newest first. */
async function* allRuns(
  store: Pick<Store, "listRuns">,
  query: Omit<RunQuery, "limit" | "cursor">,
): AsyncGenerator<StoredRun> {
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<Store["listRuns"]>> = await store.listRuns({
      ...query,
      limit: PAGE,
      ...(cursor === null ? {} : { cursor }),
    });
    yield* page.runs;
    cursor = page.nextCursor;
  } while (cursor !== null);
}

export function listRunsIn(
  store: Pick<Store, "listRuns">,
  ...statuses: readonly RunStatus[]
): Promise<readonly StoredRun[]> {
  return Array.fromAsync(allRuns(store, { statuses }));
}

const PAGE = 200;
