/** The tools that a caller brings in its request. The gateway never runs them, but must tell them from its own. */
import { ToolariumError } from "../../errors.ts";
import type { CatalogTool } from "../../tools/catalog.ts";
import { type Fields, isFields } from "../../upstream/model.ts";
import { reservedFunctionNames } from "./meta-tools.ts";

export interface CallerTools {
  /** Those that the model sees. */
  readonly offered: readonly Fields[];
  /** Whether some are not functions. Only the provider knows the shape of their calls. */
  readonly hasOtherTypes: boolean;
  /** Whether the caller answers calls of this name. */
  owns(name: string): boolean;
}

/**
 * A caller's tool with the name of a gateway's tool is a stub, which some clients need for their own tool loop. The
 * model is offered the gateway's tool instead.
 *
 * @throws `invalid_request` when a tool has the name of a function of the gateway
 */
export function readCallerTools(tools: readonly Fields[], ours: readonly CatalogTool[]): CallerTools {
  const ourNames = new Set(ours.map(({ functionName }) => functionName));
  for (const tool of tools) refuseReservedName(nameOfTool(tool));
  const offered = tools.filter((tool) => !ourNames.has(nameOfTool(tool) ?? ""));
  const names = new Set(offered.map(nameOfTool));
  return {
    offered,
    hasOtherTypes: offered.some((tool) => !isFields(tool["function"])),
    owns: (name) => names.has(name),
  };
}

export function nameOfTool(tool: Fields): string | undefined {
  const named = tool["function"] ?? tool["custom"];
  return isFields(named) && typeof named["name"] === "string" ? named["name"] : undefined;
}

function refuseReservedName(name: string | undefined): void {
  if (name === undefined || !reservedFunctionNames.has(name)) return;
  throw new ToolariumError(
    "invalid_request",
    `The name "${name}" belongs to a function of the gateway. Give your tool another name.`,
    { param: "tools" },
  );
}
