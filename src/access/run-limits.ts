/** What one program may take: what it asks for, or why it cannot have that. */
import { type LimitProblem, type RunLimits, resolveLimits } from "../../sandbox/index.ts";
import { ToolariumError } from "../errors.ts";

/** What a deployment says of limits. */
export interface LimitBounds {
  /** For what is not asked. Default: the engine's. */
  readonly defaults?: RunLimits | undefined;
  /** At most. Default: the engine's. */
  readonly ceilings?: RunLimits | undefined;
}

/**
 * The limits of a program that asks for these. What is too much is refused, never cut: a program that asked for ten
 * minutes must not end after five.
 *
 * @throws `limit_above_ceiling`, or `invalid_request` for a number that is no limit, each with the pointer
 *   `/limits/<name>`
 */
export function grantLimits(asked: Partial<RunLimits>, { defaults, ceilings }: LimitBounds = {}): RunLimits {
  const resolved = resolveLimits(asked, defaults, ceilings);
  if (resolved.ok) return resolved.limits;
  const { limit, kind } = resolved.problem;
  const message = describeProblem(resolved.problem);
  throw new ToolariumError(
    kind === "above_ceiling" ? "limit_above_ceiling" : "invalid_request",
    `${message}.`,
    { errors: [{ pointer: `/limits/${limit}`, message }], param: "limits" },
  );
}

function describeProblem({ limit, asked, bound, kind }: LimitProblem): string {
  switch (kind) {
    case "above_ceiling":
      return `${limit} may be at most ${bound} here, ${asked} was asked for`;
    case "below_minimum":
      return `${limit} must be at least ${bound}, ${asked} was asked for`;
    case "not_an_integer":
      return `${limit} must be a whole number, ${asked} was asked for`;
  }
}
