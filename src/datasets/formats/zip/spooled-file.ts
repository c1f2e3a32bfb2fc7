import type { BlobDraft } from '../../../storage/blob-store.ts'
import { type DraftScope, endDraft, writePiece } from '../../drafts.ts'

/** A file that arrived whole, and can be read at any place. */
export interface SpooledFile {
  bytes: number
  /** Fewer bytes at the end of the file. */
  read(offset: number, length: number): Promise<Buffer>
  /** The same, where the next read will be elsewhere. */
  readOnce(offset: number, length: number): Promise<Buffer>
}

/** Bytes that are read at once, for what is wanted next mostly lies behind what was wanted last. */
const WINDOW_BYTES = 1024 ** 2

/** Writes all pieces to a draft. */
export async function spoolFile(drafts: DraftScope, pieces: AsyncIterable<Buffer>): Promise<SpooledFile> {
  const draft = await drafts.open()
  let bytes = 0
  for await (const piece of pieces) {
    bytes += piece.length
    await writePiece(draft, piece)
  }
  await endDraft(draft)
  return { bytes, read: readInWindows(draft), readOnce: (offset, length) => draft.readRange(offset, length) }
}

/** Pieces of a file in order, from one place to another. */
export async function* readPieces(
  file: SpooledFile,
  from: number,
  to: number,
  pieceBytes = WINDOW_BYTES,
): AsyncGenerator<Buffer> {
  for (let at = from; at < to; ) {
    const piece = await file.read(at, Math.min(pieceBytes, to - at))
    if (piece.length === 0) return
    yield piece
    at += piece.length
  }
}

/** What it gives is part of the window and never written to. */
function readInWindows(draft: Pick<BlobDraft, 'readRange'>): SpooledFile['read'] {
  let start = 0
  let window: Buffer = Buffer.alloc(0)
  return async (offset, length) => {
    if (length >= WINDOW_BYTES) return draft.readRange(offset, length)
    if (offset < start || offset + length > start + window.length) {
      window = await draft.readRange(offset, WINDOW_BYTES)
      start = offset
    }
    return window.subarray(offset - start, offset - start + length)
  }
}
