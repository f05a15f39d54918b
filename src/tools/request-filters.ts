/**
 * The filters by which one request narrows its tools: headers, its address and a field of its body, each read into a
 * policy layer.
 */
import { ToolariumError } from "../errors.ts";
import type { PolicyLayer } from "./policy-layer.ts";

/** Headers that filter a request's tools, each with its alias from other gateways' clients. */
const serverHeaders = ["x-mcp-include-servers", "x-bf-mcp-include-clients"] as const;
const toolHeaders = ["x-mcp-include-tools", "x-bf-mcp-include-tools"] as const;
const BODY_FILTER = "tools_filter";
/** For clients that cannot send headers. */
const SERVERS_IN_ADDRESS = "?servers";
const TOOLS_IN_ADDRESS = "?tools";

/** Whether a layer is the filter of one request. */
export function isFilter({ rule }: PolicyLayer): boolean {
  return [...serverHeaders, ...toolHeaders, BODY_FILTER, SERVERS_IN_ADDRESS, TOOLS_IN_ADDRESS].some(
    (name) => name === rule,
  );
}

/**
 * The filters of one request: the headers `x-mcp-include-servers` and `x-mcp-include-tools`, each also under its alias,
 * `tools_filter` of the body, and, where supported, `servers` and `tools` of the address. An absent filter does not
 * filter, an empty one allows nothing, `*` allows everything.
 *
 * @throws `invalid_request` when `toolsFilter` is neither undefined nor a list of strings
 */
export function requestLayers(
  headers: { readonly [name: string]: string | readonly string[] | undefined },
  toolsFilter: unknown,
  address: AddressFilters = {},
): readonly PolicyLayer[] {
  return [
    ...serverHeaders.flatMap((rule) => serverLayer(rule, headers[rule])),
    ...serverLayer(SERVERS_IN_ADDRESS, address.servers),
    ...toolHeaders.flatMap((rule) => toolLayer(rule, headers[rule])),
    ...toolLayer(TOOLS_IN_ADDRESS, address.tools),
    ...(toolsFilter === undefined ? [] : [{ rule: BODY_FILTER, allow: parseFilter(toolsFilter) }]),
  ];
}

/** Lists in the form of headers; several of one name are one list. */
export interface AddressFilters {
  readonly servers?: string | readonly string[] | undefined;
  readonly tools?: string | readonly string[] | undefined;
}

function serverLayer(rule: string, list: string | readonly string[] | undefined): readonly PolicyLayer[] {
  const servers = listOf(list);
  return servers === undefined || servers.includes("*") ? [] : [{ rule, servers }];
}

function toolLayer(rule: string, list: string | readonly string[] | undefined): readonly PolicyLayer[] {
  const allow = listOf(list);
  return allow === undefined ? [] : [{ rule, allow }];
}

function listOf(header: string | readonly string[] | undefined): readonly string[] | undefined {
  if (header === undefined) return undefined;
  const text = typeof header === "string" ? header : header.join(",");
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function parseFilter(value: unknown): readonly string[] {
  if (isTextList(value)) return value;
  const message = 'tools_filter must be a list of patterns like "server/tool" or "server/*".';
  throw new ToolariumError("invalid_request", message, {
    param: "tools_filter",
    errors: [{ pointer: "/tools_filter", message }],
  });
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
