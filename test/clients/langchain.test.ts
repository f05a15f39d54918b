/** LangChain's `ChatOpenAI`, whose users write the tool loop. */
import { type AIMessageChunk, type BaseMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import { isFields } from "../../src/upstream/model.ts";
import { type ChatClient, execute, type Question } from "./helpers/client.ts";
import { describeClient } from "./helpers/scenarios.ts";

describeClient({
  "invoke()": { create: (baseURL) => createClient(baseURL, invoke), streams: false },
  "stream()": { create: (baseURL) => createClient(baseURL, stream), streams: true },
});

type Runnable = Pick<ReturnType<ChatOpenAI["bindTools"]>, "invoke" | "stream">;
type Ask = (model: Runnable, messages: BaseMessage[], question: Question) => Promise<AIMessageChunk>;

function createClient(baseURL: string, askOnce: Ask): ChatClient {
  return {
    async ask(question) {
      const { model, prompt, tools = [], maxRetries = 2 } = question;
      const chat = new ChatOpenAI({ model, apiKey: "unused", maxRetries, configuration: { baseURL } });
      const bound = chat.bindTools(
        tools.map(({ name, parameters }) => ({ type: "function", function: { name, parameters } })),
      );
      const messages: BaseMessage[] = [new HumanMessage(prompt)];
      let totalTokens = 0;
      for (;;) {
        const answer = await askOnce(tools.length === 0 ? chat : bound, messages, question);
        totalTokens += tokensOf(answer);
        messages.push(answer);
        if (answer.tool_calls === undefined || answer.tool_calls.length === 0)
          return { text: answer.text, totalTokens };
        for (const { id = "", name, args } of answer.tool_calls)
          messages.push(
            new ToolMessage({ tool_call_id: id, content: execute(tools, name, JSON.stringify(args)) }),
          );
      }
    },
  };
}

function tokensOf({ usage_metadata: usage }: { readonly usage_metadata?: unknown }): number {
  return isFields(usage) ? Number(usage["total_tokens"]) : 0;
}

const invoke: Ask = (model, messages, { signal }) =>
  model.invoke(messages, signal === undefined ? {} : { signal });

const stream: Ask = async (model, messages, { signal, onText }) => {
  let answer: AIMessageChunk | undefined;
  for await (const chunk of await model.stream(messages, signal === undefined ? {} : { signal })) {
    answer = answer === undefined ? chunk : answer.concat(chunk);
    if (chunk.text !== "") onText?.();
  }
  // An aborted stream ends as if it were complete.
  signal?.throwIfAborted();
  if (answer === undefined) throw new Error("a stream without a chunk");
  return answer;
};
