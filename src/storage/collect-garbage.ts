import type { Db } from '../db/client.ts'
import type { BlobStore } from './blob-store.ts'
import { findReferencedBlobs } from './repository.ts'

/** Deletes blobs that no row names: of what was deleted, superseded checkpoints, uploads cut off. */
export interface GarbageCollector {
  /** One look at everything. @returns how many blobs were deleted */
  collect(nowMs: number): Promise<number>
}

/**
 * Why it takes nothing that is wanted. A row comes after its blob, so a blob without a row is garbage or too young:
 *
 * - Nothing goes that was kept within the grace. Whoever names a blob keeps it first, equal content too, which
 *   renews its time; and a store deletes no blob that was kept since the look (`deleteUnused`).
 * - Nothing goes that was not seen without a row at every look over a whole grace. While Postgres is away a worker
 *   holds rows back for longer than any grace, but so long nobody can look either; it writes them within its lease
 *   of Postgres's return, or has lost the job and never does. So the grace must be longer than a lease.
 *
 * Several collectors at once are safe, and of no use.
 */
export function createGarbageCollector(deps: {
  db: Db
  blobs: BlobStore
  graceMs: number
}): GarbageCollector {
  const { db, blobs, graceMs } = deps
  let unreferencedSince = new Map<string, number>()
  return {
    async collect(nowMs) {
      const seenBefore = unreferencedSince
      const seen = new Map<string, number>()
      unreferencedSince = new Map() // a look that fails does not count, and all begins anew
      const thresholdMs = nowMs - graceMs
      await blobs.restoreTaken()
      await blobs.deleteDrafts(thresholdMs)
      const listed: string[] = []
      for await (const { sha256 } of blobs.list()) listed.push(sha256)
      const referenced = await findReferencedBlobs(db)
      let deleted = 0
      for (const sha256 of listed) {
        if (referenced.has(sha256)) continue
        const sinceMs = seenBefore.get(sha256) ?? nowMs
        if (sinceMs <= thresholdMs && (await blobs.deleteUnused(sha256, thresholdMs))) deleted++
        else seen.set(sha256, sinceMs)
      }
      unreferencedSince = seen
      return deleted
    },
  }
}
