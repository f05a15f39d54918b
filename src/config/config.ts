/**
 * The configuration as the gateway uses it: resolved, checked, frozen. `load.ts` makes it; everybody else reads it.
 */

import type { RunLimits } from "../../sandbox/index.ts";
import type { ServerSpec } from "../mcp/server.ts";
import type { StoreSettings } from "../store/settings.ts";
import type { JsonSchema } from "../tools/tool-source.ts";
import type { UpstreamTimeouts } from "../upstream/provider/watchdog.ts";
import type { Mode } from "./modes.ts";

export type Right = "run" | "decide" | "admin";

/** What the gateway does for one answer to a chat. */
export interface AgentLimits {
  readonly maxTurns?: number;
  readonly maxToolCalls?: number;
  readonly maxWallMs?: number;
}

export interface KeyConfig {
  readonly name: string;
  readonly key: string;
  readonly principal: string;
  readonly may: readonly Right[];
  /** Principals, with `*` as a wildcard, whose waiting calls it sees and decides besides its own: those its `tools.allow` includes. */
  readonly decides?: readonly string[];
  readonly mode?: Mode;
  readonly tools: { readonly allow?: readonly string[]; readonly autoExecute?: readonly string[] };
  /** Narrower than the deployment's. */
  readonly agent?: AgentLimits;
  readonly maxConcurrent?: number;
  readonly ratePerMinute?: number;
}

export interface ProviderKey {
  readonly key: string;
  /** Its share of the requests, beside the weights of the other keys. */
  readonly weight: number;
}

export interface ProviderConfig {
  readonly name: string;
  /** The protocol it speaks; `openai` is OpenAI's chat completions, whoever offers them. */
  readonly type: "openai" | "anthropic" | "google" | "bedrock";
  readonly baseUrl: string;
  /** Sent with every request; names in lower case. Its own words win over what we would say, `authorization` included. */
  readonly headers?: { readonly [name: string]: string };
  /** Address of the proxy its requests go through. Absent: the environment's, if it names one. */
  readonly proxy?: string;
  /** Empty: none is sent. */
  readonly apiKeys: readonly ProviderKey[];
  readonly models: readonly string[];
  /** By the names of models; most have none. */
  readonly modelOptions?: { readonly [model: string]: ModelOptions };
  /** How often a request is sent again where nothing of an answer has come. */
  readonly retries: number;
  readonly timeouts: UpstreamTimeouts;
  /** Of Bedrock only. */
  readonly region: string | null;
  /** Of Bedrock without keys: what its requests are signed with. */
  readonly signing: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  } | null;
}

/** What the operator says of requests for one model. */
export interface ModelOptions {
  /** Parameters that are never sent. */
  readonly omit?: readonly string[];
  /** Parameters that are always sent, whatever the request says. */
  readonly set?: { readonly [name: string]: unknown };
  /** Whether it sees images. Default: as far as its name tells. */
  readonly images?: boolean;
}

/** One name for several models, the first that answers counts. */
export interface ModelChain {
  readonly name: string;
  /** `provider/model` each. */
  readonly members: readonly string[];
}

export interface Config {
  readonly servers: readonly ServerSpec[];
  readonly mcp: { readonly readyWaitMs: number; readonly maxMessageBytes: number };
  readonly tools: {
    readonly allow: readonly string[];
    readonly autoExecute: readonly string[];
    readonly readOnly: readonly string[];
    readonly idempotent: readonly string[];
    readonly timeoutMs: number;
    /** Up to this a tool that reports progress extends `timeoutMs`. */
    readonly maxTimeoutMs: number;
    /** What tools give, by their ids: declared to programs, in place of what their servers say. */
    readonly outputSchemas: { readonly [id: string]: JsonSchema };
  };
  readonly providers: readonly ProviderConfig[];
  readonly models: readonly ModelChain[];
  readonly limits: RunLimits;
  readonly limitCeilings: RunLimits;
  readonly sandbox: {
    readonly workers: number;
    readonly runsPerWorker: number;
    readonly queue: number;
    readonly isolation: "principal" | "run";
    readonly wrapper: readonly string[];
  };
  readonly agent: AgentLimits & { readonly maxTurns: number; readonly resultTokens: number };
  readonly declarations: { readonly tokenBudget: number; readonly learn: boolean };
  readonly approvals: { readonly expiresMs: number };
  readonly keys: readonly KeyConfig[];
  readonly store: StoreSettings & { readonly fsync: boolean; readonly retentionDays: number };
  readonly server: {
    readonly host: string;
    readonly port: number;
    readonly allowedHosts: readonly string[];
    readonly allowedOrigins: readonly string[];
    readonly admin: boolean;
    readonly modelSuffixes: boolean;
    readonly bodyLimitBytes: number;
    readonly chatBodyLimitBytes: number;
    readonly memoryBudgetMb: number;
    readonly reattachMs: number;
  };
}
