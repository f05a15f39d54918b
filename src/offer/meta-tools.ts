/**
 * The gateway's own tools that a model sees in code mode, as data: the chat dresses them as functions, the MCP server
 * as tools.
 */
import type { JsonSchema } from "../tools/tool-source.ts";

export interface MetaTool {
  readonly name: string;
  /** The name that people see. */
  readonly title: string;
  readonly description: string;
  readonly parameters: JsonSchema;
}

export const RUN_CODE = "run_code";
export const SEARCH_TOOLS = "search_tools";
export const DESCRIBE_TOOLS = "describe_tools";
export const RESUME_RUN = "resume_run";

export const runCode: MetaTool = {
  name: RUN_CODE,
  title: "Run a program",
  description:
    "Runs a TypeScript program that can call the tools of which the system message tells, and answers with the value it returns.",
  parameters: object(
    {
      code: {
        type: "string",
        description: "The program: the body of an async function. Use `await` and `return` at its top level.",
      },
    },
    "code",
  ),
};

export const searchTools: MetaTool = {
  name: SEARCH_TOOLS,
  title: "Find tools",
  description:
    "Finds tools that programs can call, also those not declared in the system message, by words of their names, descriptions and parameters. Answers with names, descriptions and short signatures, best first.",
  parameters: object(
    {
      query: { type: "string", description: "A few words that say what the tool should do." },
      limit: { type: "integer", minimum: 1, maximum: 50, description: "How many at most. Default 10." },
    },
    "query",
  ),
};

export const describeTools: MetaTool = {
  name: DESCRIBE_TOOLS,
  title: "Declare tools",
  description: "Gives the full TypeScript declarations of tools, to write programs that call them.",
  parameters: object(
    {
      names: {
        type: "array",
        items: { type: "string" },
        description: `As ${SEARCH_TOOLS} names them: "server/tool".`,
      },
    },
    "names",
  ),
};

/** Only for the MCP server: a chat resumes by its conversation, an MCP client names the run. */
export const resumeRun: MetaTool = {
  name: RESUME_RUN,
  title: "Resume a run",
  description:
    "Answers with what became of a run that waited for a person, or whose answer did not arrive. It approves nothing: only a person can do that. While the person has not decided it says what waits.",
  parameters: object({
    run: {
      type: "string",
      description:
        'Its id: "run_…". Left out: the run that waits; the runs are listed if several wait, or the latest if none does.',
    },
  }),
};

function object(
  properties: { readonly [name: string]: JsonSchema },
  ...required: readonly string[]
): JsonSchema {
  return {
    type: "object",
    properties,
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  };
}
