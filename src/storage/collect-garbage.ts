import type { Database } from '../db/client.ts'
import type { BlobStore } from './blob-store.ts'
import { findReferencedBlobs } from './repository.ts'

/** A blob younger than this may belong to an upload or a training that has not written its row yet. */
const GRACE_MS = 3_600_000

/**
 * Deletes blobs that no row names: of deleted datasets and versions, superseded checkpoints, uploads cut off.
 * @returns how many were deleted
 */
export async function collectGarbage(db: Database, blobs: BlobStore, nowMs: number): Promise<number> {
  const thresholdMs = nowMs - GRACE_MS
  await blobs.deleteDrafts(thresholdMs)
  const candidates: string[] = []
  for await (const { sha256, keptAtMs } of blobs.list()) {
    if (keptAtMs < thresholdMs) candidates.push(sha256)
  }
  const referenced = await findReferencedBlobs(db)
  let deleted = 0
  for (const sha256 of candidates) {
    if (!referenced.has(sha256) && (await blobs.deleteUnused(sha256, thresholdMs))) deleted++
  }
  return deleted
}
