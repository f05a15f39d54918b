/** The code face: a model writes programs over all the tools that its key may use. */
import type { CallToolResult, Tool } from "@modelcontextprotocol/server";
import { renderDeclarations } from "../code/declare/declarations.ts";
import { codePrompt } from "../offer/code-prompt.ts";
import { discover } from "../offer/discovery.ts";
import {
  DESCRIBE_TOOLS,
  describeTools,
  RESUME_RUN,
  RUN_CODE,
  resumeRun as resumeRunTool,
  runCode,
  SEARCH_TOOLS,
  searchTools,
} from "../offer/meta-tools.ts";
import { readRunCodeArguments } from "../offer/run-code-arguments.ts";
import { programDeclarations } from "../runs/program/program-globals.ts";
import { visible } from "../tools/policy.ts";
import type { Exchange } from "./exchange.ts";
import { type Face, keepByView } from "./face.ts";
import { toTool } from "./meta-tool.ts";
import { type Answer, type Finish, runProgram } from "./programs.ts";
import { errorAnswer, refusalAnswer } from "./refusal-answer.ts";
import { resume } from "./resume.ts";
import { endAnswer, runOutputSchema } from "./run-answer.ts";
import type { McpServerDeps, Visit } from "./visit.ts";

/** Where a client finds the declarations of all tools. */
export const DECLARATIONS_URI = "toolarium://declarations";

const INTRODUCTION =
  "Runs a TypeScript program and answers with the value that it returns. The tools declared below exist only inside such programs: to use one, write a program that calls it. A call may have to wait for a person: then the answer says so, and how to go on.";

const INSTRUCTIONS = `Toolarium runs TypeScript programs over the tools of many MCP servers. Use \`${RUN_CODE}\` for every step that needs one of them: one program loops, joins, filters and counts instead of many calls, and only what it returns costs tokens. Its description declares the tools, or as many as there is room for; \`${SEARCH_TOOLS}\` and \`${DESCRIBE_TOOLS}\` find the others, and the resource ${DECLARATIONS_URI} has them all. A program is checked before it runs: on a type error correct the line that is named and send it again. If the answer says that a person has to decide, tell them, and call \`${RESUME_RUN}\` afterwards; never run the program again for that.`;

export function createCodeFace(deps: McpServerDeps): Face {
  const toolsOf = keepByView((catalog, { policy }): readonly Tool[] => {
    const shown = programDeclarations(catalog, policy).shown(deps.config.declarations.tokenBudget);
    return [
      toTool(runCode, codePrompt(shown, INTRODUCTION), runOutputSchema),
      toTool(
        searchTools,
        searchTools.description.replace(", also those not declared in the system message,", ""),
      ),
      toTool(describeTools),
      toTool(resumeRunTool, resumeRunTool.description, runOutputSchema),
    ];
  });
  const finish: Finish = (report, code) => endAnswer(report, code, deps.config.agent.resultTokens);
  const catalogFor = ({ caller }: Visit) => deps.catalog(caller.principal);

  return {
    name: "code",
    instructions: INSTRUCTIONS,
    tools: (visit) => toolsOf(catalogFor(visit), visit),
    declarations: (visit) => renderDeclarations(visible(catalogFor(visit), visit.policy)),
    call(name, args, exchange) {
      switch (name) {
        case RUN_CODE:
          return run(args, exchange, deps, finish).catch((error: unknown) => refusalAnswer(error, deps.log));
        case RESUME_RUN:
          return resume(args, exchange, deps, finish).catch((error: unknown) =>
            refusalAnswer(error, deps.log),
          );
        case SEARCH_TOOLS:
        case DESCRIBE_TOOLS:
          return look(name, args, exchange, deps);
        default:
          return undefined;
      }
    },
  };
}

async function run(
  args: { readonly [name: string]: unknown },
  exchange: Exchange,
  deps: McpServerDeps,
  finish: Finish,
): Promise<Answer> {
  const program = readRunCodeArguments(JSON.stringify(args));
  if (!program.ok) return errorAnswer({ message: program.problem });
  const { code, repair } = program;
  const notes = repair === undefined ? {} : { notes: [repair] };
  return await runProgram({ code, typecheck: "error", ...notes }, exchange, deps, finish);
}

async function look(
  name: string,
  args: { readonly [name: string]: unknown },
  { visit }: Exchange,
  deps: McpServerDeps,
): Promise<CallToolResult> {
  const { policy, caller } = visit;
  const view = {
    catalog: deps.catalog(caller.principal),
    policy,
    resultTokens: deps.config.agent.resultTokens,
  };
  const text = discover(name, JSON.stringify(args), view) ?? "";
  return { content: [{ type: "text", text }], ...(text.startsWith('{"error":') ? { isError: true } : {}) };
}
