/** The log: JSON lines on stderr through pino. stdout belongs to the ready line. */
import { type DestinationStream, type Logger, pino } from "pino";

export type Log = Pick<Logger, "trace" | "debug" | "info" | "warn" | "error" | "fatal">;
export type LogThreshold = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";

/**
 * Characters that JSON leaves as they are but that terminals and log viewers act on: they end lines, reverse text,
 * start commands.
 */
const UNSAFE = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Most bytes of lines that could not be written and wait for the next attempt; beyond it lines are lost. */
const MAX_UNWRITTEN_BYTES = 1024 * 1024;

/** `destination` is for tests; the default is stderr, written synchronously so that a crash loses nothing. */
export function createLog(level: LogThreshold, destination: DestinationStream = openStderr()): Logger {
  const escaped: DestinationStream = { write: (line) => destination.write(line.replace(UNSAFE, escapeUnit)) };
  return pino({ level, base: null, redact: ["*.headers", "*.apiKey", "*.key", "*.env"] }, escaped);
}

/** The reader of stderr, or its terminal, may be gone: a failed write to the log must not end the process. */
function openStderr(): DestinationStream {
  const stderr = pino.destination({ fd: 2, sync: true, maxLength: MAX_UNWRITTEN_BYTES });
  stderr.on("error", () => {});
  return stderr;
}

function escapeUnit(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
