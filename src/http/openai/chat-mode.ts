/** Selects the mode of a chat request. */
import { isMode, type Mode } from "../../config/modes.ts";
import { ToolariumError } from "../../errors.ts";

/** A place in a request that can name a mode. Undefined and null name none. */
export interface ModeSource {
  /** As the caller knows it: `mode`, `x-toolarium-mode`, `the suffix of the model`. */
  readonly source: string;
  readonly mode: unknown;
}

export interface SelectedMode {
  readonly mode: Mode;
  /** Whether the request itself names it. */
  readonly isAsked: boolean;
}

/**
 * The mode that the sources agree on, else the key's own, else plain.
 *
 * @throws `invalid_request` with `param: "mode"` for an unknown mode, and when two sources disagree
 */
export function selectMode(sources: readonly ModeSource[], keyMode: Mode | undefined): SelectedMode {
  const asked = sources.flatMap(({ source, mode }) =>
    mode === undefined || mode === null ? [] : [{ source, mode: parseMode(source, mode) }],
  );
  const [first, ...others] = asked;
  if (first === undefined) return { mode: keyMode ?? "plain", isAsked: false };
  const other = others.find(({ mode }) => mode !== first.mode);
  if (other !== undefined)
    throw badMode(
      `${first.source} asks for the mode "${first.mode}", ${other.source} for "${other.mode}". Say one of them.`,
    );
  return { mode: first.mode, isAsked: true };
}

function parseMode(source: string, mode: unknown): Mode {
  if (isMode(mode)) return mode;
  const came =
    typeof mode === "string" ? JSON.stringify(mode.slice(0, 100)) : `a value of type ${typeof mode}`;
  throw badMode(`${source} must be "plain", "agent", "code" or "auto", got ${came}.`);
}

function badMode(message: string): ToolariumError {
  return new ToolariumError("invalid_request", message, { param: "mode" });
}
