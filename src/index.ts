/** Toolarium as a library. `toolarium/sandbox` is the bare engine below it, `toolarium/http` serves a gateway. */
export { defaultCeilings, defaultLimits, type PoolStats, type RunLimits } from "../sandbox/index.ts";
export { type Caller, localCaller } from "./access/caller.ts";
export type { Credentials, Identify } from "./access/identify.ts";
export type { Limiter, RateVerdict } from "./access/limiter.ts";
export type { Config } from "./config/config.ts";
export { configFrom } from "./config/load.ts";
export type { RunErrorCode } from "./error-codes.ts";
export { type ErrorCode, ToolariumError } from "./errors.ts";
export { createGateway, type Gateway, type GatewayOptions } from "./gateway.ts";
export type { RunError, ToolFailure } from "./journal.ts";
export type { Log } from "./log.ts";
export type { LocalTool, ServerSpec } from "./mcp/server.ts";
export type { CheckResult } from "./runs/prepare/check.ts";
export type { StreamEvent } from "./runs/record/events.ts";
export type { Diagnostic } from "./runs/record/report.ts";
export type {
  PendingCall,
  Report,
  ReportCall,
  ReportUsage,
  TokenReceipt,
} from "./runs/record/report-shape.ts";
export { createSandbox, type Sandbox } from "./sandbox.ts";
export {
  type ApprovalAnswer,
  type ApprovalDecision,
  type DecideOptions,
  type DeclarationOptions,
  type InProcessServer,
  localServer,
  type RunOptions,
  type SandboxOptions,
  type SandboxServer,
} from "./sandbox-options.ts";
export { defineTool, type ToolDefinition } from "./tools/define-tool.ts";
