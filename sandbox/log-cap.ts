/** Console output of one run, counted where the guest can't lie: past a limit it is cut with a visible mark, once. */
import type { GuestLog } from "./index.ts";
import type { RunLimits } from "./limits.ts";

export class LogCap {
  /** Entries taken so far, cut ones included. */
  seen = 0;
  /** UTF-8 bytes kept so far, the mark not counted. */
  bytes = 0;
  #cut = false;
  readonly #limits: Pick<RunLimits, "logBytes" | "logLines">;
  readonly #emit: (entry: GuestLog) => void;

  constructor(limits: Pick<RunLimits, "logBytes" | "logLines">, emit: (entry: GuestLog) => void) {
    this.#limits = limits;
    this.#emit = emit;
  }

  take(level: GuestLog["level"], text: string): void {
    const { logBytes, logLines } = this.#limits;
    this.seen += 1;
    if (this.#cut) return;
    if (this.seen > logLines) {
      this.#cut = true;
      this.#emit({ level, text: `[output cut here: more than ${logLines} lines]` });
      return;
    }
    const size = Buffer.byteLength(text);
    const room = logBytes - this.bytes;
    if (size <= room) {
      this.bytes += size;
      this.#emit({ level, text });
      return;
    }
    this.#cut = true;
    // A character cut in half would decode to a replacement character.
    const kept = Buffer.from(text)
      .toString("utf8", 0, room)
      .replace(/\uFFFD$/, "");
    this.bytes += Buffer.byteLength(kept);
    this.#emit({ level, text: `${kept}[output cut here: more than ${logBytes} bytes]` });
  }
}
