/** The functions of the gateway itself that a model sees in code mode, and what it sends them. */
import { type Fields, isFields } from "../upstream/model.ts";

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

export type RunCodeArguments =
  | { readonly ok: true; readonly code: string }
  /** `problem` is written for the model. */
  | { readonly ok: false; readonly problem: string };

/** Reads what the model sent to `run_code`. Broken JSON is not repaired: it may be half a program. */
export function readRunCodeArguments(text: string): RunCodeArguments {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, problem: `The arguments of ${RUN_CODE} are not valid JSON. ${EXPECTED}` };
  }
  const code = isFields(value) ? value["code"] : value;
  if (typeof code !== "string") return { ok: false, problem: `${RUN_CODE} got no program. ${EXPECTED}` };
  if (code.trim() === "") return { ok: false, problem: `${RUN_CODE} got an empty program. ${EXPECTED}` };
  return { ok: true, code };
}

const EXPECTED = 'Call it with {"code": "…"}, the program as one JSON string.';
