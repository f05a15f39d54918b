/** The tools that one request may use: those that configuration and key allow, narrowed by the request's filters. */
import type { Policy } from "../tools/policy-layer.ts";
import { type AddressFilters, requestLayers } from "../tools/request-filters.ts";
import type { Caller } from "./caller.ts";

/** The filters of a request, not yet validated. */
export interface RequestNarrowing {
  /** By their names in lower case. Headers other than filters are ignored. Default: none. */
  readonly headers?: { readonly [name: string]: string | readonly string[] | undefined };
  /** `tools_filter` of the body. Undefined when the body has none. */
  readonly toolsFilter?: unknown;
  /** `servers` and `tools` of the address, for clients that cannot send headers. Default: none. */
  readonly address?: AddressFilters;
}

/**
 * Configuration ∩ key ∩ headers ∩ address ∩ filter of the body.
 *
 * @throws `invalid_request` when a filter does not have its documented shape
 */
export function requestPolicy(
  { layers }: Pick<Caller, "layers">,
  { headers = {}, toolsFilter, address }: RequestNarrowing,
): Policy {
  return { layers: [...layers, ...requestLayers(headers, toolsFilter, address)] };
}
