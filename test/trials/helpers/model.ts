/** A model that does what its user says: one program in code mode, in agent mode three turns of two calls. */
import type { ServerResponse } from "node:http";
import { z } from "zod";
import {
  chunk,
  completion,
  DONE,
  json,
  type ProviderRequest,
  startProvider,
  stream,
  type TestProvider,
} from "../../upstream/helpers/provider.ts";

export interface Task {
  readonly token: string;
  /** Absent in agent mode. */
  readonly program?: string;
}

const AGENT_TURNS = 3;
const requestShape = z.object({
  stream: z.boolean().optional(),
  messages: z.array(z.looseObject({ role: z.string(), content: z.unknown() })),
});

export function startModel(): Promise<TestProvider> {
  return startProvider(answer);
}

function answer(response: ServerResponse, { body }: ProviderRequest): void {
  const { messages, stream: streamed } = requestShape.parse(body);
  const asked = messages.findLast(({ role }) => role === "user");
  const task = JSON.parse(String(asked?.content)) as Task;
  const turn = messages.filter(({ role }) => role === "assistant").length;
  const calls = callsOf(task, turn);
  const message = calls === undefined ? { content: `done ${task.token}` } : { tool_calls: calls };
  const reason = calls === undefined ? "stop" : "tool_calls";
  if (streamed) stream(response, [chunk({ role: "assistant", ...message }), chunk({}, reason), DONE]);
  else json(response, 200, completion(message, reason));
}

function callsOf({ token, program }: Task, turn: number): readonly object[] | undefined {
  if (program !== undefined) return turn > 0 ? undefined : [call(turn, 0, "run_code", { code: program })];
  if (turn >= AGENT_TURNS) return undefined;
  return ["add", "put"].map((tool, index) =>
    call(turn, index, `world__${tool}`, { token: `${token}:${turn}:${tool}` }),
  );
}

function call(turn: number, index: number, name: string, args: object): object {
  const made = { name, arguments: JSON.stringify(args) };
  return { index, id: `up_${turn}_${index}`, type: "function", function: made };
}
