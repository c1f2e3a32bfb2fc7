import type { Database } from '../db/client.ts'
import { markDispatched, withFreeSlots } from './repository.ts'
import type { TrainingQueue } from './training-queue.ts'

/**
 * Hands the queue as many of the waiting jobs as there are free slots, in the order of the line. The line itself
 * stays in Postgres, so the queue server may be lost or emptied at any time; a wake-up that nobody answers is sent
 * again.
 * @returns how many wake-ups were sent
 */
export async function relayWaitingJobs(db: Database, queue: TrainingQueue): Promise<number> {
  return withFreeSlots(db, async (tx, waiting) => {
    for (const { jobId, wakeUpName } of waiting) {
      await queue.wake(jobId, wakeUpName)
      await markDispatched(tx, jobId)
    }
    return waiting.length
  })
}
