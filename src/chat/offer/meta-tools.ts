/** The gateway's own tools as functions of a chat. */
import {
  DESCRIBE_TOOLS,
  describeTools,
  type MetaTool,
  RUN_CODE,
  runCode,
  SEARCH_TOOLS,
  searchTools,
} from "../../offer/meta-tools.ts";
import type { Fields } from "../../upstream/model.ts";

/** Names that callers may not use for tools of their own, in any mode. */
export const reservedFunctionNames: ReadonlySet<string> = new Set([RUN_CODE, SEARCH_TOOLS, DESCRIBE_TOOLS]);

export const runCodeFunction: Fields = toFunction(runCode);
export const searchToolsFunction: Fields = toFunction(searchTools);
export const describeToolsFunction: Fields = toFunction(describeTools);

function toFunction({ name, description, parameters }: MetaTool): Fields {
  return { type: "function", function: { name, description, parameters } };
}
