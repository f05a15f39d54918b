/**
 * Decompresses bodies that a provider compressed unasked, by their `content-encoding`, piece by piece as they arrive.
 */
import { pipeline, type Transform } from "node:stream";
import zlib from "node:zlib";

type Chunks = AsyncIterable<Uint8Array>;

/** Each piece is passed on as early as possible. A body without its end is read as far as it goes. */
const gzipOptions = { flush: zlib.constants.Z_SYNC_FLUSH, finishFlush: zlib.constants.Z_SYNC_FLUSH };
const brotliOptions = {
  flush: zlib.constants.BROTLI_OPERATION_FLUSH,
  finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH,
};
const zstdOptions = {
  flush: zlib.constants.ZSTD_e_continue,
  finishFlush: zlib.constants.ZSTD_e_continue,
};

/**
 * The body before compression. An unknown encoding, or one that the first bytes contradict, counts as none.
 *
 * @throws Error of zlib (`code`) when later bytes are broken
 */
export async function* decodeBody(
  chunks: Chunks,
  contentEncoding: string | undefined,
): AsyncGenerator<Uint8Array> {
  const encodings = (contentEncoding ?? "")
    .toLowerCase()
    .split(",")
    .map((name) => name.trim());
  let body: Chunks = chunks;
  for (const encoding of encodings.reverse()) if (KNOWN.has(encoding)) body = decodeOne(body, encoding);
  yield* body;
}

const KNOWN: ReadonlySet<string> = new Set(["gzip", "x-gzip", "deflate", "br", "zstd"]);

async function* decodeOne(chunks: Chunks, encoding: string): AsyncGenerator<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first = await readFirst(iterator);
  const rest = withFirst(first, iterator);
  const decoder = first.byteLength === 0 ? undefined : decoderFor(encoding, first);
  if (decoder === undefined) {
    yield* rest;
    return;
  }
  // A failure of the pipeline is the decoder's, which reports it. A reader that stops must not wait for the next bytes:
  // they may never come.
  pipeline(rest, decoder, () => {});
  yield* decoder;
}

/** The first bytes, enough to recognize the format; fewer only at the end of the body. */
async function readFirst(iterator: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let first: Uint8Array = new Uint8Array();
  while (first.byteLength < 4) {
    const next = await iterator.next();
    if (next.done) break;
    first = Buffer.concat([first, next.value]);
  }
  return first;
}

async function* withFirst(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield first;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

function decoderFor(encoding: string, first: Uint8Array): Transform | undefined {
  const [one = 0, two = 0] = first;
  switch (encoding) {
    case "gzip":
    case "x-gzip":
      return one === 0x1f && two === 0x8b ? zlib.createGunzip(gzipOptions) : undefined;
    case "deflate":
      // Deflate with zlib's header, as in the standard, or without.
      return (one & 0x0f) === 8 && ((one << 8) | two) % 31 === 0
        ? zlib.createInflate(gzipOptions)
        : zlib.createInflateRaw(gzipOptions);
    case "br":
      return zlib.createBrotliDecompress(brotliOptions);
    case "zstd":
      return one === 0x28 && two === 0xb5 ? zlib.createZstdDecompress(zstdOptions) : undefined;
    default:
      return undefined;
  }
}
