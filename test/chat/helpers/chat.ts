/** A complete gateway on loopback over scripted providers, and common clients of it. */
import { createOpenAICompatible, type OpenAICompatibleProvider } from "@ai-sdk/openai-compatible";
import OpenAI from "openai";
import { defaultCeilings, defaultLimits } from "../../../sandbox/limits.ts";
import type { Config, KeyConfig } from "../../../src/config/config.ts";
import { createGateway, type Gateway } from "../../../src/gateway.ts";
import { createHttpServer } from "../../../src/http/server.ts";
import { createLog } from "../../../src/log.ts";
import type { LocalTool } from "../../../src/mcp/server.ts";
import { defaultTimeouts } from "../../../src/upstream/provider/watchdog.ts";

export interface ChatSetup {
  /** Base URL of the provider `test`, which lists the model `m`. */
  readonly provider?: string;
  /** Providers and chains instead of `test`. */
  readonly upstream?: Pick<Config, "providers" | "models">;
  /** Base URL of a second provider, `faulty`, with the same model. */
  readonly faultyProvider?: string;
  readonly keys?: readonly Partial<KeyConfig>[];
  readonly tools?: Partial<Config["tools"]>;
  readonly maxTurns?: number;
  /** Tools of a second server, `depot`. */
  readonly depot?: readonly LocalTool[];
  readonly resultTokens?: number;
  readonly tokenBudget?: number;
  /** A file that outlives the gateway. Default: in memory. */
  readonly store?: string;
  readonly approvalExpiresMs?: number;
  /** Milliseconds for which an answer with an `Idempotency-Key` continues after its client has left. */
  readonly reattachMs?: number;
}

export interface TestChat extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly url: string;
  readonly shop: TestShop;
  /** A client without retries, so that a test sees each response. */
  readonly openai: OpenAI;
  readonly aiSdk: OpenAICompatibleProvider;
  /** Sends a body to the chat route. */
  post(body: unknown, options?: PostOptions): Promise<Response>;
  /** The same, with the answer read as JSON. */
  ask(body: unknown, options?: PostOptions): Promise<JsonAnswer>;
  /** Sends to any other route: POST when there is a body. */
  send(path: string, body?: unknown, headers?: Record<string, string>): Promise<JsonAnswer>;
  /** Ends the gateway as a deployment does: unfinished runs are left to the next one. */
  stop(): Promise<void>;
}

interface PostOptions {
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

interface JsonAnswer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
}

/** Tools of the server `shop`: those that read run at once, `order` needs approval. */
interface TestShop {
  /** Tool and arguments of every call that reached a tool. */
  readonly calls: readonly (readonly [tool: string, args: unknown])[];
  /** Calls of `hold` that were aborted. */
  aborted(): number;
  /** Clears these records. */
  forget(): void;
  /** Lets the waiting calls of `slow` return. */
  open(): void;
}

export async function startChat(setup: ChatSetup = {}): Promise<TestChat> {
  const shop = createShop();
  const gateway = await createGateway({ config: chatConfig(setup, shop.tools), log: createLog("silent") });
  await gateway.hub.settled;
  const http = await createHttpServer(gateway);
  const { url } = await http.listen();
  const baseURL = `${url}/v1`;
  const post: TestChat["post"] = (body, { headers = {}, signal } = {}) =>
    fetch(`${baseURL}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
  return {
    gateway,
    url,
    shop,
    openai: new OpenAI({ baseURL, apiKey: "unused", maxRetries: 0 }),
    aiSdk: createOpenAICompatible({ name: "toolarium", baseURL, includeUsage: true }),
    post,
    async ask(body, options) {
      const response = await post(body, options);
      return { status: response.status, headers: response.headers, body: await response.json() };
    },
    async send(path, body, headers = {}) {
      const init = { method: "POST", body: JSON.stringify(body) };
      const type = { "content-type": "application/json" };
      const response = await fetch(
        `${url}${path}`,
        body === undefined ? { headers } : { ...init, headers: { ...type, ...headers } },
      );
      return { status: response.status, headers: response.headers, body: await response.json() };
    },
    async stop() {
      await http.close(0);
      await gateway.drain(0);
    },
    async [Symbol.asyncDispose]() {
      await http.close(0);
      await gateway[Symbol.asyncDispose]();
    },
  };
}

const stock: { readonly [item: string]: number } = { apple: 3, pear: 5 };

function createShop(): TestShop & { readonly tools: readonly LocalTool[] } {
  const calls: [string, unknown][] = [];
  let aborted = 0;
  let gate = Promise.withResolvers<void>();
  const define = (
    name: string,
    properties: object,
    execute: (args: { readonly [name: string]: unknown }, signal: AbortSignal) => unknown,
  ): LocalTool => ({
    name,
    description: `Shop: ${name}.`,
    inputSchema: {
      type: "object",
      properties,
      required: Object.keys(properties),
      additionalProperties: false,
    },
    annotations: {},
    readOnly: name !== "order" && name !== "visit" && name !== "slow",
    execute: (args, { signal }) => {
      calls.push([name, args]);
      return execute(args as { readonly [name: string]: unknown }, signal);
    },
  });
  return {
    calls,
    aborted: () => aborted,
    forget() {
      calls.length = 0;
      aborted = 0;
      gate = Promise.withResolvers();
    },
    open: () => gate.resolve(),
    tools: [
      define("stock", { item: { type: "string" } }, ({ item }) => ({
        item,
        count: stock[String(item)] ?? 0,
      })),
      define("items", {}, () => Object.keys(stock)),
      define("fail", {}, () => {
        throw new Error("the till is closed");
      }),
      define(
        "hold",
        {},
        (_, signal) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener("abort", () => {
              aborted += 1;
              reject(new Error("aborted"));
            });
          }),
      ),
      define("order", { item: { type: "string" } }, ({ item }) => ({ ordered: item })),
      define("visit", {}, () => "noted"),
      // Has effects, needs no approval, and returns when the test releases it.
      define("slow", {}, () => gate.promise.then(() => "done slowly")),
      {
        ...define("weigh", { item: { type: "string" } }, () => ({ grams: 1 })),
        outputSchema: { type: "object", properties: { grams: { type: "number" } }, required: ["grams"] },
      },
      define("secret", {}, () => "never"),
    ],
  };
}

function chatConfig(setup: ChatSetup, tools: readonly LocalTool[]): Config {
  const common = { disabled: false, startTimeoutMs: 5_000, trustAnnotations: false, protocol: "auto" };
  return {
    servers: [
      { name: "shop", type: "local", tools, ...common },
      ...(setup.depot === undefined
        ? []
        : [{ name: "depot", type: "local" as const, tools: setup.depot, ...common }]),
    ],
    mcp: { readyWaitMs: 5_000, maxMessageBytes: 67_108_864, unprefixed: false },
    tools: {
      allow: ["stock", "items", "fail", "hold", "visit", "slow", "order", "weigh"].map(
        (name) => `shop/${name}`,
      ),
      autoExecute: ["stock", "items", "fail", "hold", "visit", "slow"].map((name) => `shop/${name}`),
      readOnly: [],
      idempotent: [],
      timeoutMs: 10_000,
      maxTimeoutMs: 300_000,
      outputSchemas: {},
      ...setup.tools,
    },
    providers: setup.upstream?.providers ?? providersOf(setup),
    models: setup.upstream?.models ?? [],
    limits: defaultLimits,
    limitCeilings: defaultCeilings,
    sandbox: { workers: 1, runsPerWorker: 8, queue: 64, isolation: "principal", wrapper: [] },
    agent: { maxTurns: setup.maxTurns ?? 10, resultTokens: setup.resultTokens ?? 4_000 },
    declarations: { tokenBudget: setup.tokenBudget ?? 4_000, learn: true },
    approvals: { expiresMs: setup.approvalExpiresMs ?? 60_000 },
    keys: (setup.keys ?? []).map((key) => ({
      name: "key",
      key: "secret",
      principal: "somebody",
      may: ["run", "decide"],
      tools: {},
      ...key,
    })),
    store: { path: setup.store ?? ":memory:", retentionDays: 30, fsync: false },
    server: {
      host: "127.0.0.1",
      port: 0,
      allowedHosts: [],
      allowedOrigins: [],
      admin: false,
      modelSuffixes: true,
      bodyLimitBytes: 100_000,
      chatBodyLimitBytes: 1_000_000,
      memoryBudgetMb: 512,
      reattachMs: setup.reattachMs ?? 1_000,
    },
  };
}

function providersOf({ provider, faultyProvider }: ChatSetup): Config["providers"] {
  return [...providerAt("test", provider), ...providerAt("faulty", faultyProvider)];
}

function providerAt(name: string, baseUrl: string | undefined): Config["providers"] {
  if (baseUrl === undefined) return [];
  return [
    {
      name,
      type: "openai",
      baseUrl,
      apiKeys: [{ key: "sk-upstream-secret", weight: 1 }],
      models: ["m"],
      // Most tests are about the first response of a provider.
      retries: 0,
      timeouts: defaultTimeouts,
      region: null,
      signing: null,
    },
  ];
}
