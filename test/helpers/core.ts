/** The real parts of a gateway with tools in this process, for tests of what is above them. */
import { z } from "zod";
import { defaultLimits, type RunLimits } from "../../sandbox/index.ts";
import { type Core, type CoreOptions, createCore } from "../../src/core.ts";
import { createLog } from "../../src/log.ts";
import type { LocalTool, ServerSpec } from "../../src/mcp/server.ts";
import type { ProgramRequest } from "../../src/runs/prepare/prepare.ts";
import { openStore } from "../../src/store/open-store.ts";
import { IN_MEMORY, type StoreSettings } from "../../src/store/settings.ts";
import { defineTool } from "../../src/tools/define-tool.ts";
import type { PolicyLayer } from "../../src/tools/policy-layer.ts";

const common = { disabled: false, startTimeoutMs: 5_000, trustAnnotations: false, protocol: "auto" } as const;

function localServer(tools: readonly LocalTool[]): ServerSpec {
  return { ...common, name: "local", type: "local", tools };
}

export async function openCore(
  tools: readonly LocalTool[],
  storePath: string = IN_MEMORY,
  given: Partial<CoreOptions> & { readonly settings?: Partial<StoreSettings> } = {},
): Promise<Core> {
  const { settings = {}, ...more } = given;
  const core = await createCore({
    servers: [localServer(tools)],
    marks: { readOnly: [], idempotent: [] },
    store: (log) => openStore({ path: storePath, ...settings }, { log }),
    sandbox: { workers: 1, queue: 2 },
    callTimeoutMs: 5_000,
    approvalExpiresMs: 60_000,
    presentLayers: () => [everything],
    learn: false,
    log: createLog("silent"),
    ...more,
  });
  await core.hub.settled;
  return core;
}

export const everything: PolicyLayer = {
  rule: "tools.allow",
  allow: ["*"],
  autoExecute: [],
  deployment: true,
};

export function programRequest(
  code: string,
  more: Partial<Omit<ProgramRequest, "limits">> & { readonly limits?: Partial<RunLimits> } = {},
): ProgramRequest {
  return {
    principal: "local",
    code,
    policy: { layers: [everything] },
    typecheck: "error",
    approval: "park",
    ...more,
    limits: { ...defaultLimits, ...more.limits },
  };
}

/** A tool that answers with its argument and remembers it. */
export function echoTool(
  name: string,
  options: { readonly readOnly?: boolean; readonly needsApproval?: boolean } = {},
): { readonly tool: LocalTool; readonly seen: unknown[] } {
  const seen: unknown[] = [];
  const tool = defineTool({
    name,
    description: `Answers with what it got (${name}).`,
    input: z.object({ value: z.unknown().optional() }),
    execute: ({ value }) => {
      seen.push(value);
      return value ?? null;
    },
    ...options,
  });
  return { tool, seen };
}
