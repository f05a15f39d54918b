/** The arguments of a pending call as somebody sends them back: those that were shown, or an edit. */
import { isDeepStrictEqual } from "node:util";
import { readJson } from "./calls.ts";

/**
 * What a decision has to say of them: nothing when they are the shown ones, whatever their order and spaces. `sent` is
 * JSON text, as OpenAI has it, or the object, as some frameworks send it; `shown` is JSON text.
 */
export function editOf(sent: unknown, shown: string): { readonly args?: string } {
  const args = argumentsText(sent);
  return isDeepStrictEqual(readJson(args.trim() === "" ? "{}" : args), readJson(shown)) ? {} : { args };
}

export function argumentsText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? {});
}
