import type { Database } from '../db/client.ts'
import { cancelJob, failJob, findExpiredAttempts, interruptJob } from './attempt-repository.ts'

/** A job whose worker was lost this often without a new checkpoint is not tried again. */
export const LOST_WORKERS_MAX = 10

/**
 * Ends the attempts of workers that were lost: their jobs wait again and resume from their checkpoints, those whose
 * cancel was asked for are cancelled, and a job that loses every worker that takes it is given up.
 * @returns how many attempts were ended
 */
export async function endExpiredAttempts(db: Database): Promise<number> {
  const expired = await findExpiredAttempts(db)
  let ended = 0
  for (const { charged, cancelRequested, ...fence } of expired) {
    const done = cancelRequested
      ? await cancelJob(db, fence)
      : charged + 1 >= LOST_WORKERS_MAX
        ? await failJob(db, fence, {
            code: 'WORKER_CRASHED',
            message: `${LOST_WORKERS_MAX} workers were lost in a row while training this job, without a checkpoint between`,
            param: null,
          })
        : await interruptJob(db, fence, 'worker-lost', true)
    if (done) ended++
  }
  return ended
}
