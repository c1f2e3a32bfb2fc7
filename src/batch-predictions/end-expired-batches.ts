import type { Database } from '../db/client.ts'
import { WORKERS_LOST_MAX } from '../jobs/lifecycle.ts'
import { type BatchError, cancelBatch, findLostBatches, interruptBatch } from './attempt-repository.ts'

const GIVEN_UP: BatchError = {
  code: 'WORKER_LOST',
  message: `${WORKERS_LOST_MAX} workers in a row were lost while they predicted, without a new chunk between`,
}

/**
 * Takes batch predictions back from workers that were lost: they wait again, and go on behind their last chunk; those
 * whose cancel was asked for get it.
 */
export async function endExpiredBatches(db: Database): Promise<void> {
  for (const fence of await findLostBatches(db)) {
    const isEnded = await interruptBatch(db, fence, 'worker-lost', GIVEN_UP)
    if (!isEnded) await cancelBatch(db, fence, 'finder')
  }
}
