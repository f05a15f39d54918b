/** How long from a program's text to a checked program? */
import { createHash } from "node:crypto";
import type { CompileRequest } from "../../../src/code/compile.ts";
import { renderDeclarations } from "../../../src/code/declare/declarations.ts";
import { createCompiler } from "../../../src/code/process/compiler-process.ts";
import { environmentNames } from "../../../src/code/syntax/environment-names.ts";
import { createLog } from "../../../src/log.ts";
import { buildCatalog } from "../../../src/tools/catalog.ts";
import { ask, both, type Extent, interleave, percentiles, sample, tell, timed } from "../measure.ts";

const TOOLS = 500;
const LINES = 20;

/** Normalise, emit and check a 20-line program against 500 tools, in the compiler process. */
export async function compile({ short }: Extent): Promise<void> {
  ask(`How long from ${LINES} lines of text to a program checked against ${TOOLS} tools?`);
  const declarations = fiveHundredTools();
  await using compiler = await createCompiler({ log: createLog("silent") });
  let n = 0;
  const act = (check: CompileRequest["check"]) => (): Promise<number> => {
    n += 1;
    const request = {
      code: program(n),
      sourceBytes: 65_536,
      globals: ["server", ...environmentNames],
      check,
    };
    return timed(async () => {
      const outcome = await compiler.compile(request, { principal: "bench" });
      if (!outcome.ok) throw new Error(`${outcome.line}:${outcome.column} ${outcome.message}`);
      const note = outcome.program.diagnostics.find(({ message }) => message.startsWith("Not type-checked"));
      if (note !== undefined) throw new Error(note.message);
    });
  };
  const checked = act({ mode: "error", declarations });
  tell(
    "the first, with the checker's start and the tools' declarations",
    `${(await checked()).toFixed(1)} ms`,
  );
  const [full = [], unchecked = []] = await interleave(short ? 10 : 200, [checked, act(null)]);
  tell("checked (15 ms aim)", ...both(percentiles(full)));
  tell("not checked", ...both(percentiles(unchecked)));

  const known: CompileRequest = {
    ...{ code: program(n), sourceBytes: 65_536, globals: ["server", ...environmentNames] },
    check: { mode: "error", declarations },
  };
  await compiler.compile(known, { principal: "bench" });
  const again = (): Promise<number> => timed(() => compiler.compile(known, { principal: "bench" }));
  tell(
    "a text seen before (1 ms aim)",
    ...both(await sample(short ? 10 : 1_000, again, () => Promise.resolve())),
  );
}

function fiveHundredTools(): { readonly hash: string; readonly text: string } {
  const object = (properties: object): { [keyword: string]: unknown } => ({
    ...{ type: "object", properties, required: Object.keys(properties), additionalProperties: false },
  });
  const text = { type: "string", description: "Some text that says what it is for." };
  const tools = Array.from({ length: TOOLS }, (_, at) => ({
    name: `list_things_${at}`,
    description: `Lists the things of kind ${at}, newest first.`,
    inputSchema: object({
      owner: text,
      kind: { enum: ["one", "other", `k${at}`] },
      limit: { type: "integer" },
    }),
    outputSchema: object({ items: { type: "array", items: object({ id: { type: "number" }, name: text }) } }),
    annotations: {},
  }));
  const catalog = buildCatalog([{ server: "server", tools }], { readOnly: [], idempotent: [] });
  const declarations = renderDeclarations(catalog.tools);
  return { hash: createHash("sha256").update(declarations).digest("hex"), text: declarations };
}

/** TypeScript of `LINES` lines, another one each time. */
function program(n: number): string {
  const tool = n % TOOLS;
  return [
    `interface Row { readonly name: string; readonly count: number }`,
    `const owner: string = "owner-${n}";`,
    `const limits: readonly number[] = [1, 2, ${n}];`,
    `const seen = new Map<string, number>();`,
    `const pages = await Promise.all(`,
    `  limits.map((limit) => server.list_things_${tool}({ owner, kind: "one", limit })),`,
    `);`,
    `for (const page of pages) {`,
    `  for (const item of page.items) {`,
    `    seen.set(item.name, (seen.get(item.name) ?? 0) + 1);`,
    `  }`,
    `}`,
    `const rows: Row[] = [...seen].map(([name, count]) => ({ name, count }));`,
    `const best = rows.toSorted((a, b) => b.count - a.count).slice(0, 10);`,
    `if (best.length === 0) {`,
    `  console.log("nothing found for", owner);`,
    `  return [];`,
    `}`,
    `const total = best.reduce((sum, { count }) => sum + count, 0);`,
    `return best.map(({ name, count }) => ({ name, share: count / total }));`,
  ].join("\n");
}
