/**
 * `resume_run`: what became of a run, by its id; without one, of the only run that waits. It approves nothing. A client
 * whose answer got lost never had an id: when no run waits, it gets those of its latest runs.
 */
import { requireRight } from "../access/caller.ts";
import type { Viewer } from "../runs/live/deciders.ts";
import type { Exchange } from "./exchange.ts";
import { type Answer, type Finish, resumeRun } from "./programs.ts";
import { errorAnswer } from "./refusal-answer.ts";
import { type McpServerDeps, ownRuns } from "./visit.ts";

const MAX_LISTED = 20;
const MAX_LATEST = 5;

/** @throws `forbidden`; `not_found` for a run of somebody else, or none */
export async function resume(
  args: { readonly [name: string]: unknown },
  exchange: Exchange,
  deps: McpServerDeps,
  finish: Finish,
): Promise<Answer> {
  requireRight(exchange.visit.caller, "run");
  const id = exchange.returned?.run ?? args["run"];
  if (typeof id === "string") return await resumeRun(id, exchange, deps, finish);
  if (id !== undefined && id !== null)
    return errorAnswer({
      message: 'Expected the id of a run: {"run": "run_…"}, or {} for the run that waits.',
    });

  const viewer = ownRuns(exchange.visit);
  const { data } = await deps.runner.reader.list(viewer, { status: "waiting", limit: MAX_LISTED });
  const [only, ...others] = data;
  if (only === undefined) return await listLatest(viewer, deps);
  if (others.length === 0) return await resumeRun(only.id, exchange, deps, finish);
  const runs = data.map(({ id: run, createdAt, pending }) => ({
    run,
    started: createdAt,
    waits_for: pending.map(({ tool }) => tool),
  }));
  return errorAnswer({
    message: "Several runs wait. Call this again with the id of the one you mean.",
    runs,
  });
}

async function listLatest(viewer: Viewer, { runner }: McpServerDeps): Promise<Answer> {
  const { data } = await runner.reader.list(viewer, { limit: MAX_LATEST });
  const message = "No run of yours waits for a person.";
  if (data.length === 0) return errorAnswer({ message });
  return errorAnswer({
    message: `${message} These are your latest: call this again with the id of the one you mean.`,
    runs: data.map(({ id: run, createdAt, status }) => ({ run, started: createdAt, status })),
  });
}
