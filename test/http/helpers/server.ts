/** A complete gateway behind real HTTP on loopback, with tools whose calls a test can see and hold. */
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { availableParallelism } from "node:os";
import { defaultCeilings, defaultLimits } from "../../../sandbox/limits.ts";
import { createAccess } from "../../../src/access/access.ts";
import { identifyByKey } from "../../../src/access/identify.ts";
import { createMemoryLimiter } from "../../../src/access/memory-limiter.ts";
import type { Config, KeyConfig } from "../../../src/config/config.ts";
import { createGateway, type Gateway } from "../../../src/gateway.ts";
import { createHttpServer, type HttpServer } from "../../../src/http/server.ts";
import { createLog } from "../../../src/log.ts";
import type { LocalTool, ServerSpec } from "../../../src/mcp/server.ts";

export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly http: HttpServer;
  readonly tools: TestTools;
  /** A second HTTP face of the same gateway, with other settings: it starts faster than a second gateway. */
  alongside(settings: FaceSettings): Promise<TestServer>;
  /** Sends JSON (POST when there is a body), and reads JSON or text. */
  send(path: string, options?: SendOptions): Promise<Answer>;
}

export interface SendOptions {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
}

/** The settings in which a second face can differ. */
export interface FaceSettings {
  readonly keys?: readonly Partial<KeyConfig>[];
  readonly server?: Partial<Config["server"]>;
  /** Parts of the gateway that the face uses instead of the real ones. */
  readonly replace?: { readonly [Part in keyof Gateway]?: unknown };
}

export interface ServerSettings extends Omit<FaceSettings, "replace"> {
  readonly tools?: Partial<Config["tools"]>;
  readonly mcp?: Partial<Config["mcp"]>;
}

export async function startServer(settings: ServerSettings = {}): Promise<TestServer> {
  const tools = createTestTools();
  const gateway = await createGateway({ config: testConfig(settings, tools), log: createLog("silent") });
  await gateway.hub.settled;
  const face = await startFace(gateway, tools, settings);
  return {
    ...face,
    async [Symbol.asyncDispose]() {
      tools.release();
      await face.http.close(0);
      await gateway[Symbol.asyncDispose]();
    },
  };
}

async function startFace(
  gateway: Gateway,
  tools: TestTools,
  { keys = [], server = {}, replace = {} }: FaceSettings,
): Promise<TestServer> {
  const config = { ...gateway.config, keys: keys.map(testKey), server: { ...testServer, ...server } };
  const access = createAccess(identifyByKey(config), createMemoryLimiter());
  const http = await createHttpServer({ ...gateway, config, access, ...replace } as Gateway);
  const { url } = await http.listen();
  return {
    url,
    port: Number(new URL(url).port),
    http,
    tools,
    alongside: (settings) => startFace(gateway, tools, settings),
    send: (path, options) => send(`${url}${path}`, options),
    async [Symbol.asyncDispose]() {
      tools.release();
      await http.close(0);
    },
  };
}

/** Records calls, and holds those of one tool until the test releases them. */
export interface TestTools {
  readonly specs: readonly ServerSpec[];
  readonly calls: { readonly tool: string; readonly args: unknown }[];
  /** How many calls of `slow/hold` were aborted by their signal. */
  aborted(): number;
  /** Releases every held call. */
  release(): void;
}

function createTestTools(): TestTools {
  const calls: { tool: string; args: unknown }[] = [];
  const held = new Set<() => void>();
  let aborted = 0;
  const record =
    (tool: string, answer: (args: unknown) => unknown): LocalTool["execute"] =>
    (args) => {
      calls.push({ tool, args });
      return answer(args);
    };
  const files: LocalTool[] = [
    tool(
      "read",
      { path: { type: "string" } },
      record("files/read", () => "the text"),
    ),
    tool(
      "list",
      {},
      record("files/list", () => ["a.txt", "b.txt"]),
    ),
    {
      ...tool(
        "write",
        { path: { type: "string" } },
        record("files/write", () => ({ written: true })),
      ),
      needsApproval: true,
    },
    tool(
      "fail",
      {},
      record("files/fail", () => {
        throw new Error("the disk is full");
      }),
    ),
    tool(
      "odd/name with blank",
      {},
      record("files/odd/name with blank", () => 7),
    ),
  ];
  const slow: LocalTool[] = [
    {
      ...tool("hold", {}, () => undefined),
      execute: (args, { signal }) =>
        new Promise((resolve, reject) => {
          calls.push({ tool: "slow/hold", args });
          held.add(() => resolve("released"));
          signal.addEventListener("abort", () => {
            aborted += 1;
            reject(new Error("aborted"));
          });
        }),
    },
  ];
  return {
    calls,
    specs: [localServer("files", files), localServer("slow", slow)],
    aborted: () => aborted,
    release() {
      for (const answer of held) answer();
      held.clear();
    },
  };
}

function tool(name: string, properties: object, execute: LocalTool["execute"]): LocalTool {
  return {
    name,
    description: `Does ${name}.`,
    inputSchema: {
      type: "object",
      properties,
      required: Object.keys(properties),
      additionalProperties: false,
    },
    annotations: {},
    execute,
  };
}

function localServer(name: string, tools: readonly LocalTool[]): ServerSpec {
  const common = { disabled: false, startTimeoutMs: 5_000, trustAnnotations: false, protocol: "auto" };
  return { name, type: "local", tools, ...common };
}

function testConfig(settings: ServerSettings, tools: TestTools): Config {
  return {
    servers: tools.specs,
    mcp: { readyWaitMs: 5_000, maxMessageBytes: 67_108_864, unprefixed: false, ...settings.mcp },
    tools: {
      allow: ["*"],
      autoExecute: ["*"],
      readOnly: [],
      idempotent: [],
      timeoutMs: 10_000,
      maxTimeoutMs: 300_000,
      outputSchemas: {},
      ...settings.tools,
    },
    providers: [],
    models: [],
    limits: defaultLimits,
    limitCeilings: defaultCeilings,
    sandbox: {
      workers: Math.min(2, availableParallelism()),
      runsPerWorker: 8,
      queue: 64,
      isolation: "principal",
      wrapper: [],
    },
    agent: { maxTurns: 10, resultTokens: 4_000 },
    declarations: { tokenBudget: 4_000, learn: true },
    approvals: { expiresMs: 60_000 },
    keys: (settings.keys ?? []).map(testKey),
    store: { path: ":memory:", retentionDays: 30, fsync: false },
    server: testServer,
  };
}

const testServer: Config["server"] = {
  host: "127.0.0.1",
  port: 0,
  allowedHosts: [],
  allowedOrigins: [],
  admin: false,
  modelSuffixes: true,
  bodyLimitBytes: 1_048_576,
  chatBodyLimitBytes: 2_097_152,
  memoryBudgetMb: 512,
  reattachMs: 1_000,
};

function testKey(key: Partial<KeyConfig>): KeyConfig {
  const name = key.name ?? "key";
  return { name, key: "secret", principal: name, may: ["run", "decide"], tools: {}, ...key };
}

async function send(url: string, { method, body, headers = {}, signal }: SendOptions = {}): Promise<Answer> {
  const response = await fetch(url, {
    method: method ?? (body === undefined ? "GET" : "POST"),
    headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json") ?? false;
  const { status, headers: answered } = response;
  return { status, headers: answered, body: isJson && text !== "" ? JSON.parse(text) : text };
}

export interface RawRequest {
  readonly port: number;
  readonly path: string;
  readonly method?: string;
  /** Sent unchanged, `host` included, which `fetch` does not allow. */
  readonly headers: Record<string, string>;
  readonly body?: string;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A request with headers that `fetch` refuses to send. */
export function sendRaw({ port, path, method = "GET", headers, body }: RawRequest): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { host: "127.0.0.1", port, path, method, headers, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
        );
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

/** Writes bytes to the port and reads until the gateway ends the connection. */
export function sendBytes(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    socket.setEncoding("utf8");
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("close", () => resolve(text));
    socket.on("error", reject);
  });
}
