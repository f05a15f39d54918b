/** The configuration as the gateway uses it. (Types; the loader is in progress.) */
import type { RunLimits } from "../sandbox/limits.ts";
import type { ServerSpec } from "./mcp/hub.ts";

export type Right = "run" | "decide" | "admin";
export type Mode = "plain" | "agent" | "code";

export interface KeyConfig {
  readonly name: string;
  readonly key: string;
  readonly principal: string;
  readonly may: readonly Right[];
  readonly mode?: Mode;
  readonly tools: { readonly allow?: readonly string[]; readonly autoExecute?: readonly string[] };
  readonly maxConcurrent?: number;
  readonly ratePerMinute?: number;
}

export interface ProviderConfig {
  readonly name: string;
  readonly baseUrl: string;
  readonly apiKey: string | null;
  readonly models: readonly string[];
}

export interface Config {
  readonly servers: readonly ServerSpec[];
  readonly mcp: { readonly readyWaitMs: number };
  readonly tools: {
    readonly allow: readonly string[];
    readonly autoExecute: readonly string[];
    readonly readOnly: readonly string[];
    readonly idempotent: readonly string[];
    readonly timeoutMs: number;
  };
  readonly providers: readonly ProviderConfig[];
  readonly limits: RunLimits;
  readonly limitCeilings: RunLimits;
  readonly sandbox: {
    readonly workers: number;
    readonly runsPerWorker: number;
    readonly queue: number;
    readonly isolation: "principal" | "run";
    readonly wrapper: readonly string[];
  };
  readonly agent: { readonly maxTurns: number };
  readonly declarations: { readonly tokenBudget: number; readonly learn: boolean };
  readonly approvals: { readonly expiresMs: number };
  readonly keys: readonly KeyConfig[];
  readonly store: { readonly path: string; readonly retentionDays: number };
  readonly server: {
    readonly host: string;
    readonly port: number;
    readonly allowedHosts: readonly string[];
    readonly allowedOrigins: readonly string[];
    readonly admin: boolean;
    readonly bodyLimitBytes: number;
    readonly chatBodyLimitBytes: number;
    readonly reattachMs: number;
  };
}
