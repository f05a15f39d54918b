/**
 * Limits of one answer (reply to the user): configuration ∩ key ∩ request. A request can lower them, never raise them.
 */
import type { AnswerLimits } from "../chat/turns/budget.ts";
import type { AgentLimits } from "../config/config.ts";
import { ToolariumError } from "../errors.ts";

/**
 * @throws `limit_above_ceiling` with `param: "toolarium"` when the request asks for more than the configuration and the
 * key allow
 */
export function resolveAnswerLimits(
  deployment: AgentLimits,
  key: AgentLimits,
  asked: AgentLimits,
): AnswerLimits {
  const limitOf = (name: keyof AnswerLimits): number => {
    const ceiling = Math.min(deployment[name] ?? Infinity, key[name] ?? Infinity);
    const wanted = asked[name] ?? ceiling;
    if (wanted <= ceiling) return wanted;
    const message = `toolarium.${name} may be at most ${ceiling} here, ${wanted} was asked for`;
    throw new ToolariumError("limit_above_ceiling", `${message}.`, {
      param: "toolarium",
      errors: [{ pointer: `/toolarium/${name}`, message }],
    });
  };
  return {
    maxTurns: limitOf("maxTurns"),
    maxToolCalls: limitOf("maxToolCalls"),
    maxWallMs: limitOf("maxWallMs"),
  };
}
