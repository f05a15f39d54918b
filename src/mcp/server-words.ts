/** Prepares one server's words to leave the process: reasons, failures, stderr, its name. */
import { foreignJson, foreignText } from "../foreign-text.ts";
import { createRedact, withoutPaths } from "./redact.ts";
import type { CallOutcome, ServerSpec, ServerState } from "./server.ts";

export interface ServerWords {
  /** The text without secrets, for code that reads it before it is cut. */
  redact(text: string): string;
  /** Why a connection or a list failed: one line for people and models, without paths of this machine. */
  reason(text: string): string;
  /** The name of a tool, or of the server itself. */
  name(text: unknown): string;
  /** The end of what a child process wrote. */
  stderr(text: string | null): string | null;
  info(info: ServerState["serverInfo"]): ServerState["serverInfo"];
  outcome(outcome: CallOutcome): CallOutcome;
}

const REASON_CHARS = 2_000;
const NAME_CHARS = 200;
const STDERR_CHARS = 4_096;
/** Characters of a tool's own failure message. Nobody reads more. */
const FAILURE_CHARS = 65_536;

export function createServerWords(spec: ServerSpec): ServerWords {
  const redact = createRedact(spec);
  const reason = (text: string): string => foreignText(withoutPaths(redact(text)), redact, REASON_CHARS);
  const name = (text: unknown): string => foreignText(String(text), redact, NAME_CHARS);
  return {
    redact,
    reason,
    name,
    stderr: (text) =>
      text === null ? null : foreignText(redact(text).slice(-STDERR_CHARS), redact, STDERR_CHARS),
    info: (info) => info && { name: name(info.name), version: name(info.version) },
    outcome(outcome) {
      if (outcome.ok) return outcome;
      const { kind, message, data } = outcome.failure;
      return {
        ok: false,
        failure: {
          kind,
          // A tool may well mention paths; our words about a connection must not.
          message: kind === "unavailable" ? reason(message) : foreignText(message, redact, FAILURE_CHARS),
          ...(data === undefined ? {} : { data: foreignJson(data, redact, FAILURE_CHARS) }),
        },
      };
    },
  };
}
