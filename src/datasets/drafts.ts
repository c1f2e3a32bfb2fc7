import { finished } from 'node:stream/promises'
import type { BlobDraft, BlobStore } from '../storage/blob-store.ts'

/** The drafts of one upload: whatever happens, those that were not kept are thrown away together. */
export interface DraftScope {
  open(): Promise<BlobDraft>
  /** A draft to be read again, and never kept. */
  openScratch(): Promise<BlobDraft>
  /** Right at any time, also after some were kept. */
  discard(): Promise<void>
}

/** A scope without drafts. */
export function createDraftScope(blobs: Pick<BlobStore, 'draft'>): DraftScope {
  const drafts = new Set<BlobDraft>()
  const open = async (isScratch: boolean) => {
    const draft = await blobs.draft(isScratch)
    draft.stream.on('error', () => {}) // whoever writes is told too
    drafts.add(draft)
    return draft
  }
  return {
    open: () => open(false),
    openScratch: () => open(true),
    async discard() {
      await Promise.all([...drafts].map(draft => draft.discard()))
      drafts.clear()
    },
  }
}

/** Writes a piece and waits until it is written, so that its memory may be used again. */
export function writePiece(draft: BlobDraft, piece: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    draft.stream.write(piece, error => (error ? reject(error) : resolve()))
  })
}

/** Writes pieces while the next ones are made. */
export interface PieceWriter {
  /**
   * Begins to write a piece, once the one before is written: then the memory of that one may be used again.
   * @throws what went wrong with the one before
   */
  write(piece: Uint8Array): Promise<void>
  /** Waits for the last piece. @throws what went wrong with it */
  end(): Promise<void>
}

/** A writer of a draft that is one piece behind. */
export function createPieceWriter(draft: BlobDraft): PieceWriter {
  let pending: Promise<void> = Promise.resolve()
  return {
    async write(piece) {
      await pending
      pending = writePiece(draft, piece)
      pending.catch(() => {}) // it is told at the next call
    },
    end: () => pending,
  }
}

/** Bytes of small pieces that are written together: each write goes through a thread. */
const GATHERED_BYTES = 1024 ** 2

/** A writer for small pieces, which must never be changed: some are copied together and written at once. */
export function createGatheringWriter(draft: BlobDraft): PieceWriter {
  const writer = createPieceWriter(draft)
  let waiting: Uint8Array[] = []
  let bytes = 0
  const flush = async () => {
    const gathered = Buffer.concat(waiting, bytes)
    waiting = []
    bytes = 0
    await writer.write(gathered)
  }
  return {
    async write(piece) {
      waiting.push(piece)
      bytes += piece.length
      if (bytes >= GATHERED_BYTES) await flush()
    },
    async end() {
      await flush()
      await writer.end()
    },
  }
}

/** Ends a draft: all of it can be read back, or kept. */
export async function endDraft(draft: BlobDraft): Promise<void> {
  draft.stream.end()
  await finished(draft.stream)
}
