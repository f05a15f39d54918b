/** The openai SDK without its helpers: whole answers, and raw streams put together as its README does. */
import OpenAI from "openai";
import { type ChatClient, execute, type Question } from "./helpers/client.ts";
import { describeClient } from "./helpers/scenarios.ts";

describeClient({
  "whole answers": { create: (baseURL) => createClient(baseURL, askWhole), streams: false },
  "raw streams": { create: (baseURL) => createClient(baseURL, askStream), streams: true },
});

interface Answer {
  readonly message: OpenAI.ChatCompletionAssistantMessageParam;
  readonly reason: string | null;
  readonly totalTokens: number;
}

type Request = Omit<OpenAI.ChatCompletionCreateParams, "stream">;
type Ask = (openai: OpenAI, request: Request, question: Question) => Promise<Answer>;

function createClient(baseURL: string, askOnce: Ask): ChatClient {
  return {
    async ask(question) {
      const { model, prompt, tools = [], maxRetries = 2 } = question;
      const openai = new OpenAI({ baseURL, apiKey: "unused", maxRetries });
      const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: "user", content: prompt }];
      let totalTokens = 0;
      for (;;) {
        const request = { model, messages, ...(tools.length === 0 ? {} : { tools: tools.map(toFunction) }) };
        const answer = await askOnce(openai, request, question);
        totalTokens += answer.totalTokens;
        messages.push(answer.message);
        if (answer.reason !== "tool_calls")
          return { text: String(answer.message.content ?? ""), totalTokens };
        for (const call of answer.message.tool_calls ?? []) {
          if (call.type !== "function") throw new Error(`a call of the type ${call.type}`);
          const content = execute(tools, call.function.name, call.function.arguments);
          messages.push({ role: "tool", tool_call_id: call.id, content });
        }
      }
    },
  };
}

const toFunction = ({ name, parameters }: { name: string; parameters: object }) => ({
  type: "function" as const,
  function: { name, parameters: { ...parameters } },
});

const askWhole: Ask = async (openai, request, { signal }) => {
  const answer = await openai.chat.completions.create({ ...request, stream: false }, { signal });
  const [choice] = answer.choices;
  if (choice === undefined) throw new Error("no choice");
  return {
    message: choice.message,
    reason: choice.finish_reason,
    totalTokens: answer.usage?.total_tokens ?? 0,
  };
};

const askStream: Ask = async (openai, request, { signal, onText }) => {
  const stream = await openai.chat.completions.create(
    { ...request, stream: true, stream_options: { include_usage: true } },
    { signal },
  );
  let content = "";
  let reason: string | null = null;
  let totalTokens = 0;
  const calls: OpenAI.ChatCompletionMessageFunctionToolCall[] = [];
  for await (const { choices, usage } of stream) {
    totalTokens += usage?.total_tokens ?? 0;
    const [choice] = choices;
    if (choice === undefined) continue;
    content += choice.delta.content ?? "";
    if (choice.delta.content) onText?.();
    for (const { index, id = "", function: called } of choice.delta.tool_calls ?? []) {
      calls[index] ??= { id, type: "function", function: { name: called?.name ?? "", arguments: "" } };
      calls[index].function.arguments += called?.arguments ?? "";
    }
    reason = choice.finish_reason ?? reason;
  }
  // The SDK ends an aborted stream as if it were complete.
  signal?.throwIfAborted();
  const toolCalls = calls.length === 0 ? {} : { tool_calls: calls };
  return { message: { role: "assistant", content, ...toolCalls }, reason, totalTokens };
};
