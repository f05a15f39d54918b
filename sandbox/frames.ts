/**
 * Frames on the descriptor between gateway and worker: two little-endian uint32 lengths, a JSON header, a UTF-8 text.
 * Bounded on the reading side before a byte of the body is kept: a worker can't make the gateway hold more than
 * `maxBytes` per worker.
 */

const LENGTHS_BYTES = 8;
/** A few numbers, and at most 4,096 characters of an error message: six bytes each where JSON escapes them. */
const MAX_HEADER_BYTES: number = 64 * 1024;
/** Largest text: arguments and results at their 16 MiB ceiling, escaped once, and a margin. */
export const MAX_TEXT_BYTES: number = 40 * 1024 * 1024;

const SMALLEST_KEPT = 4_096;

export function encodeFrame(header: object, text: string): Buffer {
  const head = JSON.stringify(header);
  const headBytes = Buffer.byteLength(head);
  const textBytes = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(LENGTHS_BYTES + headBytes + textBytes);
  frame.writeUInt32LE(headBytes, 0);
  frame.writeUInt32LE(textBytes, 4);
  frame.write(head, LENGTHS_BYTES, "utf8");
  frame.write(text, LENGTHS_BYTES + headBytes, "utf8");
  return frame;
}

export interface FrameReader {
  /**
   * Takes a chunk of bytes. Calls back for each whole frame; returns the reason once the stream holds no valid frame.
   */
  push(bytes: Buffer): string | undefined;
}

export function createFrameReader(onFrame: (header: string, text: string) => void): FrameReader {
  let kept = Buffer.alloc(0);
  let held = 0;
  let wanted = LENGTHS_BYTES;

  /** The buffer doubles when it is full, so a frame in one-byte pieces takes no more memory than one in one piece. */
  const keep = (bytes: Buffer): void => {
    if (held + bytes.length > kept.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(held + bytes.length, 2 * held, SMALLEST_KEPT));
      kept.copy(larger, 0, 0, held);
      kept = larger;
    }
    held += bytes.copy(kept, held);
  };

  const take = (bytes: Buffer): Buffer => {
    if (held === 0) return bytes;
    keep(bytes);
    const whole = kept.subarray(0, held);
    kept = Buffer.alloc(0);
    held = 0;
    return whole;
  };

  return {
    push(bytes) {
      if (held + bytes.length < wanted) {
        keep(bytes);
        return undefined;
      }
      const buffer = take(bytes);
      let at = 0;
      wanted = LENGTHS_BYTES;
      while (buffer.length - at >= LENGTHS_BYTES) {
        const headBytes = buffer.readUInt32LE(at);
        const textBytes = buffer.readUInt32LE(at + 4);
        if (headBytes > MAX_HEADER_BYTES || textBytes > MAX_TEXT_BYTES)
          return "a frame is larger than allowed";
        const end = at + LENGTHS_BYTES + headBytes + textBytes;
        if (buffer.length < end) {
          wanted = end - at;
          break;
        }
        const headEnd = at + LENGTHS_BYTES + headBytes;
        onFrame(buffer.toString("utf8", at + LENGTHS_BYTES, headEnd), buffer.toString("utf8", headEnd, end));
        at = end;
      }
      keep(buffer.subarray(at));
      return undefined;
    },
  };
}
