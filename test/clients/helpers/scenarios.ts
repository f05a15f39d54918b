/**
 * What every client must be able to do with the gateway, in every mode. A file of this folder brings a client in each
 * of its forms, and these scenarios are played with it.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startChat, type TestChat } from "../../chat/helpers/chat.ts";
import { until } from "../../helpers/until.ts";
import type { TestProvider } from "../../upstream/helpers/provider.ts";
import type { ChatClient, CreateClient, OwnTool } from "./client.ts";
import { brokenStreams, faultStreams } from "./fault-streams.ts";
import { chaos, startFaultyModel, startScriptedModel } from "./models.ts";

export interface ClientForm {
  readonly create: CreateClient;
  /** Whether it streams. */
  readonly streams: boolean;
  /** Whether it tells the usage. Default true. */
  readonly tellsUsage?: boolean;
}

/** Plays all scenarios with each form of a client. */
export function describeClient(forms: { readonly [name: string]: ClientForm }): void {
  let stage: ClientStage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage[Symbol.asyncDispose]());
  beforeEach(() => stage.chat.shop.forget());
  for (const [name, form] of Object.entries(forms)) describe(name, () => playScenarios(() => stage, form));
}

interface ClientStage extends AsyncDisposable {
  readonly chat: TestChat;
  readonly faulty: TestProvider;
}

async function openStage(): Promise<ClientStage> {
  const scripted = await startScriptedModel();
  const faulty = await startFaultyModel();
  const chat = await startChat({ provider: scripted.baseUrl, faultyProvider: faulty.baseUrl });
  return {
    chat,
    faulty,
    async [Symbol.asyncDispose]() {
      await chat[Symbol.asyncDispose]();
      await scripted[Symbol.asyncDispose]();
      await faulty[Symbol.asyncDispose]();
    },
  };
}

function playScenarios(stage: () => ClientStage, { create, streams, tellsUsage = true }: ClientForm): void {
  let client: ChatClient;
  beforeAll(() => {
    client = create(`${stage().chat.url}/v1`);
  });
  const shop = () => stage().chat.shop;
  // A whole answer cannot be cut where the scripted model would.
  const faults = Object.keys(chaos).filter((word) => streams || word !== "cut");
  const totalTokens = (count: number) => (tellsUsage ? { totalTokens: count } : {});

  test("plain: hears the model", async () => {
    expect(await client.ask({ model: "test/m", prompt: "greet" })).toMatchObject({
      text: "Good morning to you.",
      ...totalTokens(7),
    });
  });

  test.each([
    ["agent", "look", "items"],
    ["code", "count", "items"],
    ["auto", "look", "items"],
    ["auto", "count", "items"],
  ])("%s: the gateway uses its tools, and the client hears one answer", async (mode, word, tool) => {
    const told = await client.ask({ model: `test/m:${mode}`, prompt: word });
    expect(told).toMatchObject({ text: `${word}: done.`, ...totalTokens(14) });
    expect(shop().calls).toEqual([[tool, {}]]);
  });

  test.each(["plain", "agent", "code"])("%s: plays its own tools in its own way", async (mode) => {
    const seen: unknown[] = [];
    const told = await client.ask({
      model: `test/m:${mode}`,
      prompt: "weather",
      tools: [weatherTool((args) => seen.push(args))],
    });
    expect(told.text).toBe("weather: done.");
    expect(seen).toEqual([{ city: "Bern" }]);
  });

  test.each([
    ["agent", "buy"],
    ["code", "program"],
  ])("%s: approves a call through a tool of that name", async (mode, word) => {
    const order = orderTool({ toolarium_decision: "approve" });
    const told = await client.ask({ model: `test/m:${mode}`, prompt: word, tools: [order] });
    expect(told.text).toBe(`${word}: done.`);
    expect(shop().calls).toEqual([["order", { item: "pear" }]]);
  });

  test.each([
    ["agent", "buy"],
    ["code", "program"],
  ])("%s: denies one", async (mode, word) => {
    const order = orderTool({ toolarium_decision: "deny", reason: "too dear" });
    const told = await client.ask({ model: `test/m:${mode}`, prompt: word, tools: [order] });
    expect(told.text).toBe(`${word}: done.`);
    expect(shop().calls).toEqual([]);
  });

  test("error: tells the user what the gateway says", async () => {
    const asking = client.ask({ model: "test:agent", prompt: "greet", maxRetries: 0 });
    expect(await failureOf(asking)).toContain("There is no model");
  });

  test.each(["plain", "agent", "code"])("error, %s: tells of a model that answers an error", async (mode) => {
    const asking = client.ask({ model: `test/m:${mode}`, prompt: "first-500", maxRetries: 0 });
    expect(await failureOf(asking)).toContain('The model provider "test": Chaos: request dropped');
  });

  test.each(faults)("error: a first turn that fails (%s) is an error", async (word) => {
    const asking = client.ask({ model: "test/m:agent", prompt: `first-${word}`, maxRetries: 0 });
    expect(await failureOf(asking)).toContain('The model provider "test"');
  });

  test.each(faults)(
    "error: a turn that fails (%s) after a tool was called ends the answer in words, and the client sends nothing twice",
    async (word) => {
      const told = await client.ask({ model: "test/m:agent", prompt: `later-${word}` });
      expect(told.text).toContain("The answer ends here");
      expect(shop().calls).toEqual([["visit", {}]]);
    },
  );

  test("abort: a client that gives up ends the call that it waits for", async () => {
    const leaving = new AbortController();
    const asking = failureOf(
      client.ask({ model: "test/m:agent", prompt: "wait", signal: leaving.signal, maxRetries: 0 }),
    );
    await until("the call is held", () => shop().calls.length === 1);
    leaving.abort();
    expect(await asking).not.toBe("");
    await until("the call is aborted", () => shop().aborted() === 1);
  });

  test("abort: it ends the model's answer, too", async () => {
    const leaving = new AbortController();
    const before = stage().faulty.requests.length;
    const asking = failureOf(
      client.ask({
        model: "faulty/m:agent",
        prompt: "endless",
        signal: leaving.signal,
        maxRetries: 0,
        onText: () => leaving.abort(),
      }),
    );
    const request = () => stage().faulty.requests[before];
    await until("the model was asked", () => request() !== undefined);
    if (!streams) leaving.abort();
    await asking;
    await until("the request was given up", () => request()?.abandoned === true);
  });

  if (streams) playFaults(() => client);
}

/** The gateway reads what providers do wrong, and the client sees none of it. */
function playFaults(client: () => ChatClient): void {
  test.each(Object.keys(faultStreams))("a model that sends %s is understood", async (prompt) => {
    for (const mode of ["plain", "agent"]) {
      const seen: unknown[] = [];
      const tools = [weatherTool((args) => seen.push(args))];
      const told = await client().ask({ model: `faulty/m:${mode}`, prompt, tools });
      expect(told.text).toBe("Hello there.");
      const count = prompt.endsWith("calls") ? 2 : prompt.endsWith("text") ? 0 : 1;
      expect(seen).toEqual(Array(count).fill({ city: "Bern" }));
    }
  });

  test.each(Object.keys(brokenStreams))("a model that sends %s is an error", async (prompt) => {
    for (const mode of ["plain", "agent"]) {
      const asking = client().ask({ model: `faulty/m:${mode}`, prompt, maxRetries: 0 });
      expect(await failureOf(asking)).toContain('The model provider "faulty"');
    }
  });
}

function weatherTool(onCall: (args: unknown) => void): OwnTool {
  return {
    name: "weather",
    parameters: {
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
      additionalProperties: false,
    },
    execute(args) {
      onCall(args);
      return "sunny";
    },
  };
}

/** A stand-in for a tool of the gateway, by which a client's own loop answers for the person. */
function orderTool(decision: object): OwnTool {
  return {
    name: "shop__order",
    parameters: {
      type: "object",
      properties: { item: { type: "string" } },
      required: ["item"],
      additionalProperties: false,
    },
    execute: () => JSON.stringify(decision),
  };
}

/** What a user is shown of a failure, causes and bodies included. Fails when there is none. */
async function failureOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return `${error} ${JSON.stringify(error)}`;
  }
  throw new Error("it did not fail");
}
