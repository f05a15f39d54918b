/**
 * Which worker takes a run, as a decision over what the workers do now. Nothing happens here: the pool carries it out.
 * A worker serves one principal in its whole life, so a free one is worth more than a place beside one's own runs.
 */

/** What placement sees of a worker. */
export interface Place {
  /** The principal it serves; null until its first run. */
  readonly principal: string | null;
  /** Takes no new runs. */
  readonly closed: boolean;
  readonly load: number;
  /** Milliseconds for which all its runs have only waited; 0 when it has no run, or one executes. */
  readonly quietMs: number;
}

export interface Capacity {
  /** Workers in use before principals have to share. */
  readonly workers: number;
  /** All workers there may be, in use or warm. */
  readonly most: number;
  readonly runsPerWorker: number;
  /** Workers that start now. */
  readonly starting: number;
  /** All runs of a worker must have waited this long before they may be parked. */
  readonly parkAfterMs: number;
}

export interface Placement<P extends Place> {
  /** Where the run starts; undefined: it waits. */
  readonly place?: P | undefined;
  /** The worker that ends to make room. It is idle, or all its runs wait and are parked. */
  readonly evicted?: { readonly place: P; readonly reason: string };
}

/** `solo`: it must be alone in its worker. A run without a principal may share any worker. */
export function placeRun<P extends Place>(
  { principal, solo }: { readonly principal: string | null; readonly solo: boolean },
  places: readonly P[],
  { workers, most, runsPerWorker, starting, parkAfterMs }: Capacity,
): Placement<P> {
  const open = places.filter((place) => !place.closed);
  const free = open.find((place) => place.principal === null);
  if (solo) return { place: free };
  if (principal === null) return { place: free ?? open.find((place) => place.load < runsPerWorker) };
  const used = open.filter((place) => place.principal !== null);
  const own = used
    .filter((place) => place.principal === principal && place.load < runsPerWorker)
    .sort((one, other) => one.load - other.load)[0];
  if (own !== undefined && (own.load === 0 || free === undefined || used.length >= workers))
    return { place: own };
  if (free === undefined) {
    const seeksRoom = places.length >= most && starting === 0;
    const parked = seeksRoom ? leastMissed(principal, used, parkAfterMs) : undefined;
    return parked === undefined ? {} : { evicted: { place: parked, reason: "its runs are parked" } };
  }
  if (used.length < workers) return { place: free };
  // Every worker is taken: an idle one of another principal makes room, or a new principal exceeds the count.
  const idle = used.find((place) => place.load === 0 && place.principal !== principal);
  if (idle !== undefined)
    return { place: free, evicted: { place: idle, reason: "another principal needs its place" } };
  return used.some((place) => place.principal === principal) ? {} : { place: free };
}

/** Of the workers of other principals an idle one, else the one whose runs have waited longest for their tools. */
function leastMissed<P extends Place>(
  principal: string,
  used: readonly P[],
  parkAfterMs: number,
): P | undefined {
  const others = used.filter((place) => place.principal !== principal);
  return (
    others.find((place) => place.load === 0) ??
    others.sort((one, other) => other.quietMs - one.quietMs).find((place) => place.quietMs >= parkAfterMs)
  );
}
