/** For programs that took a result of several content blocks for a text or a value: the hint says where the text is. */

import { isRecord } from "../../json.ts";
import type { FailedProgram } from "./failing-value.ts";
import { lastResult } from "./failing-value.ts";

/** Undefined when the last result is of another kind, or the program already reads blocks. */
export function hintForContent(program: FailedProgram): string | undefined {
  const result = lastResult(program.run, program.namespaces);
  if (result === undefined || /\bcontent\b/.test(program.code)) return undefined;
  const blocks = isRecord(result.value) ? result.value["content"] : undefined;
  if (!Array.isArray(blocks) || blocks.length === 0 || Object.keys(Object(result.value)).length > 1)
    return undefined;
  const types = blocks.slice(0, MAX_TYPES).map(typeOfBlock);
  const more = blocks.length > MAX_TYPES ? `, … ${blocks.length - MAX_TYPES} more` : "";
  const text = types.indexOf("text");
  const way = text < 0 ? "r.content[0]" : `r.content[${text}].text`;
  return `${result.callable} returned { content: [${types.join(", ")}${more}] }: of such a result r, read ${way}.`;
}

const MAX_TYPES = 5;

function typeOfBlock(block: unknown): string {
  const type = isRecord(block) ? block["type"] : undefined;
  return typeof type === "string" && /^[\w-]{1,40}$/.test(type) ? type : "a block";
}
