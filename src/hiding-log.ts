/**
 * The log without the configuration's secrets. An error may hold an address with its password, a header, or a process's
 * output, and readers of the log need not be allowed to know those.
 */
import { createRedact, type Redact } from "./foreign-text.ts";
import type { Log } from "./log.ts";
import { MIN_SECRET_CHARS } from "./secrets.ts";

export interface HidingLog extends Log {
  /** Hides these secrets too, from now on. */
  hide(secrets: readonly string[]): void;
}

/** Redacts every entry before `log` gets it: texts, names and values of fields, errors with their causes. */
export function createHidingLog(log: Log, secrets: readonly string[] = []): HidingLog {
  let hidden = secrets;
  let redact = redactOf(hidden);
  const through =
    (level: keyof Log) =>
    (...said: readonly unknown[]): void =>
      Reflect.apply(
        log[level],
        log,
        said.map((each) => withoutSecrets(each, redact)),
      );
  return {
    trace: through("trace"),
    debug: through("debug"),
    info: through("info"),
    warn: through("warn"),
    error: through("error"),
    fatal: through("fatal"),
    hide(more) {
      hidden = [...hidden, ...more];
      redact = redactOf(hidden);
    },
  };
}

function redactOf(secrets: readonly string[]): Redact {
  return createRedact(secrets, { minChars: MIN_SECRET_CHARS });
}

/** Deepest level of an object that a log shows. */
const MAX_DEPTH = 8;

function withoutSecrets(value: unknown, redact: Redact, depth = 0): unknown {
  if (typeof value === "string") return redact(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth === MAX_DEPTH) return "…";
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, redact, depth + 1));
  const fields = Object.entries(value).map(
    ([name, item]) => [redact(name), withoutSecrets(item, redact, depth + 1)] as const,
  );
  if (!(value instanceof Error)) return Object.fromEntries(fields);
  return Object.assign(copyOf(value, redact, depth), Object.fromEntries(fields));
}

/** The copy keeps its class, so that a log shows it as an error. */
function copyOf(error: Error, redact: Redact, depth: number): Error {
  const hidden: PropertyDescriptorMap = {};
  for (const name of ["message", "stack", "cause", "errors"]) {
    const said: unknown = Reflect.get(error, name);
    if (said === undefined) continue;
    hidden[name] = { value: withoutSecrets(said, redact, depth + 1), configurable: true, writable: true };
  }
  return Object.create(Object.getPrototypeOf(error), hidden);
}
