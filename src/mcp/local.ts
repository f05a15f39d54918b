/** Tools defined in code, as a server like any other: plain function calls, no protocol in between. */
import { parseJson, replaceExact, toBigInt, writeJson } from "../json.ts";
import { InvalidArgumentsError } from "../tools/define-tool.ts";
import type { ServerSource } from "../tools/tool-source.ts";
import { boundCall } from "./bounded-call.ts";
import type {
  CallOptions,
  CallOutcome,
  LocalTool,
  ServerConnection,
  ServerSpec,
  ServerState,
} from "./server.ts";

export function createLocalServer(spec: Extract<ServerSpec, { type: "local" }>): ServerConnection {
  const tools = new Map(spec.tools.map((tool) => [tool.name, tool]));
  const source: ServerSource = {
    server: spec.name,
    tools: spec.tools.map(({ execute: _, ...tool }) => tool),
  };
  const closed = new AbortController();

  return {
    settled: Promise.resolve(),
    state: () => describeState(spec, closed.signal.aborted),
    source: () => source,
    known: () => Promise.resolve(),
    call: (name, args, options) => {
      const tool = tools.get(name);
      if (tool === undefined)
        return Promise.resolve({
          ok: false,
          failure: { kind: "unknown_tool", message: `There is no tool "${name}" on "${spec.name}".` },
        });
      return callFunction(tool, args, options, closed.signal);
    },
    [Symbol.asyncDispose]: async () => closed.abort(),
  };
}

function callFunction(
  tool: LocalTool,
  args: unknown,
  options: CallOptions,
  closed: AbortSignal,
): Promise<CallOutcome> {
  const { signal, timeoutMs } = options;
  return boundCall(
    {
      signal,
      timeoutMs,
      closed,
      onTimeout: (message) => ({ kind: "timeout", message }),
    },
    async (aborted) => {
      const value = await tool.execute(replaceExact(args, toBigInt), { signal: aborted });
      return { ok: true, value: toPlainJson(tool.name, value) };
    },
    (error) => ({
      kind: error instanceof InvalidArgumentsError ? "invalid_arguments" : "tool",
      message: messageOf(error),
    }),
  );
}

/** The journal stores what the program saw: neither a class instance nor an object that is still shared with the tool. */
function toPlainJson(tool: string, value: unknown): unknown {
  let text: string | undefined;
  try {
    text = writeJson(value);
  } catch (error) {
    throw new Error(
      `The tool "${tool}" returned a value that cannot be written as JSON: ${messageOf(error)}`,
    );
  }
  return text === undefined ? null : parseJson(text);
}

function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message || error.name;
  return String(error);
}

function describeState(spec: Extract<ServerSpec, { type: "local" }>, closed: boolean): ServerState {
  return {
    name: spec.name,
    type: "local",
    state: closed ? "closed" : "ready",
    protocolVersion: null,
    serverInfo: null,
    tools: spec.tools.length,
    quarantined: [],
    lastError: null,
    stderrTail: null,
    startedInMs: 0,
  };
}
