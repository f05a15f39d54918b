/** How one request narrows its tools: headers and a field of its body, each read into a layer of policy. */
import { ToolariumError } from "../errors.ts";
import type { PolicyLayer } from "./policy-layer.ts";

/** Headers that filter a request's tools, each with the alias that clients of other gateways send. */
const serverHeaders = ["x-mcp-include-servers", "x-bf-mcp-include-clients"] as const;
const toolHeaders = ["x-mcp-include-tools", "x-bf-mcp-include-tools"] as const;
const BODY_FILTER = "tools_filter";

/** Whether a layer is the filter of one request. */
export function isFilter({ rule }: PolicyLayer): boolean {
  return [...serverHeaders, ...toolHeaders, BODY_FILTER].some((name) => name === rule);
}

/**
 * The filters of one request: the headers `x-mcp-include-servers` and `x-mcp-include-tools`, each also under its
 * alias, and `tools_filter` of the body. An absent one does not filter, an empty one leaves nothing, `*` leaves all.
 *
 * @throws `invalid_request` when `toolsFilter` is neither undefined nor a list of strings
 */
export function requestLayers(
  headers: { readonly [name: string]: string | readonly string[] | undefined },
  toolsFilter: unknown,
): readonly PolicyLayer[] {
  return [
    ...serverHeaders.flatMap((rule) => {
      const servers = listOf(headers[rule]);
      return servers === undefined || servers.includes("*") ? [] : [{ rule, servers }];
    }),
    ...toolHeaders.flatMap((rule) => {
      const allow = listOf(headers[rule]);
      return allow === undefined ? [] : [{ rule, allow }];
    }),
    ...(toolsFilter === undefined ? [] : [{ rule: BODY_FILTER, allow: parseFilter(toolsFilter) }]),
  ];
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
