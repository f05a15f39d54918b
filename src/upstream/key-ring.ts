/** The keys of one provider. One is drawn for each attempt, by weight; a refused key rests for a while. */
import type { ProviderKey } from "../config/config.ts";
import type { Clock } from "./clock.ts";
import { type CoolDown, createCoolDown } from "./cool-down.ts";

export interface RingKey extends ProviderKey {
  readonly health: CoolDown;
  /** Its place in the configuration, from 1. Messages use this number, because the key must not be shown. */
  readonly number: number;
}

export interface KeyRing {
  /** A key for the next attempt. When all of them rest, the one that is ready first. Undefined when there are none. */
  draw(): RingKey | undefined;
  /** Whether a key outside this set is ready. */
  hasOther(refused: ReadonlySet<RingKey>): boolean;
}

export function createKeyRing(keys: readonly ProviderKey[], clock: Clock): KeyRing {
  const ring = keys.map(
    (key, index): RingKey => ({ ...key, health: createCoolDown(clock), number: index + 1 }),
  );
  return {
    draw() {
      const ready = ring.filter(({ health }) => health.isReady);
      if (ready.length > 0) return drawByWeight(ready, clock.random());
      return ring.toSorted((a, b) => a.health.endsAt - b.health.endsAt)[0];
    },
    hasOther: (refused) => ring.some((key) => key.health.isReady && !refused.has(key)),
  };
}

/** `chance` is from 0 to 1, 1 excluded. */
function drawByWeight(keys: readonly RingKey[], chance: number): RingKey | undefined {
  let left = chance * keys.reduce((sum, { weight }) => sum + weight, 0);
  for (const key of keys) {
    left -= key.weight;
    if (left < 0) return key;
  }
  return keys.at(-1);
}
