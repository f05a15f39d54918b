/** The AI SDK with both of its providers for OpenAI's chat completions: the compatible one, and OpenAI's own. */
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, isStepCount, jsonSchema, type LanguageModel, streamText, tool } from "ai";
import type { ChatClient, OwnTool, Question, Told } from "./helpers/client.ts";
import { describeClient } from "./helpers/scenarios.ts";

type ModelOf = (baseURL: string, model: string) => LanguageModel;

const compatible: ModelOf = (baseURL, model) =>
  createOpenAICompatible({ name: "toolarium", baseURL, includeUsage: true })(model);
const openai: ModelOf = (baseURL, model) => createOpenAI({ baseURL, apiKey: "unused" }).chat(model);

describeClient({
  "openai-compatible, whole": {
    create: (baseURL) => createClient(baseURL, compatible, generate),
    streams: false,
  },
  "openai-compatible, streamed": {
    create: (baseURL) => createClient(baseURL, compatible, stream),
    streams: true,
  },
  "openai, whole": { create: (baseURL) => createClient(baseURL, openai, generate), streams: false },
  "openai, streamed": { create: (baseURL) => createClient(baseURL, openai, stream), streams: true },
});

function createClient(
  baseURL: string,
  modelOf: ModelOf,
  ask: (model: LanguageModel, question: Question) => Promise<Told>,
): ChatClient {
  return { ask: (question) => ask(modelOf(baseURL, question.model), question) };
}

async function generate(model: LanguageModel, question: Question): Promise<Told> {
  const answer = await generateText({ model, ...optionsOf(question) });
  return { text: answer.text, totalTokens: answer.usage.totalTokens };
}

async function stream(model: LanguageModel, question: Question): Promise<Told> {
  const answer = streamText({ model, ...optionsOf(question), onError: () => {} });
  for await (const part of answer.fullStream) {
    if (part.type === "text-delta") question.onText?.();
    if (part.type === "error") throw part.error;
    if (part.type === "abort") throw new Error("aborted");
  }
  return { text: await answer.text, totalTokens: (await answer.usage).totalTokens };
}

function optionsOf({ prompt, tools = [], maxRetries = 2, signal }: Question) {
  return {
    prompt,
    maxRetries,
    tools: Object.fromEntries(tools.map((own) => [own.name, toTool(own)])),
    stopWhen: isStepCount(5),
    ...(signal === undefined ? {} : { abortSignal: signal }),
  };
}

const toTool = ({ parameters, execute }: OwnTool) =>
  tool({
    inputSchema: jsonSchema<object>({ ...parameters }),
    execute: async (args: object) => execute(args),
  });
