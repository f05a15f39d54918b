/**
 * The configuration as the gateway uses it: resolved, checked, frozen. `load.ts` makes it; all other code only reads
 * it.
 */

import type { RunLimits } from "../../sandbox/index.ts";
import type { ServerSpec } from "../mcp/server.ts";
import type { StoreSettings } from "../store/settings.ts";
import type { JsonSchema } from "../tools/tool-source.ts";
import type { UpstreamTimeouts } from "../upstream/provider/watchdog.ts";
import type { Mode } from "./modes.ts";

export type Right = "run" | "decide" | "admin";

/** Limits of one answer to a chat. */
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
  /**
   * Principals, with `*` as a wildcard. The key sees and decides their waiting calls besides its own, for the tools in
   * its `tools.allow`.
   */
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
  /** Its share of the requests, relative to the weights of the other keys. */
  readonly weight: number;
}

export interface ProviderConfig {
  readonly name: string;
  /** The protocol it speaks; `openai` means OpenAI's chat completions, by any provider. */
  readonly type: "openai" | "anthropic" | "google" | "bedrock";
  readonly baseUrl: string;
  /**
   * Sent with every request; names in lower case. They win over the gateway's own headers, `authorization` included.
   */
  readonly headers?: { readonly [name: string]: string };
  /** Address of the proxy for its requests. Absent: the environment's proxy, if there is one. */
  readonly proxy?: string;
  /** Empty: no key is sent. */
  readonly apiKeys: readonly ProviderKey[];
  readonly models: readonly string[];
  /** By model name; most models have none. */
  readonly modelOptions?: { readonly [model: string]: ModelOptions };
  /** Retries of a request while no part of an answer has come. */
  readonly retries: number;
  readonly timeouts: UpstreamTimeouts;
  /** For Bedrock only. */
  readonly region: string | null;
  /** For Bedrock without keys: the credentials that sign its requests. */
  readonly signing: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  } | null;
}

/** The operator's settings for requests to one model. */
export interface ModelOptions {
  /** Parameters that are never sent. */
  readonly omit?: readonly string[];
  /** Parameters that are always sent, whatever the request contains. */
  readonly set?: { readonly [name: string]: unknown };
  /** Whether it accepts images. Default: guessed from its name. */
  readonly images?: boolean;
}

/** One name for several models; the first that answers is used. */
export interface ModelChain {
  readonly name: string;
  /** Each as `provider/model`. */
  readonly members: readonly string[];
}

export interface Config {
  readonly servers: readonly ServerSpec[];
  readonly mcp: {
    readonly readyWaitMs: number;
    readonly maxMessageBytes: number;
    /** At `/mcp/tools`: a tool whose name no other has is listed without its server's. */
    readonly unprefixed: boolean;
  };
  readonly tools: {
    readonly allow: readonly string[];
    readonly autoExecute: readonly string[];
    readonly readOnly: readonly string[];
    readonly idempotent: readonly string[];
    readonly timeoutMs: number;
    /** The longest time to which a tool that reports progress can extend `timeoutMs`. */
    readonly maxTimeoutMs: number;
    /** Result schemas by tool id: declared to programs in place of the server's own. */
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
