/** The log: JSON lines on stderr through pino. stdout belongs to the ready line. */
import { type DestinationStream, type Logger, pino } from "pino";

export type Log = Pick<Logger, "trace" | "debug" | "info" | "warn" | "error" | "fatal">;
export type LogThreshold = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";

/** `destination` is for tests; the default is stderr, written synchronously so that a crash loses nothing. */
export function createLog(
  level: LogThreshold,
  destination: DestinationStream = pino.destination({ fd: 2, sync: true }),
): Logger {
  return pino({ level, base: null, redact: ["*.headers", "*.apiKey", "*.key", "*.env"] }, destination);
}
