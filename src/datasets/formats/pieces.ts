import { AppError } from '../../errors.ts'
import type { BlobDraft } from '../../storage/blob-store.ts'
import { createGatheringWriter, endDraft } from '../drafts.ts'

/** The first bytes of a file, and all of its pieces, those bytes too. */
export interface Peeked {
  /** Fewer than were asked for when the file is shorter. */
  head: Buffer
  pieces: AsyncIterable<Buffer>
}

/** Looks at the first bytes of a file that arrives. */
export async function peek(source: AsyncIterable<Buffer>, bytes: number): Promise<Peeked> {
  const pieces = source[Symbol.asyncIterator]()
  let head: Buffer = Buffer.alloc(0)
  while (head.length < bytes) {
    const next = await pieces.next()
    if (next.done) break
    head = Buffer.concat([head, next.value])
  }
  return { head: head.subarray(0, bytes), pieces: prepend(head, pieces) }
}

async function* prepend(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    if (head.length > 0) yield head
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}

/** The same pieces, up to a limit. @throws {AppError} PAYLOAD_TOO_LARGE beyond it */
export async function* limitBytes(source: AsyncIterable<Buffer>, bytesMax: number): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const piece of source) {
    bytes += piece.length
    if (bytes > bytesMax) {
      throw new AppError('PAYLOAD_TOO_LARGE', `a file may hold ${bytesMax} bytes, unpacked; received more`)
    }
    yield piece
  }
}

/** The same pieces, written to a draft too, which is ended with them. They must not be changed. */
export async function* spoolPieces(source: AsyncIterable<Buffer>, draft: BlobDraft): AsyncGenerator<Buffer> {
  const writer = createGatheringWriter(draft)
  for await (const piece of source) {
    await writer.write(piece)
    yield piece
  }
  await writer.end()
  await endDraft(draft)
}
