/** Many roads to one thing that no program may get to: each is tried, and none may arrive. */
import type { Attack } from "./arena.ts";

/** From the name of a road to an expression (it may await) that is truthy when the road is open; a throw closes it. */
interface Routes {
  readonly [road: string]: string;
}

/** @param setup Statements before the first road. */
export function noRoute(claim: string, routes: Routes, setup = ""): Attack {
  const roads = Object.entries(routes);
  const entries = roads.map(([road, expression]) => `[${JSON.stringify(road)}, async () => (${expression})]`);
  const code = `${setup}
    const open = [];
    let tried = 0;
    for (const [road, go] of [${entries.join(",\n")}]) {
      tried += 1;
      try { if (await go()) open.push(road); } catch {}
    }
    return { tried, open };`;
  return { claim, code, expect: { result: { tried: roads.length, open: [] } } };
}
