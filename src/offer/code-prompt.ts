/** The prompt about programs and their tools. It depends on the offered tools only, so that providers can cache it. */
import type { ShownDeclarations } from "../code/declare/shown-declarations.ts";
import type { CatalogTool } from "../tools/catalog.ts";
import { type Fields, isFields } from "../upstream/model.ts";
import { DESCRIBE_TOOLS, SEARCH_TOOLS } from "./meta-tools.ts";

/**
 * Says how to find the tools that are not shown, if there are any. `introduction`: where the tools are and how a
 * program is run.
 */
export function codePrompt({ text, tools, total }: ShownDeclarations, introduction: string): string {
  if (total === 0) return `${introduction}\n\n${RULES}\n\nNo tools are available: programs can only compute.`;
  const example = exampleProgram(tools);
  const sections = [introduction, RULES, `The tools:\n\n${fenced(text.trimEnd())}`];
  if (tools.length < total) sections.push(DISCOVERY);
  if (example !== undefined) sections.push(`A program looks like this:\n\n${fenced(example)}`);
  return sections.join("\n\n");
}

const RULES = `Rules for programs:
- A program is the body of an async function. Use \`await\` and \`return\` at its top level. You see only what it returns and what it prints with \`console.log\`.
- Do as much as possible in one program: loop, join, filter and count in code, and return just what you need for the answer.
- Calls that do not depend on each other go together: \`await Promise.all([...])\`.
- Tools take one object and return promises. Pass exactly the declared fields. Where a result is \`any\`, its shape is unknown: return a small sample first. An \`/* observed */\` one is what earlier results were, not a promise.
- A tool that fails throws a ToolError with \`kind\` and \`message\`. Catch it only if the program can go on without the result.
- There is no network, no file system, no \`import\`, no \`require\`, no \`process\`: only the declared tools and the language itself. Variables are not kept from one program to the next.
- When a program fails, read the error, its line and its hint, correct the program and run it again. If its \`effects\` are \`possible\`, some calls may already have changed something: do not repeat those.`;

const DISCOVERY = `Not all tools are declared above, and programs can call the others as well. When none of those above does what you need, look for it before you say that it cannot be done: \`${SEARCH_TOOLS}\` finds tools by words, \`${DESCRIBE_TOOLS}\` gives their declarations. Inside a program \`await tools.search("words")\` and \`await tools.describe("server/tool")\` do the same.`;

function fenced(code: string): string {
  return `\`\`\`ts\n${code}\n\`\`\``;
}

/** A correct program over one or two tools whose arguments can be invented; undefined when there is no such tool. */
function exampleProgram(tools: readonly CatalogTool[]): string | undefined {
  const calls = tools
    .toSorted((a, b) => Number(b.readOnly) - Number(a.readOnly))
    .flatMap((tool) => exampleCall(tool) ?? []);
  const [first, second] = calls;
  if (first === undefined) return undefined;
  if (second === undefined)
    return `const result = await ${first};\nconsole.log(typeof result);\nreturn result;`;
  return `const [first, second] = await Promise.all([\n  ${first},\n  ${second},\n]);\nconsole.log(typeof first, typeof second);\nreturn { first, second };`;
}

function exampleCall({ callable, inputSchema, positional }: CatalogTool): string | undefined {
  if (positional !== undefined) return undefined;
  const schema = isFields(inputSchema) ? inputSchema : {};
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  const properties = isFields(schema["properties"]) ? schema["properties"] : {};
  const args: string[] = [];
  for (const name of required) {
    if (typeof name !== "string") return undefined;
    const value = exampleValue(properties[name]);
    if (value === undefined) return undefined;
    args.push(`${/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)}: ${value}`);
  }
  return `${callable}(${args.length === 0 ? "{}" : `{ ${args.join(", ")} }`})`;
}

function exampleValue(schema: unknown): string | undefined {
  const { enum: choices, const: fixed, default: preset, type }: Fields = isFields(schema) ? schema : {};
  const value = fixed ?? preset ?? (Array.isArray(choices) ? choices[0] : undefined);
  if (value !== undefined) return JSON.stringify(value);
  switch (type) {
    case "string":
      return '"…"';
    case "number":
    case "integer":
      return "1";
    case "boolean":
      return "true";
    default:
      return undefined;
  }
}
