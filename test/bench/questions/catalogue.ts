/** How many tokens of tools does a model see, and how long does it take to write them? */
import {
  describeToolsFunction,
  runCodeFunction,
  searchToolsFunction,
} from "../../../src/chat/offer/meta-tools.ts";
import { codePrompt, toolFunction } from "../../../src/chat/offer/prompt.ts";
import { renderDeclarations } from "../../../src/code/declare/declarations.ts";
import { typesWritten } from "../../../src/code/declare/schema-types.ts";
import { showDeclarations } from "../../../src/code/declare/shown-declarations.ts";
import { countTokens } from "../../../src/tokens.ts";
import type { CatalogTool } from "../../../src/tools/catalog.ts";
import { officeCatalog } from "../fixtures/office-tools.ts";
import { ask, type Extent, ms, tell, timed } from "../measure.ts";
import { keep } from "../tables.ts";

const BUDGET = 4_000;

export async function catalogue({ short }: Extent): Promise<void> {
  ask(`How many tokens of tools does a model see, with a budget of ${BUDGET.toLocaleString("en-US")}?`);
  for (const count of [10, 50, 100, 250, 500]) await compareAt(count);
  await timeRendering(short ? 200 : 2_000);
}

/** All that a mode adds to a request: function definitions as the JSON that is sent, and code mode's instructions. */
async function compareAt(count: number): Promise<void> {
  const { tools } = await officeCatalog(count);
  const plain = countTokens(JSON.stringify(tools.map(toolFunction)));
  const whole = countTokens(renderDeclarations(tools));
  const shown = showDeclarations(tools, BUDGET);
  const discovery = shown.tools.length < tools.length ? [searchToolsFunction, describeToolsFunction] : [];
  const ours = countTokens(codePrompt(shown)) + countTokens(JSON.stringify([runCodeFunction, ...discovery]));
  const table = "tokens of the tools in a request";
  const figure = (value: number): string => value.toLocaleString("en-US");
  const row = `${count} tools`;
  keep(table, row, "plain tool list", figure(plain));
  keep(table, row, "all as TypeScript", figure(whole));
  keep(table, row, "code mode in all", `${figure(ours)} (${Math.round((100 * ours) / plain)} %)`);
  keep(table, row, "declared in it", `${shown.tools.length} of ${count}`);
  tell(row, `plain ${figure(plain)}`, `code mode ${figure(ours)}`, `${shown.tools.length} declared`);
}

/** Every schema is another one, and what is listed anew is equal, not the same. */
async function timeRendering(count: number): Promise<void> {
  const list = async (size: number): Promise<readonly CatalogTool[]> => {
    const { tools } = await officeCatalog(size);
    return tools.map((tool) => ({
      ...tool,
      inputSchema: { ...Object(tool.inputSchema), $comment: tool.id },
      outputSchema: { ...Object(tool.outputSchema), $comment: tool.id },
    }));
  };
  const write = async (size: number): Promise<readonly [took: number, types: number]> => {
    const tools = await list(size);
    const before = typesWritten();
    const took = await timed(async () => renderDeclarations(tools));
    return [took, typesWritten() - before];
  };
  const size = count.toLocaleString("en-US");
  for (const [name, [took, types]] of [
    [`declarations of ${size} tools (1 s aim)`, await write(count)],
    ["again after one more was listed", await write(count + 1)],
  ] as const)
    tell(name, ms(took), `${types.toLocaleString("en-US")} types written`);
}
