/** Calls that wait for a person: the list of them, and (not yet) the decision. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { ToolariumError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import type { Report } from "../runs/report.ts";
import type { Viewer } from "../runs/runner.ts";
import { callerOf, requireRight, viewerOf } from "./access.ts";
import { reportOf } from "./run-routes.ts";
import { jsonValue, parseBody } from "./validate.ts";

/** A call to be decided, as `GET /v1/approvals` lists it. Times are ISO 8601. */
interface Approval {
  readonly run: string;
  readonly call: string;
  readonly tool: string;
  readonly arguments: unknown;
  readonly reason: string;
  readonly createdAt: string;
  readonly expiresAt: string;
}

interface CallParams {
  Params: { id: string; call: string };
}

const PAGE_SIZE = 200;

const decisionBody = z.strictObject({
  decision: z.enum(["approve", "deny", "result"]),
  arguments: jsonValue.optional(),
  result: jsonValue.optional(),
  reason: z.string().optional(),
});

export function registerApprovalRoutes(app: FastifyInstance, gateway: Gateway): void {
  app.get("/v1/approvals", async (request) => {
    const reports = await undecidedRuns(gateway, viewerOf(request));
    const { expiresMs } = gateway.config.approvals;
    const data = reports.flatMap((report) => approvalsOf(report, expiresMs));
    const now = Date.now();
    const open = data.filter(({ expiresAt }) => Date.parse(expiresAt) > now);
    return { data: open.toSorted((a, b) => a.createdAt.localeCompare(b.createdAt)) };
  });

  const decide = async (request: FastifyRequest<CallParams>): Promise<FastifyReply> => {
    requireRight(callerOf(request), "decide");
    parseBody(decisionBody, request.body);
    const report = await reportOf(gateway, request);
    const { call } = request.params;
    if (!report.calls.some(({ id }) => id === call))
      throw new ToolariumError(
        "not_found",
        `The run ${report.id} has no call ${JSON.stringify(call.slice(0, 80))}.`,
      );
    throw new ToolariumError(
      "not_implemented",
      "Deciding a waiting call is not served yet. Start the program again with approval set to deny, or with the tool in tools.autoExecute.",
    );
  };
  app.post<CallParams>("/v1/sandbox/runs/:id/calls/:call", decide);
  app.post<CallParams>("/v1/runs/:id/calls/:call", decide);
}

/** A call is to be decided as soon as it is held, also while its program still runs. Models' calls belong to chats. */
async function undecidedRuns({ runner }: Gateway, viewer: Viewer): Promise<readonly Report[]> {
  const reports = new Map<string, Report>();
  for (const status of ["waiting", "running"] as const) {
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof runner.list>> = await runner.list(viewer, {
        kinds: ["program", "chat"],
        status,
        limit: PAGE_SIZE,
        ...(cursor === null ? {} : { cursor }),
      });
      for (const report of page.data) reports.set(report.id, report);
      cursor = page.next_cursor;
    } while (cursor !== null);
  }
  return [...reports.values()];
}

function approvalsOf(report: Report, expiresMs: number): Approval[] {
  const expiresAt = new Date(Date.parse(report.createdAt) + expiresMs).toISOString();
  return report.pending.map((pending) => ({
    run: report.id,
    ...pending,
    createdAt: report.createdAt,
    expiresAt,
  }));
}
