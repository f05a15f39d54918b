/**
 * The tools face: the tools that a key may use, one by one. A call that policy lets run is made at once. One that needs
 * approval becomes a program of one line, because a program's run waits, is decided and is resumed after a restart.
 */
import type { CallToolResult, Tool } from "@modelcontextprotocol/server";
import { callTool } from "../access/explicit-call.ts";
import { isRecord } from "../json.ts";
import { RESUME_RUN, resumeRun as resumeRunTool } from "../offer/meta-tools.ts";
import type { Catalog, CatalogTool } from "../tools/catalog.ts";
import { decide, visible } from "../tools/policy.ts";
import type { Exchange } from "./exchange.ts";
import { type Face, keepByView } from "./face.ts";
import { objectSchema, toTool } from "./meta-tool.ts";
import { type Answer, type Finish, runProgram } from "./programs.ts";
import { refusalAnswer } from "./refusal-answer.ts";
import { resume } from "./resume.ts";
import { endAnswer, runOutputSchema } from "./run-answer.ts";
import { failureAnswer, reportAnswer, valueAnswer } from "./tool-result.ts";
import type { McpServerDeps } from "./visit.ts";

const INSTRUCTIONS = `These are the tools of many MCP servers, named server__tool. If an answer says that a person has to decide, tell them, and call \`${RESUME_RUN}\` afterwards; never call the tool again for that.`;

export function createToolsFace(deps: McpServerDeps): Face {
  const { config, log } = deps;
  const trusted = new Set(
    config.servers.filter(({ trustAnnotations }) => trustAnnotations).map(({ name }) => name),
  );
  const namesOf = keepNames(config.mcp.unprefixed);
  const toolsOf = keepByView((catalog, { policy }): readonly Tool[] => {
    const { nameOf } = namesOf(catalog);
    const tools = visible(catalog, policy).filter(({ unavailable }) => unavailable === undefined);
    const listed = tools.map((tool) => listTool(tool, nameOf.get(tool.id) ?? tool.functionName, trusted));
    const asks = tools.some((tool) => decide(tool, policy).verdict === "ask");
    return asks ? [...listed, toTool(resumeRunTool, resumeRunTool.description, runOutputSchema)] : listed;
  });
  const finishRun: Finish = (report, code) => endAnswer(report, code, config.agent.resultTokens);

  return {
    name: "tools",
    instructions: INSTRUCTIONS,
    tools: (visit) => toolsOf(deps.catalog(), visit),
    call(name, args, exchange) {
      const tool = namesOf(deps.catalog()).toolOf.get(name);
      const answer =
        tool !== undefined
          ? callOne(tool, args, exchange, deps)
          : name === RESUME_RUN
            ? resume(args, exchange, deps, finishRun)
            : undefined;
      return answer?.catch((error: unknown) => refusalAnswer(error, log));
    },
  };
}

async function callOne(
  tool: CatalogTool,
  args: { readonly [name: string]: unknown },
  exchange: Exchange,
  deps: McpServerDeps,
): Promise<Answer> {
  const { visit, signal, returned } = exchange;
  const { caller, user, policy } = visit;
  const promised = promisesStructure(tool);
  if (returned !== null || decide(tool, policy).verdict === "ask") {
    const program = { code: callingProgram(tool), input: args, typecheck: "off" } as const;
    const answer = await runProgram(program, exchange, deps, (report) => reportAnswer(report, promised));
    return promised ? withoutStructure(answer) : answer;
  }
  // Also one that is not allowed: the gate refuses it, with the rule, and it is in the journal.
  const call = { caller, user, id: tool.id, args: JSON.stringify(args), policy, signal };
  const outcome = await callTool(deps, call);
  return outcome.type === "value" ? valueAnswer(outcome.value, promised) : failureAnswer(outcome.failure);
}

function callingProgram({ server, name, method, callable }: CatalogTool): string {
  const tool = method === null ? callable : `tools[${JSON.stringify(server)}][${JSON.stringify(name)}]`;
  return `return await ${tool}(input);`;
}

/** Clients compare a structure with the tool's own schema, unless the answer is an error: a run that waits has none of it. */
function withoutStructure(answer: Answer): Answer {
  const structure = (answer as CallToolResult).structuredContent;
  return isRecord(structure) && structure["status"] === "waiting" ? { ...answer, isError: true } : answer;
}

function listTool(tool: CatalogTool, name: string, trusted: ReadonlySet<string>): Tool {
  const { description, inputSchema, outputSchema, annotations, server, readOnly } = tool;
  const hints = trusted.has(server) ? annotations : readOnly ? { readOnlyHint: true } : undefined;
  return {
    name,
    description,
    inputSchema: objectSchema(inputSchema),
    ...(promisesStructure(tool) ? { outputSchema: outputSchema as NonNullable<Tool["outputSchema"]> } : {}),
    ...(hints === undefined ? {} : { annotations: hints }),
  };
}

/** Clients compile an output schema: one that refers to another document would cost them the whole list. */
function promisesStructure({ outputSchema }: CatalogTool): boolean {
  if (typeof outputSchema !== "object" || !("type" in outputSchema) || outputSchema["type"] !== "object")
    return false;
  return !/"\$ref":"(?!#)/.test(JSON.stringify(outputSchema));
}

interface ToolNames {
  /** By id. */
  readonly nameOf: ReadonlyMap<string, string>;
  /** Also those that a caller may not use, so that they are told of the rule. */
  readonly toolOf: ReadonlyMap<string, CatalogTool>;
}

/** The same for all callers, so that a tool keeps its name when a key may use more. */
function keepNames(unprefixed: boolean): (catalog: Catalog) => ToolNames {
  const kept = new WeakMap<Catalog, ToolNames>();
  return (catalog) => {
    const known = kept.get(catalog);
    if (known !== undefined) return known;
    const named = catalog.tools.map(
      (tool) => [tool, unprefixed && isUnique(tool, catalog) ? tool.name : tool.functionName] as const,
    );
    const names = {
      nameOf: new Map(named.map(([{ id }, name]) => [id, name])),
      toolOf: new Map(named.map(([tool, name]) => [name, tool])),
    };
    kept.set(catalog, names);
    return names;
  };
}

/** What providers of models take as a name. */
const PLAIN_NAME = /^[A-Za-z0-9_-]{1,64}$/;

function isUnique({ name }: CatalogTool, catalog: Catalog): boolean {
  return (
    PLAIN_NAME.test(name) &&
    name !== RESUME_RUN &&
    catalog.byFunctionName(name) === undefined &&
    countsOf(catalog).get(name) === 1
  );
}

const counts = new WeakMap<Catalog, ReadonlyMap<string, number>>();

function countsOf(catalog: Catalog): ReadonlyMap<string, number> {
  const known = counts.get(catalog);
  if (known !== undefined) return known;
  const made = new Map<string, number>();
  for (const { name } of catalog.tools) made.set(name, (made.get(name) ?? 0) + 1);
  counts.set(catalog, made);
  return made;
}
