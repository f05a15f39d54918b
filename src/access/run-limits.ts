/** The limits of one program: those that it asks for, or a refusal. */
import { type LimitProblem, type RunLimits, resolveLimits } from "../../sandbox/index.ts";
import { ToolariumError } from "../errors.ts";

/** The limits that the configuration sets. */
export interface LimitBounds {
  /** For limits that the program does not ask for. Default: the engine's. */
  readonly defaults?: RunLimits | undefined;
  /** The largest that a program may ask for. Default: the engine's. */
  readonly ceilings?: RunLimits | undefined;
}

/**
 * The limits of a program that asks for these. A limit above its ceiling is refused, never lowered: a program that
 * asked for ten minutes must not end after five.
 *
 * @throws `limit_above_ceiling`, or `invalid_request` for a number that is not a valid limit, each with the pointer
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
