import type { Readable, Writable } from 'node:stream'

/** Bytes in the store, named by their content. */
export interface Blob {
  /** SHA-256 of the content, 64 lower-case hexadecimal digits. */
  sha256: string
  bytes: number
}

/** A blob that is being written; invisible until it is kept. */
export interface BlobDraft {
  /** Where the bytes go; its `finish` means that all are written, not that they are durable. */
  readonly stream: Writable
  /** What was written so far, from the start; for a second look before it is kept. */
  readBack(): Readable
  /** Part of what was written and has finished; shorter where that ends before. Not after `keep`. */
  readRange(offset: number, length: number): Promise<Buffer>
  /** Begins early with what `keep` takes long for, beside other work. The stream must have finished. */
  settle(): Promise<void>
  /** Makes the bytes durable under their hash. The stream must have finished. */
  keep(): Promise<Blob>
  /** Throws the bytes away; right at any time, also after `keep`, when it does nothing. */
  discard(): Promise<void>
}

/** Content-addressed storage: a blob never changes, and equal contents are stored once. */
export interface BlobStore {
  /** @param isScratch - it will be read back and never be kept, so it needs no hash */
  draft(isScratch?: boolean): Promise<BlobDraft>
  put(content: Uint8Array): Promise<Blob>
  /** The whole content, checked against its hash. @throws BlobDamagedError */
  read(sha256: string): Promise<Buffer>
  /** Part of the content, unchecked: the hash is over the whole. */
  readRange(sha256: string, offset: number, length: number): Promise<Buffer>
  /** The content as a stream, unchecked. */
  stream(sha256: string): Readable
  has(sha256: string): Promise<boolean>
  /**
   * Deletes a blob, unless it was kept since, also at the very same time. A blob that is wanted again just then may
   * be missing for a moment.
   * @returns whether it was deleted
   */
  deleteUnused(sha256: string, keptBeforeMs: number): Promise<boolean>
  /** Puts back what a process took that was killed in the middle of `deleteUnused`. */
  restoreTaken(): Promise<void>
  /** Deletes drafts that were written to last before then: of processes that were killed. */
  deleteDrafts(startedBeforeMs: number): Promise<void>
  /** Every blob, with the time of its last `keep` (milliseconds since 1970). */
  list(): AsyncIterable<{ sha256: string; bytes: number; keptAtMs: number }>
  /** Throws when the store cannot be written to. */
  check(): Promise<void>
}

/** A blob is missing, or its bytes are not those of its name. */
export class BlobDamagedError extends Error {
  override readonly name = 'BlobDamagedError'
  constructor(sha256: string, cause?: unknown) {
    super(`blob ${sha256} is missing or damaged`, { cause })
  }
}
