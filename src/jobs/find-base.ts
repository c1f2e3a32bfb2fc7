import type { Db } from '../db/client.ts'
import { AppError, type ErrorCode, fieldError } from '../errors.ts'
import { readManifest } from '../models/artifact.ts'
import { resolveVersion } from '../models/repository.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import type { JobRequest } from './schemas.ts'
import type { BaseVersion } from './warm-start.ts'

/** What is at fault when a version is not found. */
const FIELD_OF: Partial<Record<ErrorCode, 'name' | 'version' | 'alias'>> = {
  MODEL_NOT_FOUND: 'name',
  MODEL_VERSION_NOT_FOUND: 'version',
  ALIAS_NOT_FOUND: 'alias',
}

/**
 * Finds the version that a training shall begin with, and reads what it is; of an alias that is split it is the one
 * with the greatest weight.
 * @throws {AppError} VALIDATION_FAILED with the field, MODEL_DAMAGED
 */
export async function findBase(
  { db, blobs }: { db: Db; blobs: BlobStore },
  { name, version, alias }: NonNullable<JobRequest['baseModel']>,
): Promise<BaseVersion> {
  if ((version === undefined) === (alias === undefined)) {
    const received = version === undefined ? 'neither' : 'both'
    const detail = `must name the model by one of version and alias; received ${received}`
    throw fieldError('VALIDATION_FAILED', '/baseModel', detail)
  }
  try {
    const stored = await resolveVersion(db, name, { version, alias })
    const manifest = await readManifest(blobs, stored.files)
    return { name, version: stored.version, sha256: stored.sha256, manifest }
  } catch (error) {
    const field = error instanceof AppError ? FIELD_OF[error.code] : undefined
    if (!(error instanceof AppError) || !field) throw error
    throw fieldError('VALIDATION_FAILED', `/baseModel/${field}`, error.message)
  }
}
