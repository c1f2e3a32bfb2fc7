import { pipeline } from 'node:stream/promises'
import type { Db } from '../db/client.ts'
import { AppError } from '../errors.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import { addPart, claimWriting } from './repository.ts'

/** What receiving works with. */
export interface ReceiveDeps {
  db: Db
  blobs: BlobStore
  /** Uploads are kept this long after their last part. */
  uploadHours: number
}

/** The bytes of one request. */
export interface IncomingBytes {
  content: AsyncIterable<Buffer>
  /** Where they belong. */
  offset: number
  /** How many there may be. */
  bytesMax: number
  /** Told of each piece; null: nothing is announced of the bytes. */
  check: { update(piece: Uint8Array): void /** @throws {AppError} */; finish(): void } | null
}

/** What is lost at most when the process is killed in the middle of a request. */
const PART_BYTES = 16 * 1024 ** 2

/**
 * Takes the bytes of a request into an upload, part by part: each is a blob first, then a row. So it needs no memory
 * and no process of its own, and after a crash the upload goes on after its last part. When the connection breaks, what came is kept.
 *
 * Bytes whose hash was announced are one part, which is kept when all of it came and is right, or not at all.
 * @returns the new offset
 * @throws {AppError} UPLOAD_OFFSET_WRONG when another request writes since, PAYLOAD_TOO_LARGE, and what `check` throws
 */
export async function receiveBytes(deps: ReceiveDeps, id: string, incoming: IncomingBytes): Promise<number> {
  const { offset, check } = incoming
  const writer = await claimWriting(deps.db, id, offset)
  if (writer === null) throw wentOn()
  const source = readSource(incoming)
  let at = offset
  while (!source.isOver()) {
    const draft = await deps.blobs.draft()
    try {
      await pipeline(source.take(check === null ? PART_BYTES : Number.POSITIVE_INFINITY), draft.stream)
      if (check !== null) {
        source.assertWhole()
        check.finish()
      }
      if (source.taken() === at - offset) break
      const { sha256, bytes } = await draft.keep()
      const part = { offset: at, bytes, sha256 }
      if (!(await addPart(deps.db, { id, writer, hours: deps.uploadHours }, part))) throw wentOn()
      at += bytes
    } finally {
      await draft.discard()
    }
  }
  source.assertWhole()
  return at
}

function wentOn(): AppError {
  const message =
    'the upload must be at the offset of the request; it goes on elsewhere. Ask for its offset again'
  return new AppError('UPLOAD_OFFSET_WRONG', message)
}

/** Reads pieces that can be taken in turns, and remembers how they ended: a break is no reason to lose what came. */
function readSource({ content, bytesMax, check }: IncomingBytes) {
  const pieces = content[Symbol.asyncIterator]()
  let rest: Buffer | null = null
  let taken = 0
  let end: { error: unknown } | null = null

  async function next(): Promise<Buffer | null> {
    if (rest !== null || end !== null) return rest
    try {
      const { value, done } = await pieces.next()
      if (!done && taken + value.length > bytesMax) throw tooLong(bytesMax)
      if (!done) return value
      end = { error: null }
    } catch (error) {
      end = { error }
    }
    return null
  }

  return {
    /** Pieces of so many bytes together, fewer at the end. */
    async *take(bytes: number): AsyncGenerator<Buffer> {
      for (let left = bytes; left > 0; ) {
        const piece = await next()
        if (piece === null) return
        const own = piece.subarray(0, left)
        rest = own.length < piece.length ? piece.subarray(left) : null
        left -= own.length
        taken += own.length
        check?.update(own)
        yield own
      }
    },
    taken: () => taken,
    isOver: () => end !== null && rest === null,
    /** @throws what broke it off */
    assertWhole() {
      if (end !== null && end.error !== null) throw end.error
    },
  }
}

function tooLong(bytesMax: number): AppError {
  return new AppError(
    'PAYLOAD_TOO_LARGE',
    `the request may have ${bytesMax} bytes, the rest of the upload; received more`,
  )
}
