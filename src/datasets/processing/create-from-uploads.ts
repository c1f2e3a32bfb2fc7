import type { Db } from '../../db/client.ts'
import { AppError, fieldError, pointerToken } from '../../errors.ts'
import type { BlobStore } from '../../storage/blob-store.ts'
import { readUpload } from '../../uploads/read-upload.ts'
import { getUpload } from '../../uploads/repository.ts'
import type { UploadDeps, UploadPart } from '../upload.ts'
import { type DatasetSource, toParts } from './uploads-request.ts'

/** Files that are larger together are read after the answer, which says `processing`. */
export const ANSWERED_BYTES_MAX = 64 * 1024 ** 2

/**
 * Checks that all files are uploads of the key, and whole.
 * @returns how many bytes they have together
 * @throws {AppError} VALIDATION_FAILED, UPLOAD_INCOMPLETE
 */
export async function checkUploads(db: Db, apiKeyId: string, { files }: DatasetSource): Promise<number> {
  let bytes = 0
  for (const [part, id] of Object.entries(files)) {
    const pointer = `/files/${pointerToken(part)}`
    const upload = await getUpload(db, apiKeyId, id).catch(error => {
      if (!(error instanceof AppError) || error.code !== 'UPLOAD_NOT_FOUND') throw error
      return null
    })
    if (upload === null || upload.expiresAt.getTime() <= Date.now()) {
      throw fieldError(
        'VALIDATION_FAILED',
        pointer,
        `must be an upload of this key; there is no ${id}, or no more`,
      )
    }
    if (upload.receivedBytes < upload.bytes) {
      const detail = `the upload ${id} must have its ${upload.bytes} bytes; it has ${upload.receivedBytes}`
      throw fieldError('UPLOAD_INCOMPLETE', pointer, detail)
    }
    bytes += upload.bytes
  }
  return bytes
}

/** The parts that uploads stand for. @param signal - breaks the reading off */
export function readParts(
  deps: UploadDeps & { db: Db; blobs: BlobStore },
  source: DatasetSource,
  signal?: AbortSignal,
): AsyncIterable<UploadPart> {
  return toParts(source, async function* open(id) {
    for await (const piece of readUpload(deps, id)) {
      signal?.throwIfAborted()
      yield piece
    }
  })
}
