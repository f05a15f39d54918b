/** What a model is told in code mode. The text depends on the offered tools only, so that providers can cache it. */
import type { ShownDeclarations } from "../../code/declare/shown-declarations.ts";
import { codePrompt as promptForPrograms } from "../../offer/code-prompt.ts";
import type { CatalogTool } from "../../tools/catalog.ts";
import type { JsonSchema } from "../../tools/tool-source.ts";
import { type ChatMessage, type Fields, isFields } from "../../upstream/model.ts";

/** See `codePrompt` in `src/offer`. `direct`: the tools are offered as functions as well. */
export function codePrompt(shown: ShownDeclarations, direct = false): string {
  return promptForPrograms(shown, direct ? CHOICE : INTRODUCTION);
}

/** Adds the text to the end of the caller's system message, or before the conversation when there is none. */
export function withInstructions(messages: readonly ChatMessage[], text: string): readonly ChatMessage[] {
  const at = messages.findIndex(({ role }) => role === "system" || role === "developer");
  const own = messages[at];
  if (own === undefined) return [{ role: "system", content: text }, ...messages];
  const content = own["content"];
  const extended = Array.isArray(content)
    ? [...content, { type: "text", text }]
    : [typeof content === "string" ? content : "", text].filter((part) => part !== "").join("\n\n");
  return messages.with(at, { ...own, content: extended });
}

const INTRODUCTION = `You can run TypeScript programs with the function \`run_code\`. The tools declared below exist only inside such programs: to use one, write a program that calls it.`;

const CHOICE = `You can use the tools in two ways. Each is a function that you can call yourself, one call at a time. And the function \`run_code\` runs TypeScript programs that call them. Choose for each step: call a function yourself where one or two calls are enough; write a program where it takes more calls, or where results are to be looped over, joined, filtered or counted.`;

/**
 * The function definition of a tool for models that call tools themselves. The same tool gives the same object, so that
 * a provider's form of it is made once.
 */
export function toolFunction(tool: CatalogTool): Fields {
  const { functionName: name, description, inputSchema } = tool;
  const known = functions.get(tool);
  if (known !== undefined) return known;
  const made = { type: "function", function: { name, description, parameters: toParameters(inputSchema) } };
  functions.set(tool, made);
  return made;
}

const functions = new WeakMap<CatalogTool, Fields>();

/** Providers require an object schema with properties. `$schema` is left out: some providers refuse it. */
function toParameters(schema: JsonSchema): Fields {
  if (!isFields(schema)) return { type: "object", properties: {} };
  const { $schema: _, ...rest } = schema;
  return { ...rest, type: "object", properties: rest["properties"] ?? {} };
}
