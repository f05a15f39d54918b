/** The arguments of a pending call as a client sends them back: the shown ones, or an edit. */
import { isDeepStrictEqual } from "node:util";
import { readJson } from "./calls.ts";

/**
 * What a decision records of them: nothing when they equal the shown ones, whatever their order and spaces. `sent` is
 * JSON text, as OpenAI has it, or the object, as some frameworks send it; `shown` is JSON text.
 */
export function editOf(sent: unknown, shown: string): { readonly args?: string } {
  const args = argumentsText(sent);
  return isDeepStrictEqual(readJson(args.trim() === "" ? "{}" : args), readJson(shown)) ? {} : { args };
}

export function argumentsText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? {});
}
