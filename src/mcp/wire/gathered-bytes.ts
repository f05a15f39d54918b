/**
 * Gathers bytes that arrive in pieces in one buffer that doubles: a million pieces of one byte take no more than a
 * megabyte.
 */
export interface GatheredBytes {
  readonly length: number;
  add(piece: Uint8Array): void;
  /** Returns all bytes and empties the buffer; the next piece may overwrite what was taken. */
  take(): Buffer;
}

export function gatherBytes(): GatheredBytes {
  let buffer = Buffer.alloc(0);
  let length = 0;
  return {
    get length() {
      return length;
    },
    add: (piece) => {
      const needed = length + piece.length;
      if (needed > buffer.length) {
        const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * length, SMALLEST));
        buffer.copy(larger, 0, 0, length);
        buffer = larger;
      }
      buffer.set(piece, length);
      length = needed;
    },
    take: () => {
      const all = buffer.subarray(0, length);
      length = 0;
      if (buffer.length > KEPT) buffer = Buffer.alloc(0);
      return all;
    },
  };
}

const SMALLEST = 4_096;
/** Bytes. A buffer up to this size is reused. */
const KEPT = 65_536;
