/** The helpers of the openai SDK: `.stream()`, which checks every chunk, and `.runTools()`, which plays the tools. */
import OpenAI from "openai";
import { type ChatClient, execute, type OwnTool, type Question, type Told } from "./helpers/client.ts";
import { describeClient } from "./helpers/scenarios.ts";

describeClient({
  "stream()": { create: (baseURL) => createClient(baseURL, askStream), streams: true },
  "runTools(), whole": { create: (baseURL) => createClient(baseURL, runTools), streams: false },
  "runTools(), streamed": { create: (baseURL) => createClient(baseURL, runToolsStreamed), streams: true },
});

function createClient(
  baseURL: string,
  ask: (openai: OpenAI, question: Question) => Promise<Told>,
): ChatClient {
  return {
    ask: (question) =>
      ask(new OpenAI({ baseURL, apiKey: "unused", maxRetries: question.maxRetries ?? 2 }), question),
  };
}

async function askStream(
  openai: OpenAI,
  { model, prompt, tools = [], signal, onText }: Question,
): Promise<Told> {
  const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: "user", content: prompt }];
  let totalTokens = 0;
  for (;;) {
    const offered =
      tools.length === 0 ? {} : { tools: tools.map(({ name, parameters }) => toFunction(name, parameters)) };
    const stream = openai.chat.completions.stream(
      { model, messages, ...offered, stream_options: { include_usage: true } },
      { signal },
    );
    stream.on("content", () => onText?.());
    const { choices, usage } = await stream.finalChatCompletion();
    totalTokens += usage?.total_tokens ?? 0;
    const message = choices[0]?.message;
    if (message === undefined) throw new Error("no choice");
    messages.push(message);
    if (choices[0]?.finish_reason !== "tool_calls") return { text: message.content ?? "", totalTokens };
    for (const call of message.tool_calls ?? []) {
      if (call.type !== "function") throw new Error(`a call of the type ${call.type}`);
      const content = execute(tools, call.function.name, call.function.arguments);
      messages.push({ role: "tool", tool_call_id: call.id, content });
    }
  }
}

const toFunction = (name: string, parameters: OwnTool["parameters"]) => ({
  type: "function" as const,
  function: { name, parameters: { ...parameters } },
});

async function runTools(openai: OpenAI, { model, prompt, tools = [], signal }: Question): Promise<Told> {
  const runner = openai.chat.completions.runTools(
    { model, messages: [{ role: "user", content: prompt }], tools: tools.map(toRunnable) },
    { signal },
  );
  return { text: (await runner.finalContent()) ?? "", totalTokens: (await runner.totalUsage()).total_tokens };
}

async function runToolsStreamed(
  openai: OpenAI,
  { model, prompt, tools = [], signal, onText }: Question,
): Promise<Told> {
  const runner = openai.chat.completions.runTools(
    {
      model,
      messages: [{ role: "user", content: prompt }],
      tools: tools.map(toRunnable),
      stream: true,
      stream_options: { include_usage: true },
    },
    { signal },
  );
  runner.on("content", () => onText?.());
  return { text: (await runner.finalContent()) ?? "", totalTokens: (await runner.totalUsage()).total_tokens };
}

const toRunnable = ({ name, parameters, execute: run }: OwnTool) => ({
  type: "function" as const,
  function: {
    name,
    description: `The client's own ${name}.`,
    parameters: { ...parameters },
    parse: JSON.parse as (text: string) => object,
    function: (args: object) => run(args),
  },
});
