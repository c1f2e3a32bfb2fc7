import { finished } from 'node:stream/promises'
import type { BlobDraft, BlobStore } from '../storage/blob-store.ts'

/** The drafts of one upload: whatever happens, those that were not kept are thrown away together. */
export interface DraftScope {
  open(): Promise<BlobDraft>
  /** Right at any time, also after some were kept. */
  discard(): Promise<void>
}

/** A scope without drafts. */
export function createDraftScope(blobs: Pick<BlobStore, 'draft'>): DraftScope {
  const drafts = new Set<BlobDraft>()
  return {
    async open() {
      const draft = await blobs.draft()
      draft.stream.on('error', () => {}) // whoever writes is told too
      drafts.add(draft)
      return draft
    },
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

/** Ends a draft: all of it can be read back, or kept. */
export async function endDraft(draft: BlobDraft): Promise<void> {
  draft.stream.end()
  await finished(draft.stream)
}
