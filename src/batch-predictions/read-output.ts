import { Readable } from 'node:stream'
import type { ByteRange } from '../http/byte-range.ts'
import type { BlobStore } from '../storage/blob-store.ts'

/** Bytes that are read at once. */
const PIECE_BYTES = 1024 ** 2

/** The bytes of an output, or a part of them, as they are read. */
export function readOutput(blobs: BlobStore, sha256: string, range: ByteRange | null): Readable {
  return range === null ? blobs.stream(sha256) : Readable.from(readPart(blobs, sha256, range))
}

async function* readPart(blobs: BlobStore, sha256: string, { from, to }: ByteRange): AsyncGenerator<Buffer> {
  for (let at = from; at <= to; at += PIECE_BYTES) {
    yield await blobs.readRange(sha256, at, Math.min(PIECE_BYTES, to + 1 - at))
  }
}
