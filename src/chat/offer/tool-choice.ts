/** A caller's demand for one tool, or for some: it can only be met by what the model is offered. */
import { ToolariumError } from "../../errors.ts";
import { nearestNames } from "../../tools/nearest.ts";
import { type Fields, isFields } from "../../upstream/model.ts";
import type { ChatRequest } from "../turns/request.ts";

const MAX_NAMES_SHOWN = 5;

/** @throws `invalid_request` when `tool_choice` names a tool that is not among those offered */
export function checkToolChoice(
  { params, mode }: Pick<ChatRequest, "params" | "mode">,
  offered: readonly Fields[],
): void {
  // Providers refuse a `tool_choice` that names a missing tool, some of them with an unclear message.
  const names = offered.map(nameOf).filter((name) => name !== undefined);
  const missing = namesIn(params["tool_choice"]).find((name) => !names.includes(name));
  if (missing === undefined) return;
  const near = nearestNames(missing, names, MAX_NAMES_SHOWN);
  const shown = near.length > 0 ? near : names.slice(0, MAX_NAMES_SHOWN);
  const others =
    shown.length === 0
      ? "It is offered no tool at all."
      : `It is offered, among others: ${shown.join(", ")}.`;
  throw new ToolariumError(
    "invalid_request",
    `tool_choice names ${JSON.stringify(missing.slice(0, 100))}, which the model is not offered in the mode "${mode}". ${others}`,
    { param: "tool_choice" },
  );
}

/** The names in `{ type: "function", function: { name } }`, the same of a custom tool, or a list of allowed tools. */
function namesIn(choice: unknown): readonly string[] {
  if (!isFields(choice)) return [];
  const allowed = isFields(choice["allowed_tools"]) ? choice["allowed_tools"]["tools"] : undefined;
  const tools = Array.isArray(allowed) ? allowed.filter(isFields) : [choice];
  return tools.map(nameOf).filter((name) => name !== undefined);
}

function nameOf(tool: Fields): string | undefined {
  const named = tool["function"] ?? tool["custom"];
  return isFields(named) && typeof named["name"] === "string" ? named["name"] : undefined;
}
