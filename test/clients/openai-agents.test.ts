/** The OpenAI Agents SDK over chat completions: it plays the tools itself, and names every call. */
import { Agent, OpenAIChatCompletionsModel, Runner, tool } from "@openai/agents";
import OpenAI from "openai";
import type { ChatClient, OwnTool, Question, Told } from "./helpers/client.ts";
import { describeClient } from "./helpers/scenarios.ts";

describeClient({
  "run(), whole": { create: (baseURL) => createClient(baseURL, runWhole), streams: false },
  "run(), streamed": { create: (baseURL) => createClient(baseURL, runStreamed), streams: true },
});

const runner = new Runner({ tracingDisabled: true });

function createClient(baseURL: string, ask: (agent: Agent, question: Question) => Promise<Told>): ChatClient {
  return {
    ask(question) {
      const { model, tools = [], maxRetries = 2 } = question;
      const openai = new OpenAI({ baseURL, apiKey: "unused", maxRetries });
      const agent = new Agent({
        name: "agent",
        model: new OpenAIChatCompletionsModel(openai, model),
        tools: tools.map(toTool),
      });
      return ask(agent, question);
    },
  };
}

async function runWhole(agent: Agent, { prompt, signal }: Question): Promise<Told> {
  const result = await runner.run(agent, prompt, { ...(signal === undefined ? {} : { signal }) });
  return { text: result.finalOutput ?? "", totalTokens: result.state.usage.totalTokens };
}

async function runStreamed(agent: Agent, { prompt, signal, onText }: Question): Promise<Told> {
  const result = await runner.run(agent, prompt, {
    stream: true,
    ...(signal === undefined ? {} : { signal }),
  });
  for await (const _ of result.toTextStream()) onText?.();
  await result.completed;
  signal?.throwIfAborted();
  return { text: result.finalOutput ?? "", totalTokens: result.state.usage.totalTokens };
}

const toTool = ({ name, parameters, execute }: OwnTool) =>
  tool({
    name,
    description: `The client's own ${name}.`,
    parameters: { ...parameters, properties: {}, required: [], additionalProperties: true },
    strict: false,
    execute: (args) => execute(args),
  });
