/** What a client gets to see: programs over all tools, or the tools themselves. */
import type { CallToolResult, InputRequiredResult, Tool } from "@modelcontextprotocol/server";
import type { Catalog } from "../tools/catalog.ts";
import type { Exchange } from "./exchange.ts";
import type { Visit } from "./visit.ts";

export type FaceName = "code" | "tools";

export interface Face {
  readonly name: FaceName;
  /** How a model uses it: the same for all callers, so that nothing of others' tools is in it. */
  readonly instructions: string;
  /** The same list for the same catalog and policy. */
  tools(visit: Visit): readonly Tool[];
  /** Undefined when it has no such tool. Never rejects for what a client did. */
  call(
    name: string,
    args: { readonly [name: string]: unknown },
    exchange: Exchange,
  ): Promise<CallToolResult | InputRequiredResult> | undefined;
  /** The declarations of all tools that the request may use; undefined where programs are not offered. */
  declarations?(visit: Visit): string;
}

/** Policies that one catalog is seen through, the latest ones. */
const MAX_KEPT = 64;

/** Keeps what is made of a catalog under a policy, for as long as that catalog is the one. */
export function keepByView<T>(
  make: (catalog: Catalog, visit: Visit) => T,
): (catalog: Catalog, visit: Visit) => T {
  const kept = new WeakMap<Catalog, Map<string, T>>();
  return (catalog, visit) => {
    const byPolicy = kept.get(catalog) ?? new Map<string, T>();
    kept.set(catalog, byPolicy);
    const key = JSON.stringify(visit.policy.layers);
    const known = byPolicy.get(key);
    if (known !== undefined) return known;
    const made = make(catalog, visit);
    byPolicy.set(key, made);
    const [oldest] = byPolicy.keys();
    if (byPolicy.size > MAX_KEPT && oldest !== undefined) byPolicy.delete(oldest);
    return made;
  };
}
