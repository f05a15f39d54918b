/** What one request may use: what configuration and key allow, narrowed by what the request says itself. */
import type { Policy } from "../tools/policy-layer.ts";
import { type AddressFilters, requestLayers } from "../tools/request-filters.ts";
import type { Caller } from "./caller.ts";

/** How a request narrows itself, as it came. */
export interface RequestNarrowing {
  /** By their names in lower case; those that filter are read, the others ignored. Default: none. */
  readonly headers?: { readonly [name: string]: string | readonly string[] | undefined };
  /** `tools_filter` of the body. Undefined when it has none. */
  readonly toolsFilter?: unknown;
  /** `servers` and `tools` of the address, where a client cannot send headers. Default: none. */
  readonly address?: AddressFilters;
}

/**
 * Configuration ∩ key ∩ headers ∩ address ∩ filter of the body.
 *
 * @throws `invalid_request` when a filter is not of its documented shape
 */
export function requestPolicy(
  { layers }: Pick<Caller, "layers">,
  { headers = {}, toolsFilter, address }: RequestNarrowing,
): Policy {
  return { layers: [...layers, ...requestLayers(headers, toolsFilter, address)] };
}
