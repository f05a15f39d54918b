/** The functions of the gateway itself that a model sees in code mode, and what it sends them. */
import type { Fields } from "../../upstream/model.ts";

export const RUN_CODE = "run_code";
export const SEARCH_TOOLS = "search_tools";
export const DESCRIBE_TOOLS = "describe_tools";

/** Names that callers may not use for tools of their own, in any mode. */
export const reservedFunctionNames: ReadonlySet<string> = new Set([RUN_CODE, SEARCH_TOOLS, DESCRIBE_TOOLS]);

export const runCodeFunction: Fields = {
  type: "function",
  function: {
    name: RUN_CODE,
    description:
      "Runs a TypeScript program that can call the tools of which the system message tells, and answers with the value it returns.",
    parameters: {
      type: "object",
      properties: {
        code: {
          type: "string",
          description:
            "The program: the body of an async function. Use `await` and `return` at its top level.",
        },
      },
      required: ["code"],
      additionalProperties: false,
    },
  },
};

export const searchToolsFunction: Fields = {
  type: "function",
  function: {
    name: SEARCH_TOOLS,
    description:
      "Finds tools that programs can call, also those not declared in the system message, by words of their names, descriptions and parameters. Answers with names, descriptions and short signatures, best first.",
    parameters: {
      type: "object",
      properties: {
        query: { type: "string", description: "A few words that say what the tool should do." },
        limit: { type: "integer", minimum: 1, maximum: 50, description: "How many at most. Default 10." },
      },
      required: ["query"],
      additionalProperties: false,
    },
  },
};

export const describeToolsFunction: Fields = {
  type: "function",
  function: {
    name: DESCRIBE_TOOLS,
    description: "Gives the full TypeScript declarations of tools, to write programs that call them.",
    parameters: {
      type: "object",
      properties: {
        names: {
          type: "array",
          items: { type: "string" },
          description: `As ${SEARCH_TOOLS} names them: "server/tool".`,
        },
      },
      required: ["names"],
      additionalProperties: false,
    },
  },
};
