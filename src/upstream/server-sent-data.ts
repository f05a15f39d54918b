/** Reads the payloads of an event stream. Names, ids and retry hints of events mean nothing in this protocol. */

/** Characters that one line may have before the stream counts as broken. */
const MAX_LINE_CHARS = 16 * 1024 * 1024;

/**
 * Yields the text of each `data:` field, one per event. Tolerates CRLF, a missing blank after the colon, a missing
 * last blank line, events that no blank line parts, and bare JSON lines that some servers send for errors.
 *
 * @throws RangeError when a line is longer than 16 Mi characters
 */
export async function* readServerSentData(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let parts: string[] = [];
  for await (const line of readLines(chunks)) {
    const payload = payloadOf(line);
    if (payload !== undefined && parts.length === 0 && isWhole(payload)) yield payload;
    else if (payload !== undefined) parts.push(payload);
    else if (line === "" && parts.length > 0) {
      yield parts.join("\n");
      parts = [];
    }
  }
  if (parts.length > 0) yield parts.join("\n");
}

async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    let start = 0;
    for (let end = rest.indexOf("\n"); end !== -1; end = rest.indexOf("\n", start)) {
      yield withoutReturn(rest.slice(start, end));
      start = end + 1;
    }
    rest = rest.slice(start);
    if (rest.length > MAX_LINE_CHARS) throw new RangeError("a line of the event stream is too long");
  }
  rest += decoder.decode();
  if (rest !== "") yield withoutReturn(rest);
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

function payloadOf(line: string): string | undefined {
  if (line.startsWith("{")) return line;
  if (!line.startsWith("data:")) return undefined;
  return line.startsWith(" ", 5) ? line.slice(6) : line.slice(5);
}

/** Whether the line stands for itself, so that nothing is lost when no blank line follows. */
function isWhole(payload: string): boolean {
  return /^\s*(\{.*\}|\[DONE\])\s*$/.test(payload);
}
