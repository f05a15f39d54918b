/**
 * `@utcp/code-mode` in its caller's process, with tools by `@utcp/direct-call` as its README shows. One client for all
 * runs; it builds its isolate inside every run. It blocks a thread per call, so parallel tools go one after the other.
 */
import { loadPeer } from "../peers.ts";
import { type Contender, hostTools, programOf } from "./contender.ts";

interface CodeModeModule {
  readonly CodeModeUtcpClient: { create(): Promise<CodeModeClient> };
}
interface CodeModeClient {
  registerManual(template: object): Promise<{ readonly success: boolean }>;
  callToolChain(code: string): Promise<{ readonly result: unknown; readonly logs: readonly string[] }>;
}
interface DirectCallModule {
  addFunctionToUtcpDirectCall(name: string, act: (...args: unknown[]) => Promise<unknown>): void;
}

export async function createContender(): Promise<Contender> {
  // It tells every call on the console; nobody would leave that on.
  console.log = () => undefined;
  const { CodeModeUtcpClient } = loadPeer("@utcp/code-mode") as CodeModeModule;
  const direct = loadPeer("@utcp/direct-call") as DirectCallModule;
  direct.addFunctionToUtcpDirectCall("manual", async () => ({
    utcp_version: "1.0.0",
    manual_version: "1.0.0",
    tools: [describeTool("echo", { value: { type: "number" } }), describeTool("slow", {})],
  }));
  direct.addFunctionToUtcpDirectCall("echo", async (value) => hostTools.echo(value));
  direct.addFunctionToUtcpDirectCall("slow", () => hostTools.slow());
  const client = await CodeModeUtcpClient.create();
  await client.registerManual({ name: "bench", call_template_type: "direct-call", callable_name: "manual" });
  return {
    async run(task) {
      const { result, logs } = await client.callToolChain(programOf(task, "bench."));
      if (logs.length > 0) throw new Error(logs.join("; "));
      return result;
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function describeTool(name: string, properties: object): object {
  return {
    name,
    description: name,
    inputs: { type: "object", properties },
    outputs: { type: "number" },
    tags: [],
    tool_call_template: { name: "bench", call_template_type: "direct-call", callable_name: name },
  };
}
