/** The official clients of both revisions, as other programs use them. */
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernHttp,
} from "@modelcontextprotocol/client";
import { StdioClientTransport as ModernStdio } from "@modelcontextprotocol/client/stdio";
import { Client as LegacyClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as LegacyStdio } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport as LegacyHttp } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";

/** What a person does with a form: the same for every client. */
export interface Form {
  readonly message: string;
  readonly requestedSchema: {
    readonly properties: { readonly [name: string]: { readonly default?: unknown; readonly title?: string } };
  };
}

export interface Said {
  readonly action: "accept" | "decline" | "cancel";
  readonly content?: Record<string, string | number | boolean | string[]>;
}

export interface ClientSettings {
  readonly path?: string;
  readonly key?: string;
  readonly headers?: Record<string, string>;
  /** Absent: the client says that it cannot ask anybody. */
  readonly onForm?: (form: Form) => Said | Promise<Said>;
  readonly onToolsChanged?: () => void;
}

/** What the tests look into, of a tool's answer by either face. */
export interface Answer {
  readonly isError?: boolean;
  readonly content: Some<{ readonly type: string; readonly text: string }>;
  readonly structuredContent: {
    readonly status: string;
    readonly run: string;
    readonly result: unknown;
    readonly error: unknown;
    readonly logs: unknown;
    readonly pending: Some<{ readonly call: string; readonly tool: string }>;
  };
}

export interface ListedTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: { readonly [keyword: string]: unknown };
  readonly outputSchema?: { readonly [keyword: string]: unknown };
  readonly annotations?: { readonly [hint: string]: unknown };
}

/** The tests look at the first; an empty list fails there. */
type Some<T> = readonly [T, ...T[]];

export interface CallSettings {
  readonly signal?: AbortSignal;
  readonly onProgress?: (message: string) => void;
}

/** What the tests need of a client, whichever it is. */
export interface TestClient extends AsyncDisposable {
  readonly revision: string | undefined;
  readonly instructions: string | undefined;
  list(): Promise<Some<ListedTool>>;
  call(name: string, args?: Record<string, unknown>, settings?: CallSettings): Promise<Answer>;
  read(uri: string): Promise<string>;
  resources(): Promise<readonly string[]>;
}

export type Connect = (url: string, settings?: ClientSettings) => Promise<TestClient>;

const info = { name: "test", version: "1.0.0" };

/** A server that the client starts as a process. */
export interface ServerProcess {
  readonly command: string;
  readonly args: string[];
  readonly env: Record<string, string>;
}

/** `@modelcontextprotocol/sdk`, the first line: revisions until 2025-11-25. */
export const connectLegacy: Connect = (url, settings = {}) => {
  const address = new URL(`${url}${settings.path ?? "/mcp"}`);
  return openLegacy(new LegacyHttp(address, { requestInit: { headers: headersOf(settings) } }), settings);
};

export const startLegacy = (server: ServerProcess, settings: ClientSettings = {}): Promise<TestClient> =>
  openLegacy(new LegacyStdio({ ...server, stderr: "ignore" }), settings);

async function openLegacy(
  transport: LegacyHttp | LegacyStdio,
  settings: ClientSettings,
): Promise<TestClient> {
  const { onForm, onToolsChanged } = settings;
  const client = new LegacyClient(info, { capabilities: onForm === undefined ? {} : { elicitation: {} } });
  if (onForm !== undefined)
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => ({
      ...(await onForm(params as Form)),
    }));
  if (onToolsChanged !== undefined)
    client.setNotificationHandler(
      (await import("@modelcontextprotocol/sdk/types.js")).ToolListChangedNotificationSchema,
      onToolsChanged,
    );
  // The SDK's own types disagree under exactOptionalPropertyTypes.
  await client.connect(transport as never);
  return {
    revision: "protocolVersion" in transport ? transport.protocolVersion : undefined,
    instructions: client.getInstructions(),
    list: async () => (await client.listTools()).tools as unknown as Some<ListedTool>,
    call: async (name, args = {}, { signal, onProgress } = {}) =>
      (await client.callTool({ name, arguments: args }, undefined, {
        ...(signal === undefined ? {} : { signal }),
        ...(onProgress === undefined ? {} : { onprogress: ({ message = "" }) => onProgress(message) }),
      })) as unknown as Answer,
    read: async (uri) => textOf((await client.readResource({ uri })).contents),
    resources: async () => (await client.listResources()).resources.map((resource) => resource.uri),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** `@modelcontextprotocol/client`, the second line, in revision 2026-07-28. */
export const connectModern: Connect = (url, settings = {}) => {
  const address = new URL(`${url}${settings.path ?? "/mcp"}`);
  return openModern(new ModernHttp(address, { requestInit: { headers: headersOf(settings) } }), settings);
};

export const startModern = (server: ServerProcess, settings: ClientSettings = {}): Promise<TestClient> =>
  openModern(new ModernStdio({ ...server, stderr: "ignore" }), settings);

async function openModern(
  transport: ModernHttp | ModernStdio,
  settings: ClientSettings,
): Promise<TestClient> {
  const { onForm, onToolsChanged } = settings;
  const client = new ModernClient(info, {
    ...(onToolsChanged === undefined
      ? {}
      : { listChanged: { tools: { onChanged: onToolsChanged, autoRefresh: false } } }),
    capabilities: onForm === undefined ? {} : { elicitation: {} },
    versionNegotiation: { mode: "auto" },
  });
  if (onForm !== undefined)
    client.setRequestHandler("elicitation/create", async ({ params }) => ({
      ...(await onForm(params as Form)),
    }));
  await client.connect(transport);
  return {
    revision: client.getNegotiatedProtocolVersion(),
    instructions: client.getInstructions(),
    list: async () => (await client.listTools()).tools as unknown as Some<ListedTool>,
    call: async (name, args = {}, { signal, onProgress } = {}) =>
      (await client.callTool(
        { name, arguments: args },
        {
          ...(signal === undefined ? {} : { signal }),
          ...(onProgress === undefined ? {} : { onprogress: ({ message = "" }) => onProgress(message) }),
        },
      )) as unknown as Answer,
    read: async (uri) => textOf((await client.readResource({ uri })).contents),
    resources: async () => (await client.listResources()).resources.map((resource) => resource.uri),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

function headersOf({ key, headers = {} }: ClientSettings): Record<string, string> {
  return { ...headers, ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) };
}

function textOf(contents: readonly object[]): string {
  return contents.map((part) => ("text" in part ? String(part.text) : "")).join("");
}

/** Each revision that `/mcp` speaks, with the official client that speaks it. */
export const revisions: readonly (readonly [revision: string, connect: Connect])[] = [
  ["2025-11-25", connectLegacy],
  ["2026-07-28", connectModern],
];
