/** `resume_run`: what became of a run, by its id; without one, of the only run that waits. It approves nothing. */
import { requireRight } from "../access/caller.ts";
import type { Exchange } from "./exchange.ts";
import { type Answer, type Finish, resumeRun } from "./programs.ts";
import { errorAnswer } from "./refusal-answer.ts";
import { type McpServerDeps, ownRuns } from "./visit.ts";

const MAX_LISTED = 20;

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
  if (only === undefined) return errorAnswer({ message: "No run of yours waits for a person." });
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
