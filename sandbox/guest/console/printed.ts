/**
 * The printed lines that the host has not received. Up to the run's limits every line is sent. Past them the host keeps
 * only the last lines, and so does this file: it counts the lines between.
 *
 * Lines are sent at the end of each burst. A program that hangs never ends its burst, so lines are also sent on the
 * way: the more there are, the more go in one post. A thousand lines are sent one by one, a million in about three
 * thousand posts.
 */
interface Limits {
  readonly logBytes: number;
  readonly logLines: number;
}
interface Printed {
  /** Also called for the run that follows the rehearsal. */
  begin(limits: Limits): void;
  add(level: string, text: string): "send now" | "send soon" | "send later";
  /** The rows to send, separated by commas; empty when there are none. */
  take(): string;
  /** An entry of the host began. */
  entered(): void;
}
interface Text {
  utf8Length(text: string): number;
}

({ utf8Length }: Text): Printed => {
  /** So many lines are sent one by one. */
  const PROMPT_LINES = 1_448;
  /** At most this part of all lines is unsent at any time. */
  const UNSENT_PART = 1 / 64;
  /** Most characters in one post, because the host parses a post at once. */
  const MOST_CHARS = 65_536;
  /** Past the limits, so many bursts within one entry are sent as they end; otherwise each line could be a burst. */
  const MOST_BURSTS = 64;
  const { stringify } = JSON;
  const { create } = Object;
  const { apply } = Reflect;
  const { slice } = String.prototype;

  interface Row {
    readonly text: string;
    readonly chars: number;
  }
  let rows: Record<number, Row> = create(null);
  let first = 0;
  let next = 0;
  let chars = 0;
  let limits: Limits = { logBytes: 0, logLines: 0 };
  let lines = 0;
  let bytes = 0;
  let linesSent = 0;
  let bursts = 0;
  let skippedLines = 0;
  let skippedChars = 0;

  /** Keeps only as much of a line's beginning and end as the host may keep of either. */
  const toRow = (level: string, text: string): Row => {
    const { length } = text;
    const most = limits.logBytes;
    if (length <= 2 * most) return { text: `["log","${level}",${stringify(text)}]`, chars: length };
    const head = stringify(apply(slice, text, [0, most]));
    const tail = stringify(apply(slice, text, [length - most]));
    return { text: `["log","${level}",${head},${length - 2 * most},${tail}]`, chars: length };
  };
  const forget = (): void => {
    const { chars: dropped } = rows[first] as Row;
    delete rows[first++];
    chars -= dropped;
    skippedLines += 1;
    skippedChars += dropped;
  };
  const isPast = (): boolean => lines > limits.logLines || bytes > limits.logBytes;
  const hasTailWithoutFirst = (): boolean =>
    next - first > 1 && chars - (rows[first] as Row).chars >= limits.logBytes;
  const isDue = (): boolean => {
    const unsent = lines - linesSent;
    return unsent >= (lines / PROMPT_LINES) * (lines / PROMPT_LINES) || unsent > lines * UNSENT_PART;
  };

  return {
    begin(given) {
      limits = given;
      rows = create(null);
      first = next = chars = lines = bytes = linesSent = bursts = skippedLines = skippedChars = 0;
    },
    add(level, text) {
      const wasPast = isPast();
      const row = toRow(level, text);
      lines += 1;
      // A line of this length is past the limit, whichever way it is counted.
      if (!isPast()) bytes += row.chars > limits.logBytes ? row.chars : utf8Length(text);
      rows[next++] = row;
      chars += row.chars;
      // Lines before the first one past the limits do not belong to the tail.
      if (!wasPast) return isPast() || isDue() || chars > MOST_CHARS ? "send now" : "send soon";
      while (next - first > limits.logLines || hasTailWithoutFirst()) forget();
      if (isDue()) return "send now";
      bursts += 1;
      return bursts > MOST_BURSTS ? "send later" : "send soon";
    },
    take() {
      let text = skippedLines === 0 ? "" : `["skip",${skippedLines},${skippedChars}]`;
      for (; first < next; first++) {
        text += `${text === "" ? "" : ","}${(rows[first] as Row).text}`;
        delete rows[first];
      }
      chars = skippedLines = skippedChars = 0;
      linesSent = lines;
      return text;
    },
    entered() {
      bursts = 0;
    },
  };
};

export {};
