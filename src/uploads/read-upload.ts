import { createHash } from 'node:crypto'
import type { Db } from '../db/client.ts'
import { AppError } from '../errors.ts'
import { BlobDamagedError, type BlobStore } from '../storage/blob-store.ts'
import { listParts } from './repository.ts'

/**
 * The bytes of an upload, each part checked against its hash.
 * @throws {AppError} UPLOAD_DAMAGED
 */
export async function* readUpload(
  { db, blobs }: { db: Db; blobs: BlobStore },
  id: string,
): AsyncGenerator<Buffer> {
  for (const { sha256 } of await listParts(db, id)) {
    const hash = createHash('sha256')
    try {
      for await (const piece of blobs.stream(sha256)) {
        hash.update(piece)
        yield piece
      }
      if (hash.digest('hex') !== sha256) throw new BlobDamagedError(sha256)
    } catch (error) {
      const isDamaged =
        error instanceof BlobDamagedError || (error as NodeJS.ErrnoException).code === 'ENOENT'
      if (!isDamaged) throw error
      throw new AppError('UPLOAD_DAMAGED', `the upload ${id} must be sent again`, { cause: error })
    }
  }
}
