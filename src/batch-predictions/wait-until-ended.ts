import type { Database } from '../db/client.ts'
import type { Listener } from '../db/listen.ts'
import { watchJob } from '../jobs/changes.ts'
import { hasEnded } from './lifecycle.ts'
import { getBatch } from './repository.ts'
import type { Batch } from './schemas.ts'

/** How long a notification may be missing before the row is looked at anyway. */
const LOOK_MS = 5_000

/**
 * Reads a batch prediction, and waits while it has not ended.
 * @throws {AppError} BATCH_NOT_FOUND
 */
export async function waitUntilEnded(
  { db, listener }: { db: Database; listener: Listener },
  id: string,
  waitSeconds: number,
  signal: AbortSignal,
): Promise<Batch> {
  const deadlineMs = performance.now() + waitSeconds * 1_000
  const changes = watchJob(listener, id)
  try {
    for (;;) {
      const batch = await getBatch(db, id)
      const leftMs = deadlineMs - performance.now()
      if (hasEnded(batch.status) || leftMs <= 0 || signal.aborted) return batch
      await changes.next(Math.min(leftMs, LOOK_MS), signal)
    }
  } finally {
    changes.close()
  }
}
