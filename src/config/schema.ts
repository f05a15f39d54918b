/** The shape of a configuration file, with defaults and bounds; defined only here. */

import { availableParallelism } from "node:os";
import { z } from "zod";
import { limitNames, limitTable, type RunLimits } from "../../sandbox/index.ts";
import { IN_MEMORY } from "../store/settings.ts";
import { MAX_TIMER_MS } from "../timers.ts";
import type { JsonSchema } from "../tools/tool-source.ts";
import { defaultTimeouts } from "../upstream/provider/watchdog.ts";
import type { Config, KeyConfig, ModelOptions, ProviderConfig, ProviderKey } from "./config.ts";
import { modeNames } from "./modes.ts";

/** A parsed file with its defaults, before it is resolved. */
export interface ConfigFile
  extends Pick<
    Config,
    "mcp" | "tools" | "sandbox" | "agent" | "declarations" | "approvals" | "store" | "server"
  > {
  readonly $schema?: string;
  readonly mcpServers: { readonly [name: string]: ServerEntry };
  readonly providers: { readonly [name: string]: ProviderEntry };
  readonly models: { readonly [name: string]: readonly string[] };
  readonly limits: Partial<RunLimits>;
  readonly limitCeilings: Partial<RunLimits>;
  readonly keys: readonly KeyEntry[];
}

/** One entry of `mcpServers`, as MCP clients write it; other clients' keys are kept for a remark. */
export interface ServerEntry {
  readonly type?: "stdio" | "http" | "streamable-http" | "streamableHttp" | "sse";
  readonly command?: string;
  readonly args: readonly string[];
  readonly env: { readonly [name: string]: string };
  readonly cwd?: string;
  readonly url?: string;
  readonly headers: { readonly [name: string]: string };
  readonly disabled: boolean;
  readonly startTimeoutMs: number;
  readonly timeoutMs?: number;
  readonly protocol: string;
  readonly trustAnnotations: boolean;
  readonly [foreign: string]: unknown;
}

/** One entry of `providers`. */
export interface ProviderEntry {
  readonly type: ProviderConfig["type"];
  /** Optional where the type has its own. */
  readonly baseUrl?: string;
  /** Either this or `apiKeys`. */
  readonly apiKey?: string;
  readonly apiKeys?: readonly ProviderKey[];
  readonly headers: { readonly [name: string]: string };
  readonly proxy?: string;
  /** For OpenAI only. */
  readonly organization?: string;
  readonly project?: string;
  readonly models: readonly (string | ModelEntry)[];
  readonly retries: number;
  readonly firstByteTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** For Bedrock: its region, and the credentials that replace keys. */
  readonly region?: string;
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  readonly sessionToken?: string;
}

/** One entry of a provider's `models` with more than the name. */
export interface ModelEntry extends ModelOptions {
  readonly name: string;
}

type KeyEntry = Omit<KeyConfig, "principal"> & { readonly principal?: string };

const text = () => z.string().min(1);
const texts = () => z.array(z.string());
const whole = (minimum: number) => z.int().min(minimum);
const milliseconds = (minimum = 1) => z.int().min(minimum).max(MAX_TIMER_MS);
const httpUrl = () =>
  z
    .string()
    .refine((url) => /^https?:$/.test(URL.parse(url)?.protocol ?? ""), "expected an http or https URL");

/** A credential becomes a header's value: a line ending, as at the end of a file, would split the header. */
const credential = () =>
  z.string().regex(/^[\x21-\x7e]*$/, "expected text without blanks and line ends, which no header can hold");

/** Fields that make up the request itself; a configuration must not change them. */
const ITSELF: ReadonlySet<string> = new Set(["model", "messages", "tools", "stream"]);
const NOT_ITSELF =
  "expected parameters such as temperature: model, messages, tools and stream are the request itself";

const headers = z.record(
  z.string(),
  z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, "expected one line of text, which a header can hold"),
);

const serverEntry = z.looseObject({
  type: z.enum(["stdio", "http", "streamable-http", "streamableHttp", "sse"]).exactOptional(),
  command: text().exactOptional(),
  args: texts().default([]),
  env: z.record(z.string(), z.string()).default({}),
  cwd: text().exactOptional(),
  url: httpUrl().exactOptional(),
  headers: z.record(z.string(), z.string()).default({}),
  disabled: z.boolean().default(false),
  // Real servers need 0.3 to 16 s.
  startTimeoutMs: milliseconds().default(30_000),
  timeoutMs: milliseconds().exactOptional(),
  protocol: z
    .string()
    .regex(/^(auto|\d{4}-\d{2}-\d{2})$/, 'expected "auto" or an MCP revision such as "2025-11-25"')
    .default("auto"),
  trustAnnotations: z.boolean().default(false),
});

const provider = z.strictObject({
  // "openai" means OpenAI's protocol, by any provider. The others need a package: see sdk-package.ts.
  type: z.enum(["openai", "anthropic", "google", "bedrock"]).default("openai"),
  baseUrl: httpUrl().exactOptional(),
  apiKey: credential().exactOptional(),
  apiKeys: z
    .array(
      z.strictObject({ key: credential().min(1), weight: z.number().positive().max(1_000_000).default(1) }),
    )
    .min(1)
    .exactOptional(),
  headers: headers.default({}),
  proxy: httpUrl().exactOptional(),
  organization: credential().exactOptional(),
  project: credential().exactOptional(),
  models: z
    .array(
      z.union([
        text(),
        z.strictObject({
          name: text(),
          // Request parameters that are never sent, or always sent.
          omit: texts()
            .refine((names) => !names.some((name) => ITSELF.has(name)), NOT_ITSELF)
            .exactOptional(),
          set: z
            .record(z.string(), z.json())
            .refine((set) => !Object.keys(set).some((name) => ITSELF.has(name)), NOT_ITSELF)
            .exactOptional(),
          images: z.boolean().exactOptional(),
        }),
      ]),
    )
    .default([]),
  // Retries while no part of the answer has come. Attempts with another key after a refused one do not count.
  retries: whole(0).max(10).default(2),
  // For all attempts together.
  firstByteTimeoutMs: milliseconds().default(defaultTimeouts.firstByteMs),
  idleTimeoutMs: milliseconds().default(defaultTimeouts.idleMs),
  region: z
    .string()
    .regex(/^[a-z0-9-]+$/, 'expected an AWS region such as "eu-central-1"')
    .exactOptional(),
  accessKeyId: text().exactOptional(),
  secretAccessKey: text().exactOptional(),
  sessionToken: text().exactOptional(),
});

const limits = z.strictObject(
  Object.fromEntries(limitNames.map((name) => [name, whole(limitTable[name].minimum).exactOptional()])),
);

// Per answer to a chat, including the calls of its programs; milliseconds from the start of the request.
const answerLimits = {
  maxToolCalls: whole(0).exactOptional(),
  maxWallMs: milliseconds().exactOptional(),
};

const key = z.strictObject({
  name: text(),
  key: z.string().regex(/^[\x21-\x7e]+$/, "expected text without blanks that fits into a header"),
  principal: text().exactOptional(),
  may: z.array(z.enum(["run", "decide", "admin"])).default(["run"]),
  // Principals whose calls a key with `decide` decides besides its own; `*` in a name matches any characters.
  decides: z.array(text()).exactOptional(),
  mode: z.enum(modeNames).exactOptional(),
  tools: z.strictObject({ allow: texts().exactOptional(), autoExecute: texts().exactOptional() }).default({}),
  agent: z.strictObject({ maxTurns: whole(1).exactOptional(), ...answerLimits }).exactOptional(),
  maxConcurrent: whole(1).exactOptional(),
  ratePerMinute: whole(1).exactOptional(),
});

export const configSchema: z.ZodType<ConfigFile> = z.strictObject({
  $schema: z.string().exactOptional(),
  mcpServers: z.record(z.string(), serverEntry).default({}),
  mcp: z
    .strictObject({
      readyWaitMs: milliseconds(0).default(5_000),
      // Size of one message from a server, on any transport: twice the largest result that a run may allow.
      maxMessageBytes: whole(65_536).default(67_108_864),
      // At /mcp/tools: a tool whose name no other has is listed without its server's.
      unprefixed: z.boolean().default(false),
    })
    .prefault({}),
  tools: z
    .strictObject({
      allow: texts().default(["*"]),
      // Tool calls need approval until the operator lists them here.
      autoExecute: texts().default([]),
      readOnly: texts().default([]),
      idempotent: texts().default([]),
      timeoutMs: milliseconds().default(30_000),
      // For a call whose server reports progress; never less than its timeout.
      maxTimeoutMs: milliseconds().default(300_000),
      // Checked by output-schemas.ts.
      outputSchemas: z.record(z.string(), z.custom<JsonSchema>()).default({}),
    })
    .prefault({}),
  providers: z.record(z.string(), provider).default({}),
  // Chains: a name, and its models, of which the first that answers is used.
  models: z.record(z.string(), z.array(text()).min(1)).default({}),
  limits: limits.default({}),
  limitCeilings: limits.default({}),
  sandbox: z
    .strictObject({
      workers: whole(1).default(() => availableParallelism()),
      runsPerWorker: whole(1).default(8),
      queue: whole(0).default(256),
      isolation: z.enum(["principal", "run"]).default("principal"),
      wrapper: texts().default([]),
    })
    .prefault({}),
  agent: z
    .strictObject({
      maxTurns: whole(1).default(10),
      ...answerLimits,
      // As many as one program may make.
      maxToolCalls: whole(0).default(256),
      // Tokens that a model reads of one program's outcome; the full value stays in its run.
      resultTokens: whole(250).default(4_000),
    })
    .prefault({}),
  declarations: z
    .strictObject({ tokenBudget: whole(0).default(4_000), learn: z.boolean().default(true) })
    .prefault({}),
  approvals: z.strictObject({ expiresMs: whole(1).default(86_400_000) }).prefault({}),
  keys: z.array(key).default([]),
  store: z
    .strictObject({
      // A configuration file puts its store beside itself: see source.ts.
      path: text().default(IN_MEMORY),
      retentionDays: whole(1).default(30),
      // Whether a call that may change something waits for the disk, instead of only for the operating system.
      fsync: z.boolean().default(false),
      // Bytes of the store's file, without the free space of removed runs; above it no new run begins.
      maxBytes: whole(1_048_576).optional(),
      // Bytes of one principal's runs; above it that principal cannot begin a run.
      maxBytesPerPrincipal: whole(65_536).optional(),
    })
    .prefault({}),
  server: z
    .strictObject({
      host: text().default("127.0.0.1"),
      port: whole(0).max(65_535).default(8_080),
      allowedHosts: texts().default([]),
      allowedOrigins: texts().default([]),
      admin: z.boolean().default(false),
      // Whether GET /v1/models also lists each model with every mode appended.
      modelSuffixes: z.boolean().default(true),
      bodyLimitBytes: whole(1).default(8_388_608),
      chatBodyLimitBytes: whole(1).default(33_554_432),
      // Memory for request bodies and servers' messages while they are held.
      memoryBudgetMb: whole(16).default(512),
      reattachMs: milliseconds(0).default(30_000),
    })
    .prefault({}),
});
